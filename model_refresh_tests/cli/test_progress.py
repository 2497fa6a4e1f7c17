"""How a refresh is watched: plain lines, or one live table on a terminal."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from model_refresh import pipeline
from model_refresh.cli.progress import LiveTable, PlainLines
from model_refresh.cli.remarks import remark
from model_refresh.records import Candidate, Challenger, Trial
from model_refresh.refresh.dataset import build_dataset
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.factories import AS_OF, make_model
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.watched import FakeClock, make_progress

STEPS = ["dataset", "candidate constant", "candidate linear", "comparison", "verdict", "challenger",
         "trial_scores", "champion"]  # fmt: skip


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
    assert all(re.match(r"  [a-z_ ]+: \d+\.\d s, \S", line) for line in lines)
    assert re.search(r"\d,\d00 labelled rows in \d frames, holdout 2024-01-25", lines[0])
    assert "log loss 0.4251 on validation, 1 trial" in lines[2]
    assert "linear log loss 0.4257 against the constant's 0.6871 and the incumbent's" in lines[3]
    assert "trial and final twin have rank correlation" in lines[5]


def test_what_the_child_process_of_a_fit_tells_is_shown_while_it_works(lab: Lab) -> None:
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND + 1))
    told = [line for line in ended.err.splitlines() if re.match("  (tuning|fitting) ", line)]
    assert re.match(r"  tuning constant: trial 1 of 1, \d+ s left$", told[0])


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


def candidate(name: str, *, loss: float = 0.32154, trials: int = 20) -> Candidate:
    """A candidate as a step tells of it."""
    return Candidate(
        as_of=AS_OF,
        name=name,
        dataset="0" * 64,
        validation={"log_loss": loss},
        trials=(Trial(parameters={}, loss=loss),) * trials,
    )


class Screen:
    """A live table of a model with three candidates, the time, and what a terminal shows of it."""

    def __init__(self, folder: Path) -> None:
        names = ("constant", "linear", "lightgbm")
        model = make_model(folder, candidates=[{"algorithm": name} for name in names])
        self.clock = FakeClock()
        self.table = LiveTable(model, self.clock)

    def after(self, seconds: float) -> LiveTable:
        """The table when so many seconds more have passed."""
        self.clock.now += seconds
        return self.table

    def lines(self, width: int = 80) -> list[str]:
        """What is shown, without the blanks at the end of lines."""
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(self.table)
        return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    """Two candidates are done, the third is tuned."""
    screen = Screen(tmp_path)
    screen.after(1.25).tell("dataset", Challenger(as_of=AS_OF, verdict="0" * 64))
    screen.table.tell("candidate constant", candidate("constant", loss=0.68714, trials=1))
    screen.table.progress(make_progress(candidate="linear", trial=20, best=0.425612))
    screen.after(7).tell("candidate linear", candidate("linear", loss=0.425612))
    screen.after(1).progress(make_progress())
    return screen


def test_the_live_table_shows_trial_best_and_seconds_left(screen: Screen) -> None:
    screen.after(9)
    assert screen.lines() == [
        "step                seconds     trial  best so far  left",
        "dataset                 1.2                               none: the gates did n…",
        "candidate constant      0.0                               log loss 0.6871 on va…",
        "candidate linear        7.0  20 of 20      0.42561        log loss 0.4256 on va…",
        "candidate lightgbm     10.0   7 of 20      0.32154  32 s  tuning for log_loss",
        "comparison",
        "verdict",
        "report",
        "challenger",
        "trial_scores",
        "champion",
    ]


def test_what_is_left_is_counted_down_to_nothing_between_messages(screen: Screen) -> None:
    left = []
    for _ in range(4):
        screen.after(12)
        left.append(re.findall(r"(\d+) s ", screen.lines()[4]))
    assert left == [["29"], ["17"], ["5"], ["0"]]


def test_before_the_first_trial_has_ended_there_is_no_best(screen: Screen) -> None:
    screen.table.progress(make_progress(trial=1, best=None, seconds_left=60))
    assert screen.lines()[4] == (
        "candidate lightgbm      1.0   1 of 20               60 s  tuning for log_loss"
    )


def test_while_the_winner_is_fitted_its_figures_stay(screen: Screen) -> None:
    screen.after(9).progress(make_progress(stage="fitting", trial=20))
    assert screen.lines()[4] == (
        "candidate lightgbm     10.0  20 of 20      0.32154        fitting"
    )


def test_a_step_without_progress_just_runs(screen: Screen) -> None:
    screen.table.tell("candidate lightgbm", candidate("lightgbm"))
    screen.after(2.5)
    assert screen.lines()[4:6] == [
        "candidate lightgbm      1.0   7 of 20      0.32154        log loss 0.3215 on va…",
        "comparison              2.5                               runs",
    ]


def test_on_a_wide_terminal_remarks_are_shown_whole(screen: Screen) -> None:
    assert screen.lines(120)[3] == (
        "candidate linear        7.0  20 of 20      0.42561        log loss 0.4256 on validation, 20 trials"
    )
    assert "none: the gates did not let it pass" in screen.lines(120)[1]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_while_it_is_live_each_row_is_one_line_of_the_terminal(screen: Screen, width: int) -> None:
    lines = screen.lines(width)
    assert len(lines) == 11
    assert max(map(len, lines)) <= width


def test_in_the_end_remarks_are_whole_and_the_figures_of_tuning_are_gone(screen: Screen) -> None:
    failed = candidate("lightgbm").model_copy(
        update={"failure": "stopped at its deadline of 2 s " * 4}
    )
    with screen.table.shown(Console(file=io.StringIO(), force_terminal=True, width=80)):
        screen.table.tell("candidate lightgbm", failed)
    lines = screen.lines()
    assert lines[0] == "step                seconds"
    assert " ".join(line[28:].strip() for line in lines[4:7]).startswith(
        "failed: stopped at its deadline of 2 s stopped at its deadline"
    )
    assert not any("…" in line for line in lines)


def test_progress_of_a_step_that_is_done_again_is_forgotten(screen: Screen) -> None:
    screen.table.tell("candidate constant", candidate("constant"))
    assert screen.lines()[3:5] == [
        "candidate linear        0.0                            runs",
        "candidate lightgbm",
    ]


def test_a_remark_that_looks_like_markup_is_shown_as_it_is(screen: Screen) -> None:
    screen.table.tell("candidate lightgbm", candidate("x").model_copy(update={"failure": "[red]"}))
    assert screen.lines(120)[4].endswith("failed: [red]")


def test_plain_progress_is_a_line_in_five_seconds_between_the_lines_of_steps(
    tmp_path: Path,
) -> None:
    clock, console = FakeClock(), Console(file=io.StringIO(), width=40, record=True)
    lines = PlainLines(make_model(tmp_path), console, clock)
    for second in range(12):
        clock.now = 1000 + second
        lines.progress(make_progress(trial=second + 1, seconds_left=60 - second))
    lines.tell("candidate lightgbm", candidate("lightgbm"))
    assert console.export_text().splitlines() == [
        "  tuning lightgbm: trial 1 of 20, best log_loss 0.32154, 60 s left",
        "  tuning lightgbm: trial 6 of 20, best log_loss 0.32154, 55 s left",
        "  tuning lightgbm: trial 11 of 20, best log_loss 0.32154, 50 s left",
        "  candidate lightgbm: 11.0 s, log loss 0.3215 on validation, 20 trials",
    ]
