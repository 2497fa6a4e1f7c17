"""The command `performance`: realised beside promised and expected, and grading by hand."""

import datetime as dt
import importlib

import polars as pl
import pytest

from model_refresh_tests.cli.terminal import run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab


def test_before_labels_are_graded_it_shows_what_is_expected_and_how_to_grade(scored: Lab) -> None:
    shown = run(scored, "performance", "visits")
    assert shown.code == 0
    assert "estimated" in shown.out
    assert "not graded yet" in shown.out
    assert "labels have matured: model-refresh performance visits --grade" in shown.out
    assert scored.store.graded() == []


def test_grade_grades_what_has_matured_answers_decay_and_lists_it(scored: Lab) -> None:
    shown = run(scored, "performance", "visits", "--grade")
    assert shown.code == 0
    assert shown.err.startswith("decay as of 2024-01-26: log loss")
    assert "300 rows graded: no decay in 2 checks" in shown.out
    newest = scored.store.champion.last()
    assert newest is not None
    assert newest.record.kind == "rollback"
    again = run(scored, "performance", "visits", "--grade", "--json").json
    assert [(each["as_of"], each["state"]) for each in again] == [
        ("2024-01-25", "graded"),
        ("2024-01-26", "graded"),
    ]
    assert again[1]["performance"]["remedy"] == "rollback"
    assert len(scored.store.champion.lines()) == 3


def test_one_frame_is_shown_in_full(scored: Lab) -> None:
    run(scored, "performance", "visits", "--grade")
    shown = run(scored, "performance", "visits", "--as-of", "2024-01-26")
    assert shown.code == 0
    assert "answer: rollback" in shown.out
    assert "passed: log loss" in shown.out
    assert "failed: log loss" in shown.out
    for word in ("champion", "former", "constant", "estimated", "roc_auc"):
        assert word in shown.out, word


def test_damaged_labels_keep_no_other_frame_back_and_end_in_one_line(scored: Lab) -> None:
    is_lost = pl.col("day") == scored.day(SECOND).date()
    visited = pl.when(is_lost).then(0).otherwise(pl.col("visited"))
    scored.damage(scored.rows().with_columns(visited=visited))
    shown = run(scored, "performance", "visits", "--grade")
    assert shown.code == 1
    assert shown.last_line.startswith("visits, labels of 2024-01-26: label mean 0 against")
    assert scored.store.graded() == [scored.day(FIRST)]


def test_before_the_data_should_be_there_nothing_is_graded_and_it_says_from_when(
    scored: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = scored.day(SECOND + 1) + dt.timedelta(hours=5, minutes=59)
    module = importlib.import_module("model_refresh.cli.performance")
    monkeypatch.setattr(module, "utc_now", lambda: early)
    one = run(scored, "performance", "visits", "--as-of", "2024-01-26", "--grade")
    assert one.code == 1
    assert one.last_line == (
        "visits: the labels of 2024-01-26 mature at 2024-01-27 00:00 UTC and their data are "
        "expected at 2024-01-27 06:00 UTC, by the schedule's time: run again then"
    )
    every = run(scored, "performance", "visits", "--grade", "--json").json
    assert [each["state"] for each in every] == ["graded", "waiting"]
    assert every[1]["expected_at"] == "2024-01-27T06:00:00Z"


def test_a_frame_that_was_never_scored_is_refused_with_the_command(scored: Lab) -> None:
    shown = run(scored, "performance", "visits", "--as-of", "2024-01-28")
    assert shown.code == 1
    assert shown.last_line.endswith("model-refresh score visits --as-of 2024-01-28")


def test_a_matured_frame_that_is_not_graded_says_how_to_and_what_was_expected(scored: Lab) -> None:
    shown = run(scored, "performance", "visits", "--as-of", "2024-01-25")
    first, *table = shown.out.splitlines()
    command = "model-refresh performance visits --grade --as-of 2024-01-25"
    assert first == f"2024-01-25 is not graded yet; labels have matured: {command}"
    assert table[0].split() == ["metric", "estimated"]
    assert any(line.split()[0] == "log_loss" for line in table[1:])


def test_what_grading_undoes_is_told_beside_the_json(scored: Lab) -> None:
    shown = run(scored, "performance", "visits", "--grade", "--json")
    assert [each["state"] for each in shown.json] == ["graded", "graded"]
    assert shown.err.startswith("decay as of 2024-01-26: log loss")
