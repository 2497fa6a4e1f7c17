"""Runs in process, and what they tell: shared by the tests of the Dagster shell."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import (
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    SELECTION_TAG,
)
from model_refresh.orchestration.requests import REFRESH
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab

STEPS = ("features", "dataset", "candidates/constant", "candidates/linear", "comparison")
AFTER = ("challenger", "trial_scores", "champion")


def keys_of(steps: Sequence[str], name: str = NAME) -> list[dg.AssetKey]:
    """The asset keys of a model's steps."""
    return [dg.AssetKey([name, *step.split("/")]) for step in steps]


def definitions_of(*labs: Lab) -> dg.Definitions:
    """The definitions of the labs' models; they share the first one's store."""
    return build_definitions([lab.model for lab in labs], home=labs[0].home)


def materialize(
    lab: Lab,
    steps: Sequence[str],
    *,
    checks: bool = True,
    partition: str | None = None,
    instance: dg.DagsterInstance | None = None,
    definitions: dg.Definitions | None = None,
) -> dg.ExecuteInProcessResult:
    """Materialize some assets of the lab's model, by default on day SECOND.

    An unpartitioned asset alone is given no partition, as Dagster does.
    """
    selection: dg.AssetSelection = dg.AssetSelection.assets(*keys_of(steps))
    job = dg.define_asset_job("subset", selection if checks else selection.without_checks())
    all_definitions = dg.Definitions.merge(
        definitions or definitions_of(lab), dg.Definitions(jobs=[job])
    )
    newest = None if list(steps) == ["champion"] else lab.model.cadence.key(lab.day(SECOND))
    with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as used:
        return all_definitions.resolve_job_def("subset").execute_in_process(
            instance=used, raise_on_error=False, partition_key=partition or newest
        )


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    """The last part of the key of each asset that was materialized."""
    events = result.get_asset_materialization_events()
    return {event.asset_key.path[-1] for event in events if event.asset_key is not None}


def metadata_of(result: dg.ExecuteInProcessResult, step: str) -> Mapping[str, dg.MetadataValue]:
    """The metadata of a step's only materialization."""
    (key,) = keys_of([step])
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return event.materialization.metadata


def evaluation_of(result: dg.ExecuteInProcessResult, check: str) -> dg.AssetCheckEvaluation:
    """What a check said, the only time that it ran."""
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == check]
    return found


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """What failed steps say."""
    told = [
        event.step_failure_data.user_failure_data.description or ""
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data is not None
    ]
    return " ".join(told)


def entries(lab: Lab) -> int:
    """How many entries the champion log has."""
    return len(lab.store.champion.lines())


def end_run(
    instance: dg.DagsterInstance,
    model: str,
    *,
    partition: str = "1998-03-02",
    selection: str = REFRESH,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> str:
    """A run that the instance knows of; its id."""
    tags = {MODEL_TAG: model, SELECTION_TAG: selection, PARTITION_TAG: partition}
    if status is dg.DagsterRunStatus.FAILURE:
        tags[RUN_FAILURE_REASON_TAG] = "STEP_FAILURE"  # one that crashed is started again first
    run = dg.DagsterRun(job_name=IMPLICIT_JOB, run_id=str(uuid.uuid4()), status=status, tags=tags)
    return instance.add_run(run).run_id


def set_schedule(
    instance: dg.DagsterInstance,
    model: str,
    status: InstigatorStatus,
    *,
    since: dt.datetime | None = None,
) -> None:
    """Stop or start a model's schedule, as a person does on Dagster's page."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("test"), "__repository__")
    origin = RemoteInstigatorOrigin(repository, f"{model}_schedule")
    data = ScheduleInstigatorData("0 6 * * *", None if since is None else since.timestamp())
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SCHEDULE, status, data))
