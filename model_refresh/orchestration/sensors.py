"""Fleet sensors: one a reason, for all models, each with a JSON cursor."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import TypeAdapter

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring import SourceState, look_at_source, new_data
from model_refresh.orchestration.names import MODEL_TAG, SELECTION_TAG
from model_refresh.orchestration.requests import REFRESH, request_refresh, request_score

_SEEN = TypeAdapter(dict[str, SourceState])
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_A_TICK = 200
_OVERLAP = dt.timedelta(minutes=10)
"""How far a tick looks back behind its cursor; a run key makes each request happen once."""


def new_data_sensor(models: Sequence[Model]) -> dg.SensorDefinition:
    """Starts a refresh of each model that asks for it when its source has new data."""

    @dg.sensor(
        name="new_data",
        asset_selection="*",
        minimum_interval_seconds=60,
        description="Refreshes models whose source has new data (triggers.new_data: true).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
        seen = _SEEN.validate_json(context.cursor or "{}")
        now = dt.datetime.now(dt.UTC)
        for model in models:
            try:
                found = look_at_source(model)
            except ModelRefreshError as error:
                context.log.warning(f"{model.name}: {error}")
                continue
            if reason := new_data(model, now, seen=seen.get(model.name), found=found):
                yield request_refresh(model, reason)
            seen[model.name] = found
        context.update_cursor(_SEEN.dump_json(seen).decode())

    return sensor


def score_sensor(models: Sequence[Model]) -> dg.SensorDefinition:
    """Scores a frame when its refresh has ended, whatever the result."""
    by_name = {model.name: model for model in models}

    @dg.sensor(
        name="score_after_refresh",
        asset_selection="*",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Scores a frame when its refresh has ended, whatever the result.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
        now = dt.datetime.now(dt.UTC)
        since = dt.datetime.fromisoformat(context.cursor) if context.cursor else now - _OVERLAP
        ended = dg.RunsFilter(
            statuses=_FINISHED, tags={SELECTION_TAG: REFRESH}, updated_after=since - _OVERLAP
        )
        records = context.instance.get_run_records(
            ended, limit=_RUNS_A_TICK, order_by="update_timestamp", ascending=True
        )
        for record in records:
            run = record.dagster_run
            model = by_name.get(run.tags.get(MODEL_TAG, ""))
            partition = run.tags.get("dagster/partition")
            if model is not None and partition is not None:
                yield request_score(model, partition, after=run.run_id)
            since = max(since, record.update_timestamp.replace(tzinfo=dt.UTC))
        context.update_cursor(since.isoformat())

    return sensor
