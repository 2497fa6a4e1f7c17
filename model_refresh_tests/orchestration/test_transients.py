"""Runs that a transient fault ended are started again after a while, others not."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from model_refresh.errors import DataError, EngineBusy
from model_refresh.monitoring.recovery import TRANSIENT_WAITS
from model_refresh.orchestration import resources
from model_refresh.orchestration.tags import (
    MODEL_TAG,
)
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.broken import add, status_of, tick
from model_refresh_tests.orchestration.homes import make_home


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(make_home(tmp_path)) as instance:
        yield instance


def end_by(instance: dg.DagsterInstance, run: dg.DagsterRun, *errors: Exception) -> None:
    """End a run by steps that fail: by what Dagster records once it has tried them often enough."""

    def failing(number: int, error: Exception) -> dg.OpDefinition:
        @dg.op(name=f"step_{number}")
        def step() -> None:
            with resources.telling_failures():
                raise error

        return step

    steps = [failing(number, error) for number, error in enumerate(errors)]
    job = dg.GraphDefinition(name="graph", node_defs=steps).to_job()
    for event in job.execute_in_process(raise_on_error=False).all_events:
        if event.is_step_failure or event.is_job_failure:
            instance.report_dagster_event(event, run.run_id)


def test_a_refresh_that_met_a_locked_source_is_asked_for_again_until_it_is_not(
    instance: dg.DagsterInstance,
    fresh: Lab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    run = add(instance, fresh, DagsterRunStatus.NOT_STARTED)
    end_by(instance, run, EngineBusy("shop.duckdb is locked"))
    assert status_of(instance, run) == DagsterRunStatus.FAILURE
    assert tick(instance, fresh) == [], "five minutes later it may be free"
    (request,) = tick(instance, fresh, later=TRANSIENT_WAITS[0])
    assert (request.run_key, request.tags["dagster/retry_number"]) == (f"retry|{run.run_id}", "1")
    again = add(instance, fresh, DagsterRunStatus.NOT_STARTED, **request.tags)
    assert tick(instance, fresh, later=TRANSIENT_WAITS[0]) == []
    end_by(instance, again, EngineBusy("shop.duckdb is locked"))
    assert tick(instance, fresh, later=TRANSIENT_WAITS[0]) == [], "the second wait is longer"
    (request,) = tick(instance, fresh, later=TRANSIENT_WAITS[1])
    assert request.run_key == f"retry|{again.run_id}"
    assert request.tags["dagster/retry_number"] == "2"
    assert request.tags["dagster/root_run_id"] == run.run_id


@pytest.mark.parametrize(
    ("errors", "tags"),
    [
        ([DataError("0 rows")], {}),
        ([EngineBusy("locked"), DataError("0 rows")], {}),
        ([EngineBusy("locked"), ValueError("a bug")], {}),
        ([EngineBusy("locked")], {MODEL_TAG: ""}),
    ],
)
def test_a_run_is_not_repeated_where_a_step_failed_for_good_or_a_person_started_it(
    instance: dg.DagsterInstance,
    fresh: Lab,
    monkeypatch: pytest.MonkeyPatch,
    errors: list[Exception],
    tags: dict[str, str],
) -> None:
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    run = add(instance, fresh, DagsterRunStatus.NOT_STARTED, **tags)
    end_by(instance, run, *errors)
    assert status_of(instance, run) == DagsterRunStatus.FAILURE
    assert tick(instance, fresh, later=TRANSIENT_WAITS[-1]) == []
