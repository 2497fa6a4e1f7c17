"""The job that approves what waits: the same demands as the command line, shown on the champion."""

import dagster as dg
import pytest

from model_refresh.orchestration.approval import APPROVE, OP
from model_refresh.refresh.override import override
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import MANUAL, NAME, Lab, waits
from model_refresh_tests.orchestration.runs import (
    AFTER,
    STEPS,
    definitions_of,
    entries,
    failure_of,
    keys_of,
    materialize,
    metadata_of,
)


def press(
    lab: Lab,
    version: str,
    *,
    model: str = NAME,
    reason: str = "looked at it",
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Launch the job as its Launchpad does, with what a person filled in."""
    config = {"model": model, "version": version, "reason": reason}
    job = definitions_of(lab).resolve_job_def(APPROVE)
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            run_config={"ops": {OP: {"config": config}}},
            instance=instance,
            raise_on_error=False,
            tags=tags,
        )


def test_a_refresh_by_dagster_waits_and_the_champions_page_tells_for_what(lab: Lab) -> None:
    manual = lab.again(MANUAL)
    result = materialize(manual, [*STEPS, *AFTER])
    assert result.success
    told = metadata_of(result, "champion")
    assert told["decision"].value == "wait"
    awaited = f"passed, and waits for approval: model-refresh promote visits {waits(manual)}"
    assert str(told["sentence"].value).startswith(awaited)
    assert told["champion"].value == manual.store.champion.line(1).record.version


def test_the_button_promotes_what_waits_and_the_champions_page_shows_it(manual: Lab) -> None:
    version = waits(manual)
    result = press(manual, version)
    assert result.success
    entry = manual.store.champion.lines()[-1].record
    assert (entry.number, entry.kind, entry.version, entry.who) == (
        2,
        "promotion",
        version,
        "dagster",
    )
    assert entry.reason.endswith("; approved: looked at it")
    (event,) = result.get_asset_materialization_events()
    assert event.asset_key == keys_of(["champion"])[0]
    told = metadata_of(result, "champion")
    assert (told["decision"].value, told["champion"].value) == ("promote", version)
    assert told["entry"].value == 2


def test_a_user_that_the_run_is_tagged_with_is_named(manual: Lab) -> None:
    assert press(manual, waits(manual), tags={"user": "ann"}).success
    assert manual.store.champion.lines()[-1].record.who == "dagster: ann"


def test_pressed_twice_there_is_one_entry(manual: Lab) -> None:
    version = waits(manual)
    assert [press(manual, version).success for _ in range(2)] == [True, True]
    assert entries(manual) == 2


def test_a_champion_materialized_after_an_approval_tells_it(manual: Lab) -> None:
    version = waits(manual)
    press(manual, version)
    result = materialize(manual, ["champion"])
    assert metadata_of(result, "champion")["champion"].value == version
    assert entries(manual) == 2


@pytest.mark.parametrize(
    ("version", "model", "reason", "why"),
    [
        ("0123456789abcdef", NAME, "looked at it", "no challenger that passed"),
        (None, "visit", "looked at it", "there is no model 'visit'; there are visits"),
        (None, NAME, "  ", "needs a reason"),
    ],
)
def test_what_can_not_be_approved_fails_with_the_reason_and_is_not_retried(
    manual: Lab, version: str | None, model: str, reason: str, why: str
) -> None:
    result = press(manual, version or waits(manual), model=model, reason=reason)
    assert not result.success
    assert why in failure_of(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert entries(manual) == 1


def test_an_approval_after_another_champion_came_fails(manual: Lab) -> None:
    version, trial = waits(manual), manual.store.champion.line(1).record.trial
    override(manual.store, str(trial), as_of=manual.day(FIRST), who="bob", reason="meanwhile")
    result = press(manual, version)
    assert "compared with another champion" in failure_of(result)
    assert entries(manual) == 2


def test_where_models_promote_by_themselves_the_button_does_nothing(lab: Lab) -> None:
    (version,) = (line.record.version for line in lab.store.champion.lines())
    result = press(lab, version)
    assert f"it did so with {version}, entry 1" in failure_of(result)
    assert entries(lab) == 1


def test_the_champion_materialized_alone_still_waits(manual: Lab) -> None:
    result = materialize(manual, ["champion"])
    assert result.success
    assert metadata_of(result, "champion")["decision"].value == "wait"
    assert entries(manual) == 1
