"""The fleet sensor `grade`: asks for `performance` of each frame whose labels have matured."""

import datetime as dt
import time
from collections.abc import Callable, Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.performance.rounds import (
    Gradable,
    Looks,
    Sources,
    grading_round,
)
from model_refresh.monitoring.watch import Watch
from model_refresh.orchestration.names import (
    MODEL_TAG,
    REASON_TAG,
    SELECTION_TAG,
    performance_selection,
)
from model_refresh.orchestration.requests import GRADE
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def grade_sensor(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.SensorDefinition:
    """Grades batches, each once; the cursor says which models have nothing new to look at."""
    watch = Watch()

    @dg.sensor(
        name=GRADE,
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Grades each published batch once its labels' data are there.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, seen = clock(), Looks.parse_cursor(context.cursor)
        found = grading_round(models, store, seen, now=now, sources=_sources(watch, now))
        for trouble in found.troubles if found.due else []:  # else the skip reason says them
            context.log.warning(trouble)
        told = "; ".join(found.troubles) or "no labels have come since the last tick"
        return dg.SensorResult(
            run_requests=[_request(each) for each in found.due],
            skip_reason=None if found.due else told,
            cursor=found.looks.canonical(),
        )

    return sensor


def _sources(watch: Watch, now: dt.datetime) -> Sources:
    """The sources of a round, each within the watch's time, together within that of a round."""
    end = time.monotonic() + watch.round_seconds
    return Sources(
        reached=lambda model: watch.look(model, now).watermark,
        has_time=lambda: time.monotonic() < end,
    )


def _request(due: Gradable) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=due.request,
        partition_key=due.model.cadence.key(due.as_of),
        asset_selection=performance_selection(due.model),
        tags={
            MODEL_TAG: due.model.name,
            SELECTION_TAG: GRADE,
            REASON_TAG: "its labels have matured",
        },
    )
