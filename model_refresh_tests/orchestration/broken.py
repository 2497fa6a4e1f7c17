"""Runs that broke, as an instance knows them, and what `recover` asks for."""

import datetime as dt

import dagster as dg
from dagster import DagsterRunStatus

from model_refresh.orchestration.names import refresh_selection
from model_refresh.orchestration.recovery import recover_sensor
from model_refresh.orchestration.requests import REFRESH
from model_refresh.orchestration.tags import (
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    REASON_TAG,
    SELECTION_TAG,
)
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.orchestration.runs import definitions_of


def add(
    instance: dg.DagsterInstance, lab: Lab, status: DagsterRunStatus, **tags: str
) -> dg.DagsterRun:
    """A refresh of the lab's model as the instance knows it; tags by the last part of their names."""
    all_tags = {
        MODEL_TAG: NAME,
        SELECTION_TAG: REFRESH,
        REASON_TAG: "monday",
        PARTITION_TAG: lab.model.cadence.key(lab.day(11)),
        **tags,
    }
    return instance.add_run(
        dg.DagsterRun(
            job_name=IMPLICIT_JOB,
            status=status,
            tags=all_tags,
            asset_selection=frozenset(refresh_selection(lab.model)),
        )
    )


def tick(
    instance: dg.DagsterInstance, lab: Lab, *, later: dt.timedelta = dt.timedelta()
) -> list[dg.RunRequest]:
    """What the sensor asks for, now or later."""
    sensor = recover_sensor([lab.model], Store(lab.home), clock=lambda: utc_now() + later)
    repository = definitions_of(lab).get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        answer = sensor.evaluate_tick(context)
    return list(answer.run_requests or [])


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status
