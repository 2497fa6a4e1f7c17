"""What a run's log says while a candidate is tuned."""

import re

import dagster as dg
import pytest

from model_refresh.orchestration.telling import telling_progress
from model_refresh.refresh.dataset import build_dataset
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import materialize
from model_refresh_tests.watched import FakeClock, make_progress


def logged(*seconds: float, end: float) -> list[str]:
    """What the log of a run says, if a trial of its only step began at each of these seconds."""
    clock = FakeClock()

    @dg.asset
    def candidate(context: dg.AssetExecutionContext) -> None:
        with telling_progress(context.log.info, clock=clock) as tell:
            for trial, second in enumerate(seconds, start=1):
                clock.now = second
                tell(make_progress(trial=trial, best=0.5 - trial / 1000, seconds_left=90 - second))
            clock.now = end

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([candidate], instance=instance)
        events = instance.all_logs(result.run_id)
    return [event.user_message for event in events if "trial" in event.user_message]


def test_a_long_tuning_is_a_line_in_five_seconds() -> None:
    lines = logged(*[0.25 * number for number in range(240)], end=60.0)
    assert len(lines) == 13
    assert lines[0] == "tuning lightgbm: trial 1 of 20, best log_loss 0.499, 90 s left"
    assert lines[1] == "tuning lightgbm: trial 21 of 20, best log_loss 0.479, 85 s left"


@pytest.mark.parametrize(("end", "told"), [(7.0, [1]), (8.5, [1, 3])])
def test_the_last_figures_are_told_unless_a_line_was_just_before(
    end: float, told: list[int]
) -> None:
    lines = logged(3.25, 4.0, 5.0, end=end)
    assert [int(line.split("trial ")[1].split()[0]) for line in lines] == told


def test_the_asset_of_a_candidate_logs_what_its_child_process_tells(fresh: Lab) -> None:
    build_dataset(fresh.model, fresh.store, fresh.day(SECOND))
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(fresh, ["candidates/linear"], instance=instance)
        events = instance.all_logs(result.run_id)
    first, *_ = [event.user_message for event in events if "trial" in event.user_message]
    assert re.match(r"tuning linear: trial 1 of 1, \d+ s left$", first)


def test_a_candidate_without_progress_logs_nothing() -> None:
    assert logged(end=5.0) == []


def test_a_fit_that_fails_leaves_the_failure_the_last_word() -> None:
    clock = FakeClock()
    lines: list[str] = []

    with pytest.raises(ZeroDivisionError), telling_progress(lines.append, clock=clock) as tell:
        tell(make_progress(trial=1))
        tell(make_progress(trial=2))
        clock.now += 9
        raise ZeroDivisionError
    assert len(lines) == 1
