"""Fleet sensors that start batches: after a refresh, and where no refresh is to come."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType

from model_refresh.config.model import Model
from model_refresh.monitoring.batches import Runs, scoring_due, unscored
from model_refresh.monitoring.state import State
from model_refresh.orchestration.names import MODEL_TAG, SELECTION_TAG
from model_refresh.orchestration.requests import REFRESH, request_batch, score_requests
from model_refresh.orchestration.run_facts import is_to_be_started_again
from model_refresh.orchestration.schedules import schedule_name
from model_refresh.orchestration.watch import Watch
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_UNDER_WAY = [status for status in dg.DagsterRunStatus if status not in _FINISHED]
_OVERLAP = dt.timedelta(minutes=10)
"""How far a tick looks back behind its cursor; a run key makes each request happen once."""


def score_sensor(models: Sequence[Model]) -> dg.SensorDefinition:
    """Scores a frame when its refresh has ended, whatever the result."""

    @dg.sensor(
        name="score_after_refresh",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Scores a frame when its refresh has ended, whatever the result.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        begun = utc_now() - _OVERLAP
        since = _since(context.cursor) or begun
        requests = score_requests(models, _ended_refreshes(context.instance, since))
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "no refresh has ended since the last tick",
            cursor=max(since, begun).isoformat(),
        )

    return sensor


def frame_sensor(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.SensorDefinition:
    """Scores each new frame of a model with a champion where no refresh of it is to come."""
    watch = Watch()

    @dg.sensor(
        name="scoring",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Scores each new frame that no refresh is to come for.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = unscored(models, store, clock())
        runs = _runs_of(context.instance, found.states)
        due = [state for state in found.states if scoring_due(state, runs[state.model.name])]
        ready = watch.ready(due)
        for trouble in [*found.troubles, *ready.troubles]:
            context.log.warning(trouble)
        requests = [
            request_batch(state.model, state.newest) for state in ready.states if state.newest
        ]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "no new frame is to be scored by itself",
        )

    return sensor


def _since(cursor: str | None) -> dt.datetime | None:
    """The instant that a cursor tells; None for one that was never written, or not by us."""
    try:
        return dt.datetime.fromisoformat(cursor or "").astimezone(dt.UTC)
    except ValueError:
        return None


def _ended_refreshes(instance: dg.DagsterInstance, since: dt.datetime) -> list[dg.DagsterRun]:
    """The refresh runs that ended after `since`: no more than could run in that time."""
    ended = dg.RunsFilter(statuses=_FINISHED, tags={SELECTION_TAG: REFRESH}, updated_after=since)
    runs = [record.dagster_run for record in instance.get_run_records(ended)]
    return [run for run in runs if not is_to_be_started_again(run)]


def _runs_of(instance: dg.DagsterInstance, states: Sequence[State]) -> dict[str, Runs]:
    """What Dagster knows of these models, asked for all of them at once."""
    if not states:
        return {}
    waiting = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
    under_way = {run.tags.get(MODEL_TAG) for run in waiting}
    stopped = _stopped(instance)
    return {
        model.name: Runs(
            is_under_way=model.name in under_way,
            is_scheduled=not stopped.get(schedule_name(model.name), not model.spec.schedule.active),
        )
        for model in (state.model for state in states)
    }


def _stopped(instance: dg.DagsterInstance) -> dict[str, bool]:
    """Schedule -> whether a person stopped it; those that nobody touched may be left out."""
    if instance.schedule_storage is None:
        return {}
    said = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    return {each.instigator_name: each.status is InstigatorStatus.STOPPED for each in said}
