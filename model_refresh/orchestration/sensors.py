"""Fleet sensors that start refreshes: one a reason, for all models, each with a cursor."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.due import Queued
from model_refresh.monitoring.lateness import Patience
from model_refresh.monitoring.news import NewsRound, Seen
from model_refresh.monitoring.rounds import (
    Asked,
    Due,
    decay_watcher,
    drift_watcher,
    staleness_watcher,
)
from model_refresh.monitoring.watch import Watch
from model_refresh.orchestration.failures import started_schedules, stopped_schedules
from model_refresh.orchestration.queue import queued_refreshes
from model_refresh.orchestration.requests import request_refresh
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def new_data_sensor(
    models: Sequence[Model],
    store: Store,
    *,
    is_whole: bool = False,
    clock: Callable[[], dt.datetime] = utc_now,
) -> dg.SensorDefinition:
    """Starts a refresh of each model that asks for it when its source has new data.

    Of one that doesn't, what a tick of its schedule has left to this, as its data were late. Where
    the fleet `is_whole`, what was seen of models that are not there is forgotten.
    """
    watch = Watch()

    @dg.sensor(
        name="new_data",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes models whose source has new data, or those that a tick awaits.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        queued = queued_refreshes(context.instance)
        look = NewsRound(watch, clock(), queued, is_whole=is_whole)
        found = look.over(
            _asking(models, context.instance), store, Seen.parse_cursor(context.cursor)
        )
        for note in found.notes if found.refreshes else []:  # else the skip reason says them
            context.log.warning(note)
        return dg.SensorResult(
            run_requests=[request_refresh(due) for due in found.refreshes],
            skip_reason=None if found.refreshes else found.sentence,
            cursor=found.seen.canonical(),
        )

    return sensor


def _asking(models: Sequence[Model], instance: dg.DagsterInstance) -> list[Model]:
    """Those that new data start, or a schedule that is on."""
    stopped, started = stopped_schedules(instance), started_schedules(instance)
    on = Patience(stopped=stopped, started=started)
    return [model for model in models if model.spec.triggers.new_data or on.is_scheduled(model)]


def early_sensors(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> list[dg.SensorDefinition]:
    """`drift`, `decay` and `staleness`: refreshes that wait for no schedule."""
    watchers = {
        "drift": drift_watcher(),
        "decay": decay_watcher(),
        "staleness": staleness_watcher(),
    }

    def due(name: str, cursor: str | None, queued: Queued) -> Due:
        asked = Asked.parse_cursor(cursor)
        return watchers[name].round(models, store, asked=asked, now=clock(), queued=queued)

    return [_early_sensor(name, due) for name in watchers]


_SAYS = {
    "drift": "Refreshes models whose newest frame has drifted (triggers.drift: true).",
    "decay": "Refreshes models whose champion does worse than promised (champion.on_decay).",
    "staleness": "Refreshes models whose champion is too old (triggers.staleness: true).",
}


def _early_sensor(
    name: str, round_of: Callable[[str, str | None, Queued], Due]
) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_SAYS[name],
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        due = round_of(name, context.cursor, queued_refreshes(context.instance))
        for note in due.notes if due.refreshes else []:  # else the skip reason says them
            context.log.info(note)
        return dg.SensorResult(
            run_requests=[request_refresh(each) for each in due.refreshes],
            skip_reason=None if due.refreshes else due.sentence,
            cursor=due.asked.canonical(),
        )

    return sensor
