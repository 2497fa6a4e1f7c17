"""Which runs failed for good, with no later success: what alerts ask of Dagster."""

import datetime as dt
from collections.abc import Collection, Iterator

import dagster as dg
from dagster import DagsterRunStatus, RunRecord
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
)
from pydantic import Field, ValidationError

from model_refresh.orchestration.run_facts import is_to_be_started_again
from model_refresh.orchestration.tags import MODEL_TAG, PARTITION_TAG, SELECTION_TAG
from model_refresh.records import Instant, Record, RunFailure

_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
_UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]
_OVERLAP = dt.timedelta(minutes=10)
"""How far a look goes back behind the last one: runs are taken in order, so twice is as once."""
_FIRST_LOOK = dt.timedelta(days=7)
_PATIENCE = dt.timedelta(days=1)
"""How long a run may wait or work before it counts no longer as being under way."""
_LONGEST = 300
_SCHEDULE = "_schedule"


class Failures(Record):
    """What was found so far, by model and selection, as a sensor's cursor."""

    since: Instant | None = None
    failed: tuple[RunFailure, ...] = Field((), description="newest of each model and selection")

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Failures":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()

    @property
    def by_model(self) -> dict[tuple[str, str], RunFailure]:
        """The failures by model and selection."""
        return {(each.model, each.selection): each for each in self.failed}

    def after(
        self, instance: dg.DagsterInstance, models: Collection[str] | None, now: dt.datetime
    ) -> "Failures":
        """The same, with what has ended since; runs of models that are gone are forgotten.

        `models` are those of the fleet; None: not all can be read, so that none counts as gone.
        """
        since = (self.since or now - _FIRST_LOOK) - _OVERLAP
        ended = dg.RunsFilter(statuses=_ENDED, updated_after=since)
        records = instance.get_run_records(ended, order_by="update_timestamp", ascending=True)
        known = {key: each for key, each in self.by_model.items() if _is_there(key[0], models)}
        last: dict[tuple[str, str], RunRecord] = {}
        for record in records:
            tags = record.dagster_run.tags
            name = tags.get(MODEL_TAG, "")
            if _is_there(name, models) and not is_to_be_started_again(record.dagster_run):
                last[name, tags.get(SELECTION_TAG, "run")] = record
        for key, record in last.items():
            known.pop(key, None)
            if record.dagster_run.status == DagsterRunStatus.FAILURE:
                known[key] = _failure(instance, record, key)
        return Failures(since=now, failed=tuple(known.values()))


def under_way(instance: dg.DagsterInstance, now: dt.datetime) -> frozenset[str]:
    """The models of which a run waits for its turn or works."""
    waiting = dg.RunsFilter(statuses=_UNDER_WAY, created_after=now - _PATIENCE)
    tagged = (run.tags.get(MODEL_TAG) for run in instance.get_runs(waiting))
    return frozenset(name for name in tagged if name)


def stopped_schedules(instance: dg.DagsterInstance) -> frozenset[str]:
    """The models whose schedule was stopped on Dagster's page."""
    return frozenset(_schedules(instance, InstigatorStatus.STOPPED))


def started_schedules(instance: dg.DagsterInstance) -> dict[str, dt.datetime]:
    """The models whose schedule was started there, and when."""
    found = _schedules(instance, InstigatorStatus.RUNNING)
    return {name: dt.datetime.fromtimestamp(since, dt.UTC) for name, since in found.items()}


def _schedules(instance: dg.DagsterInstance, status: InstigatorStatus) -> dict[str, float]:
    """Model -> when its schedule was started, of those that a person has put into this status."""
    if instance.schedule_storage is None:  # of an instance without a daemon
        return {}
    states = instance.all_instigator_state(
        instigator_type=InstigatorType.SCHEDULE, instigator_statuses={status}
    )
    return {
        state.instigator_name.removesuffix(_SCHEDULE): _started_at(state)
        for state in states
        if state.instigator_name.endswith(_SCHEDULE)
    }


def _started_at(state: InstigatorState) -> float:
    data = state.instigator_data
    return (data.start_timestamp or 0.0) if isinstance(data, ScheduleInstigatorData) else 0.0


def _is_there(name: str, models: Collection[str] | None) -> bool:
    return bool(name) if models is None else name in models


def _failure(instance: dg.DagsterInstance, record: RunRecord, key: tuple[str, str]) -> RunFailure:
    run = record.dagster_run
    return RunFailure(
        model=key[0],
        selection=key[1],
        partition=run.tags.get(PARTITION_TAG),
        run=run.run_id,
        sentence=next(_sentences(instance, run), f"see run {run.run_id[:8]}"),
        at=record.update_timestamp,
    )


def _sentences(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[str]:
    """What the run's failed steps say of why, then the run itself; on one line each.

    Of what is no refusal of ours only the kind is told: its text may hold anything.
    """
    see = f"see run {run.run_id[:8]}"
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run.run_id, of_type=kinds):
        event = entry.dagster_event
        if event is None or event.event_type != dg.DagsterEventType.STEP_FAILURE:
            yield " ".join([*(event.message or "" if event else "").split(), f"({see})"])[:_LONGEST]
            continue
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            yield " ".join(data.user_failure_data.description.split())[:_LONGEST]
        elif (error := data.error) is not None:
            yield f"{(error.cause or error).cls_name} in step {event.step_key}: {see}"
