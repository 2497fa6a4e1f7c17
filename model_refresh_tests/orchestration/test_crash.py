"""A real worker of a real refresh is killed; the refresh is ended, started once more, and whole."""

import os
import signal
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from model_refresh.orchestration.names import refresh_selection
from model_refresh.orchestration.requests import REFRESH
from model_refresh.orchestration.tags import IMPLICIT_JOB, MODEL_TAG, SELECTION_TAG
from model_refresh.orchestration.workers import worker_of
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.orchestration.homes import make_home
from model_refresh_tests.orchestration.runs import definitions_of, entries
from model_refresh_tests.waiting import wait_until

PATIENCE_SECONDS = 120.0


def launch(instance: dg.DagsterInstance, lab: Lab, request: dg.RunRequest) -> dg.DagsterRun:
    """What the daemon does with a request: make its run, and have the launcher start it."""
    repository = definitions_of(lab).get_repository_def()
    job = repository.get_implicit_global_asset_job_def()
    selection = frozenset(request.asset_selection or ())
    run = instance.create_run_for_job(
        job.get_subset(asset_selection=selection),
        tags={**request.tags, "dagster/partition": request.partition_key or ""},
        asset_selection=selection,
        job_code_origin=JobPythonOrigin(
            job_name=IMPLICIT_JOB,
            repository_origin=RepositoryPythonOrigin(
                executable_path=sys.executable,
                code_pointer=ModuleCodePointer("model_refresh.definitions", "defs"),
            ),
        ),
    )
    instance.report_dagster_event(
        DagsterEvent(DagsterEventType.PIPELINE_STARTING.value, job_name=IMPLICIT_JOB), run.run_id
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    return run


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_killed_refresh_is_ended_and_started_once_more_and_promotes_once(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_REFRESH_FLEET", str(lab.fleet))
    monkeypatch.setenv("MODEL_REFRESH_HOME", str(lab.home))
    before = entries(lab)
    with dg.DagsterInstance.from_config(make_home(tmp_path)) as instance:
        run = launch(
            instance,
            lab,
            dg.RunRequest(
                partition_key=lab.model.cadence.key(lab.day(SECOND)),
                asset_selection=refresh_selection(lab.model),
                tags={MODEL_TAG: NAME, SELECTION_TAG: REFRESH},
            ),
        )
        wait_until(lambda: status_of(instance, run) == DagsterRunStatus.STARTED, PATIENCE_SECONDS)
        started = instance.get_run_by_id(run.run_id)
        assert started is not None
        worker = worker_of(started)
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(lambda: not worker.is_alive)
        health = instance.run_launcher.check_run_worker_health(started)
        assert health.status == WorkerStatus.NOT_FOUND
        (request,) = recover(instance, lab)
        assert status_of(instance, run) == DagsterRunStatus.FAILURE
        again = launch(instance, lab, request)
        assert recover(instance, lab) == []
        instance.run_launcher.join(timeout=int(PATIENCE_SECONDS))
        assert status_of(instance, again) == DagsterRunStatus.SUCCESS
        _, group = instance.get_run_group(run.run_id) or ("", [])
        assert {each.run_id for each in group} == {run.run_id, again.run_id}
    assert entries(lab) <= before + 1
    assert len(lab.store.promotions(lab.day(SECOND)).lines()) == 1


def recover(instance: dg.DagsterInstance, lab: Lab) -> list[dg.RunRequest]:
    """A tick of the sensor `recover`."""
    repository = definitions_of(lab).get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        answer = repository.get_sensor_def("recover").evaluate_tick(context)
    return list(answer.run_requests or [])
