"""Fleet sensors: one a reason, for all models, each with a cursor."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.names import SELECTION_TAG
from model_refresh.orchestration.requests import REFRESH, request_refresh, score_requests
from model_refresh.orchestration.watch import Seen, Watch
from model_refresh.storage.store import utc_now

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_OVERLAP = dt.timedelta(minutes=10)
"""How far a tick looks back behind its cursor; a run key makes each request happen once."""


def new_data_sensor(models: Sequence[Model]) -> dg.SensorDefinition:
    """Starts a refresh of each model that asks for it when its source has new data."""
    watch = Watch()

    @dg.sensor(
        name="new_data",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes models whose source has new data (triggers.new_data: true).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = watch.round(models, Seen.parse_cursor(context.cursor), utc_now())
        for trouble in found.troubles:
            context.log.warning(trouble)
        requests = [request_refresh(model, reason) for model, reason in found.due]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else found.sentence,
            cursor=found.seen.canonical(),
        )

    return sensor


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


def _since(cursor: str | None) -> dt.datetime | None:
    """The instant that a cursor tells; None for one that was never written, or not by us."""
    try:
        return dt.datetime.fromisoformat(cursor or "").astimezone(dt.UTC)
    except ValueError:
        return None


def _ended_refreshes(instance: dg.DagsterInstance, since: dt.datetime) -> list[dg.DagsterRun]:
    """The refresh runs that ended after `since`: no more than could run in that time."""
    ended = dg.RunsFilter(statuses=_FINISHED, tags={SELECTION_TAG: REFRESH}, updated_after=since)
    return [record.dagster_run for record in instance.get_run_records(ended)]
