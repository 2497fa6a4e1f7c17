"""A library or a column that a candidate demands: which commands ask for it, and which go on."""

import pytest

from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

INSTALL = "catboost is not installed: pip install 'model_refresh[catboost]'"


@pytest.fixture
def lacking(twice: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab of two champions whose model now names a library that isn't installed."""
    monkeypatch.setattr("model_refresh.algorithms.declared.find_spec", lambda name: None)
    named = [{"algorithm": name} for name in ("constant", "catboost", "linear")]
    return twice.again({"training.candidates": named})


@pytest.mark.parametrize("command", [["check"], ["refresh", NAME]], ids=lambda each: each[0])
def test_what_fits_says_which_library_to_install(lacking: Lab, command: list[str]) -> None:
    ended = run(lacking, *command)
    assert ended.code == 1
    (line,) = [line for line in ended.err.splitlines() if INSTALL in line]
    assert "model.yaml:" in line


@pytest.mark.parametrize("command", ["history", "champion", "show", "verify", "why", "score"])
def test_what_only_reads_goes_on_without_a_library(lacking: Lab, command: str) -> None:
    at = ["--as-of", day(lacking, FIRST)] if command in ("why", "score") else []
    ended = run(lacking, command, NAME, *at)
    assert ended.code == 0, ended.err


def test_a_rollback_needs_no_library(lacking: Lab) -> None:
    ended = run(lacking, "rollback", NAME, "--reason", "the second one is odd")
    assert ended.code == 0, ended.err


def test_check_with_data_finds_a_column_that_the_query_does_not_give(lab: Lab) -> None:
    naive = {"algorithm": "naive", "column": "visit"}
    declared = lab.again({"training.candidates": [naive, {"algorithm": "linear"}]})
    assert run(declared, "check").code == 0
    ended = run(declared, "check", "--data", "--as-of", day(declared, SECOND))
    assert ended.code == 1
    assert "training.candidates[0]: naive carries forward 'visit', which is no" in ended.err
    assert "did you mean 'visits'" in ended.err
