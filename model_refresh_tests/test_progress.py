import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.isolation import run_isolated
from model_refresh.progress import Progress, Throttled, reader, sentence, silent, to_parent
from model_refresh_tests.watched import FakeClock, make_progress


def test_progress_comes_from_a_child_as_it_was_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    job = tmp_path / "job"
    job.write_text("progress")
    run_isolated(
        "model_refresh_tests.isolated.talking",
        job,
        deadline_seconds=30,
        memory_mib=400,
        on_message=reader(told.append),
    )
    first = make_progress(trial=1, best=None, seconds_left=60.0)
    assert told == [first, make_progress(), make_progress(stage="fitting", seconds_left=0)]


def test_away_from_a_parent_progress_is_told_to_nobody() -> None:
    to_parent(make_progress())
    silent(make_progress())


def test_fitting_without_figures_keeps_those_of_tuning() -> None:
    told: list[Progress] = []
    read = reader(told.append)
    bare = make_progress(stage="fitting", trial=0, trials=0, best=None, metric="", seconds_left=0)
    for progress in (bare, make_progress(), bare):
        read(progress.canonical())
    assert told == [bare, make_progress(), make_progress(stage="fitting", seconds_left=0)]


def _changed(**changes: object) -> str:
    return json.dumps(json.loads(make_progress().canonical()) | changes)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "7",
        "null",
        "[Progress]",
        "[" * 10_000,
        "\x00\ufffd\x1b[2J",
        make_progress().canonical()[:-1],
        make_progress().canonical()[1:],
        make_progress().canonical() * 2,
        _changed(stage="resting"),
        _changed(trial=-1),
        _changed(trial=10**400),
        _changed(trials="many"),
        _changed(seconds_left=None),
        _changed(candidate="x" * 101),
        _changed(more="than known"),
    ],
)
def test_a_line_that_is_no_progress_is_passed_over(line: str) -> None:
    told: list[Progress] = []
    read = reader(told.append)
    read(line)
    read(make_progress().canonical())
    assert told == [make_progress()]


@given(st.text(max_size=200))
def test_no_line_is_too_strange_to_be_read(line: str) -> None:
    reader(silent)(line)


@given(
    best=st.none() | st.floats(),
    seconds=st.floats(),
    trial=st.integers(0, 10**6),
    stage=st.sampled_from(["tuning", "fitting"]),
    candidate=st.text(max_size=100),
)
def test_whatever_a_fit_comes_to_its_progress_arrives_and_is_a_short_line(
    best: float | None, seconds: float, trial: int, stage: str, candidate: str
) -> None:
    told: list[Progress] = []
    progress = make_progress(
        best=best, seconds_left=seconds, trial=trial, stage=stage, candidate=candidate
    )
    assert len(progress.canonical().encode()) < 4096
    reader(told.append)(progress.canonical())
    assert told == [progress]
    assert progress.best is None or math.isfinite(progress.best)
    assert 0 <= progress.seconds_left < 10**6
    assert len(sentence(progress)) < 220


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "tuning lightgbm: trial 7 of 20, best log_loss 0.32154, 41 s left"),
        ({"best": None}, "tuning lightgbm: trial 7 of 20, 41 s left"),
        ({"best": math.inf}, "tuning lightgbm: trial 7 of 20, 41 s left"),
        ({"best": 12345.678, "metric": "rmse"}, "tuning lightgbm: trial 7 of 20, best rmse 12346, 41 s left"),
        ({"trial": 20, "seconds_left": -3.0}, "tuning lightgbm: trial 20 of 20, best log_loss 0.32154, 0 s left"),
        ({"stage": "fitting"}, "fitting lightgbm: trial 7 of 20, best log_loss 0.32154"),
        ({"stage": "fitting", "trial": 0, "best": None}, "fitting lightgbm"),
    ],
)  # fmt: skip
def test_progress_is_said_in_one_sentence(changes: dict[str, object], said: str) -> None:
    assert sentence(make_progress(**changes)) == said


def test_what_is_left_grows_less_and_never_negative() -> None:
    assert make_progress().after(1.5).seconds_left == 39.5
    assert make_progress().after(100).seconds_left == 0


class _Line:
    """A throttled line, and the seconds at which it told which trial."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.told: list[tuple[float, int, float]] = []
        self.throttled = Throttled(self._hear, clock=self.clock)

    def _hear(self, progress: Progress) -> None:
        self.told.append((self.clock.now - 1000, progress.trial, progress.seconds_left))

    def hear(self, second: float, trial: int) -> None:
        self.clock.now = 1000 + second
        self.throttled(make_progress(trial=trial, seconds_left=60 - second))

    def end(self, second: float) -> None:
        self.clock.now = 1000 + second
        self.throttled.catch_up()

    @property
    def trials(self) -> list[tuple[float, int]]:
        return [(second, trial) for second, trial, _ in self.told]


def test_the_first_is_passed_on_at_once_and_then_one_in_five_seconds() -> None:
    line = _Line()
    for tenth in range(0, 201):
        line.hear(tenth / 10, trial=tenth)
    assert line.trials == [(0, 0), (5, 50), (10, 100), (15, 150), (20, 200)]


def test_the_last_is_passed_on_when_its_time_has_come() -> None:
    line = _Line()
    for trial, second in enumerate([0, 1, 2, 6, 7, 8]):
        line.hear(second, trial)
    line.end(12.5)
    assert line.told == [(0, 0, 60), (6, 3, 54), (12.5, 5, 60 - 12.5)]
    line.end(30)
    assert len(line.told) == 3, "nothing is told twice"


def test_the_last_is_not_passed_on_too_soon() -> None:
    line = _Line()
    line.hear(0, 1)
    line.hear(1, 2)
    line.end(2)
    assert line.trials == [(0, 1)]


def test_an_end_without_any_progress_is_silent() -> None:
    line = _Line()
    line.end(7)
    assert line.told == []


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60))
def test_no_two_lines_are_less_than_five_seconds_apart(steps: list[tuple[float, bool]]) -> None:
    line, now = _Line(), 0.0
    for trial, (pause, is_end) in enumerate(steps):
        now += pause
        if is_end:
            line.end(now)
        else:
            line.hear(now, trial)
    seconds = [second for second, _ in line.trials]
    assert all(later - sooner >= 5 - 1e-9 for sooner, later in pairwise(seconds))
    trials = [trial for _, trial in line.trials]
    assert trials == sorted(set(trials))
