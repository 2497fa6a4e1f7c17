"""Fleet sensors that start refreshes: one a reason, for all models, each with a cursor."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.rounds import (
    Asked,
    Due,
    decay_watcher,
    drift_watcher,
    not_held,
    staleness_watcher,
    unbarred,
)
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.watch import Seen, Watch
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def new_data_sensor(models: Sequence[Model], store: Store) -> dg.SensorDefinition:
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
        now = utc_now()
        free, held = not_held(models, store, now)
        states = {state.model.name: state for state in free}
        found = watch.round([state.model for state in free], Seen.parse_cursor(context.cursor), now)
        for trouble in [*held.notes, *found.troubles]:
            context.log.warning(trouble)
        due = unbarred((states[model.name], reason) for model, reason in found.due)
        requests = [
            request_refresh(state.model, reason, state=state) for state, reason in due.reasons
        ]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "; ".join([found.sentence, *held.notes, *due.notes]),
            cursor=found.seen.canonical(),
        )

    return sensor


def early_sensors(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> list[dg.SensorDefinition]:
    """`drift`, `decay` and `staleness`: refreshes that wait for no schedule."""
    watchers = {
        "drift": drift_watcher(),
        "decay": decay_watcher(),
        "staleness": staleness_watcher(),
    }

    def due(name: str, cursor: str | None) -> Due:
        return watchers[name].round(models, store, Asked.parse_cursor(cursor), clock())

    return [_early_sensor(name, due) for name in watchers]


_SAYS = {
    "drift": "Refreshes models whose newest frame has drifted (triggers.drift: true).",
    "decay": "Refreshes models whose champion does worse than promised (champion.on_decay).",
    "staleness": "Refreshes models whose champion is too old (triggers.staleness: true).",
}


def _early_sensor(name: str, round_of: Callable[[str, str | None], Due]) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_SAYS[name],
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        due = round_of(name, context.cursor)
        for note in due.notes:
            context.log.info(note)
        requests = [
            request_refresh(state.model, reason, state=state) for state, reason in due.reasons
        ]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else due.sentence,
            cursor=due.asked.canonical(),
        )

    return sensor
