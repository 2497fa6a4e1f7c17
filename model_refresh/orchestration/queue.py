"""What Dagster knows of a fleet's runs and schedules, as the rules of monitoring need it."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType

from model_refresh.monitoring.batches import PATIENCE, Runs
from model_refresh.monitoring.state import State
from model_refresh.orchestration.names import (
    DATASET,
    MODEL_TAG,
    PARTITION_TAG,
    SELECTION_TAG,
    schedule_name,
)
from model_refresh.orchestration.requests import REFRESH

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_UNDER_WAY = [status for status in dg.DagsterRunStatus if status not in FINISHED]


def model_of(run: dg.DagsterRun) -> str | None:
    """The name of the model that a run is of, also where a person started it on Dagster's page."""
    if MODEL_TAG in run.tags:
        return run.tags[MODEL_TAG]
    return next((key.path[0] for key in sorted(run.asset_selection or ())), None)


def queued_refreshes(instance: dg.DagsterInstance) -> frozenset[tuple[str, str]]:
    """Model and partition of each refresh that waits for its turn or is under way."""
    return frozenset(
        (model_of(run) or "", run.tags.get(PARTITION_TAG, ""))
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
        if _is_refresh(run)
    )


def runs_of(
    instance: dg.DagsterInstance, states: Sequence[State], *, since: dt.datetime | None
) -> dict[str, Runs]:
    """What Dagster knows of these models, asked for all of them at once."""
    if not states:
        return {}
    waiting = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    under_way = {model_of(run) for run in [*waiting, *_just_ended(instance, states[0].now)]}
    stopped = _stopped(instance)
    return {
        model.name: Runs(
            is_under_way=model.name in under_way,
            is_scheduled=not stopped.get(schedule_name(model.name), not model.spec.schedule.active),
            since=since,
        )
        for model in (state.model for state in states)
    }


def _just_ended(instance: dg.DagsterInstance, now: dt.datetime) -> list[dg.DagsterRun]:
    """The refreshes whose end was a moment ago: the batch that follows may not be asked for yet."""
    ended = dg.RunsFilter(
        statuses=FINISHED, tags={SELECTION_TAG: REFRESH}, updated_after=now - PATIENCE
    )
    return list(instance.get_runs(ended))


def _is_refresh(run: dg.DagsterRun) -> bool:
    is_tagged = run.tags.get(SELECTION_TAG) == REFRESH
    return is_tagged or any(key.path[-1] == DATASET for key in run.asset_selection or ())


def _stopped(instance: dg.DagsterInstance) -> dict[str, bool]:
    """Schedule -> whether a person stopped it; those that nobody touched may be left out."""
    if instance.schedule_storage is None:
        return {}
    said = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return {each.instigator_name: each.status is InstigatorStatus.STOPPED for each in said}
