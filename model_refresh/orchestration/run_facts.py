"""What Dagster knows of a run, as the rules of recovery need it."""

import dagster as dg
from dagster import DagsterRunStatus, RunRecord
from dagster._core.storage.tags import ROOT_RUN_ID_TAG, RUN_FAILURE_REASON_TAG

from model_refresh.monitoring.recovery import CRASH_RETRIES, CRASHES, RunFacts, Status, Worker
from model_refresh.orchestration.requests import GRADE
from model_refresh.orchestration.tags import CRASHES_TAG, MODEL_TAG, PARTITION_TAG, SELECTION_TAG

_STATUS: dict[DagsterRunStatus, Status] = {
    DagsterRunStatus.STARTING: "starting",
    DagsterRunStatus.STARTED: "started",
    DagsterRunStatus.CANCELING: "canceling",
    DagsterRunStatus.SUCCESS: "done",
    DagsterRunStatus.FAILURE: "failed",
    DagsterRunStatus.CANCELED: "canceled",
}


def is_to_be_started_again(run: dg.DagsterRun) -> bool:
    """Whether a run died in a crash, and no more than are repeated did: its end is not all."""
    return _is_crash(run) and crashes_of(run) <= CRASH_RETRIES


def crashes_of(run: dg.DagsterRun) -> int:
    """How many crashes a run's repetitions answer so far, its own too."""
    of_others = CRASH_RETRIES if ROOT_RUN_ID_TAG in run.tags else 0  # where a person repeated it
    told = run.tags.get(CRASHES_TAG, "")
    return (int(told) if told.isdecimal() else of_others) + _is_crash(run)


def _is_crash(run: dg.DagsterRun) -> bool:
    failure = run.tags.get(RUN_FAILURE_REASON_TAG, "")
    return run.status == DagsterRunStatus.FAILURE and failure in CRASHES


def facts_of(record: RunRecord, *, worker: Worker = "unknown", may_pass: bool = False) -> RunFacts:
    """What the rules need to know of a run."""
    run = record.dagster_run
    return RunFacts(
        id=run.run_id,
        root=run.tags.get(ROOT_RUN_ID_TAG, run.run_id),
        status=_STATUS.get(run.status, "waiting"),
        worker=worker,
        changed_at=record.update_timestamp,
        created_at=record.create_timestamp,
        subject=_subject(run),
        as_of=run.tags.get(PARTITION_TAG, ""),
        failure=run.tags.get(RUN_FAILURE_REASON_TAG, ""),
        may_pass=may_pass,
    )


def _subject(run: dg.DagsterRun) -> str:
    """What a run works on: of a model's grades each frame for itself, a newer one is no other's."""
    if MODEL_TAG in run.tags:
        selection = run.tags.get(SELECTION_TAG, "")
        frame = f"|{run.tags.get(PARTITION_TAG, '')}" if selection == GRADE else ""
        return f"{run.tags[MODEL_TAG]}|{selection}{frame}"
    return "|".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
