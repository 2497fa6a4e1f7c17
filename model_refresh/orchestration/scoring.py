"""Fleet sensors that start batches: after a refresh, and where no refresh is to come."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.batches import Uptime, batches_due, unscored
from model_refresh.monitoring.watch import Watch
from model_refresh.orchestration.names import SELECTION_TAG
from model_refresh.orchestration.queue import FINISHED, runs_of
from model_refresh.orchestration.requests import REFRESH, request_batch, score_requests
from model_refresh.orchestration.run_facts import is_to_be_started_again
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

_OVERLAP = dt.timedelta(minutes=10)
"""How far a tick looks back behind its cursor; a run key makes each request happen once."""


def score_sensor(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.SensorDefinition:
    """Scores a frame when its refresh has ended, whatever the result.

    One that was refused before it began, as its data are not there, is followed by nothing.
    """

    @dg.sensor(
        name="score_after_refresh",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Scores a frame when its refresh has ended, whatever the result.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        begun = clock() - _OVERLAP
        since = _since(context.cursor) or begun
        requests = score_requests(models, store, _ended_refreshes(context.instance, since))
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
        now = clock()
        up = Uptime.parse_cursor(context.cursor).at(now)
        found = unscored(models, store, now)
        due = batches_due(found, runs_of(context.instance, found.states, since=up.since), watch)
        requests = [
            request_batch(state.model, state.newest) for state in due.states if state.newest
        ]
        for trouble in due.troubles if requests else []:  # else the skip reason says them
            context.log.warning(trouble)
        told = "; ".join(due.troubles) or "no new frame is to be scored by itself"
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else told,
            cursor=up.canonical(),
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
    ended = dg.RunsFilter(statuses=FINISHED, tags={SELECTION_TAG: REFRESH}, updated_after=since)
    runs = [record.dagster_run for record in instance.get_run_records(ended)]
    return [run for run in runs if not is_to_be_started_again(run)]
