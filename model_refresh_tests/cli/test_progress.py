"""How a refresh is watched: a line a step, or one live table on a terminal."""

import re

import pytest

from model_refresh import pipeline
from model_refresh.cli.remarks import remark
from model_refresh.refresh.dataset import build_dataset
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab

STEPS = ["dataset", "candidate constant", "candidate linear", "comparison", "verdict", "challenger",
         "champion"]  # fmt: skip


def test_the_steps_are_told_in_their_order(lab: Lab) -> None:
    told: list[str] = []
    pipeline.refresh(
        lab.model, lab.store, lab.day(SECOND), on_step=lambda name, _: told.append(name)
    )
    assert told == STEPS == list(pipeline.steps(lab.model))


def test_away_from_a_terminal_each_step_is_a_line_with_its_seconds(lab: Lab) -> None:
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND))
    lines = ended.err.splitlines()
    assert [line.strip().split(": ")[0] for line in lines] == STEPS
    assert all(re.match(r"  [a-z ]+: \d+\.\d s, \S", line) for line in lines)
    assert "1,500 labelled rows in 5 frames, holdout 2024-01-25" in lines[0]
    assert "log loss 0.4251 on validation, 1 trial" in lines[2]
    assert "linear log loss 0.4257 against the constant's 0.6871 and the incumbent's" in lines[3]
    assert "trial and final twin have rank correlation" in lines[5]


def test_fewer_frames_than_the_window_are_told(fresh: Lab) -> None:
    wide = fresh.again({"training.window": 8})
    dataset = build_dataset(wide.model, wide.store, wide.day(5)).record
    assert "final has 5 of 8 frames: there are none before 2024-01-15" in remark(
        dataset, "log_loss"
    )


def test_on_a_terminal_there_is_one_table(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND), "--json")
    assert ended.json["decision"] == "promote"
    last = final_table(ended.err)
    assert [name for name in STEPS if name in last] == STEPS
    assert "runs" not in last


def test_a_refresh_that_fails_shows_where_it_stopped(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    strict = lab.again(
        {"gates": [{"gate": "absolute", "metric": "roc_auc", "at_least": 1, "severity": "reject"}]}
    )
    ended = run(strict, "refresh", NAME, "--as-of", day(lab, SECOND))
    assert ended.code == 1
    (stopped,) = [line for line in final_table(ended.err).splitlines() if "stopped" in line]
    assert stopped.startswith("champion")
    assert "visits, verdict of 2024-01-26: reject: absolute: " in ended.last_line


def test_on_a_terminal_a_refresh_that_was_done_leaves_one_line(
    twice: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    ended = run(twice, "refresh", NAME, "--as-of", day(twice, SECOND))
    assert ended.last_line.endswith("  nothing was left to do: this refresh has promoted already")
    assert "\x1b[2K" in ended.last_line, "the table is wiped away"


def final_table(screen: str) -> str:
    """What stays on the screen, without colours."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    return plain[plain.rindex("step ") :]
