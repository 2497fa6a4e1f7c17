"""Which frames are scored without a refresh: frames come daily, refreshes weekly.

Where a tick of the schedule falls between a frame and the next, the batch waits for that refresh,
whose end starts it; but not for a refresh that will not come.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring.state import State, is_held, read_state
from model_refresh.monitoring.ticks import next_tick, previous_tick
from model_refresh.refresh.incumbent import champion_at
from model_refresh.storage import Store

PATIENCE = dt.timedelta(minutes=10)
"""How long after a tick its refresh, and the batch that follows it, may take to be seen."""


@dataclass(frozen=True)
class Runs:
    """What Dagster knows of a model: whether any run is under way, and its schedule on."""

    is_under_way: bool = False
    is_scheduled: bool = True


@dataclass(frozen=True)
class Unscored:
    """The models whose newest frame has no batch yet and which have a champion to make it."""

    states: list[State] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def unscored(models: Sequence[Model], store: Store, now: dt.datetime) -> Unscored:
    """Look at each model; one whose store can't be read is told, and stops no other."""
    found = Unscored()
    for model in models:
        state = read_state(model, store.model(model.name), now)
        try:
            if is_unscored(state):
                found.states.append(state)
        except ModelRefreshError as error:
            found.troubles.append(f"{model.name}: {error}")
    return found


def is_unscored(state: State) -> bool:
    """Whether the newest frame has no batch, and there is a champion to make it."""
    as_of = state.newest
    return as_of is not None and not state.is_scored(as_of) and state.entry is not None


def scoring_due(state: State, runs: Runs) -> dt.datetime | None:
    """The newest frame, where it should be scored now and nothing else will; else None.

    The source's watermark is not looked at here.
    """
    as_of = state.newest
    if as_of is None or not is_unscored(state) or runs.is_under_way:
        return None
    if state.now < scored_from(state, as_of, runs) or champion_at(state.store, as_of) is None:
        return None
    return as_of


def scored_from(state: State, as_of: dt.datetime, runs: Runs) -> dt.datetime:
    """From when on a frame is scored without a refresh.

    Where a refresh is to come, a while after its tick; where new data start it, not before half of
    the frame's time has gone. Where none is to come, as long after the frame as the schedule's
    ticks come after theirs by the time of the day: so the day's data have the same time to arrive.
    """
    model, following = state.model, state.model.cadence.next(as_of)
    is_free = not is_held(state) and state.skip(as_of) is None
    tick = next_tick(model, as_of - dt.timedelta(microseconds=1))
    if is_free and awaits_data(model) and not state.has_begun(as_of):
        return as_of + (following - as_of) / 2
    if is_free and runs.is_scheduled and tick < following:
        return tick + PATIENCE
    return as_of + _delay(model, as_of)


def awaits_data(model: Model) -> bool:
    """Whether the sensor `new_data` starts a refresh once the source has reached a frame."""
    return model.ready_sql is not None and model.spec.triggers.new_data


def _delay(model: Model, as_of: dt.datetime) -> dt.timedelta:
    """From a frame to the time of the day at which the schedule ticks; less than a frame's time."""
    tick, every = previous_tick(model, as_of), model.cadence.next(as_of) - as_of
    return (tick - as_of) % min(every, dt.timedelta(days=1))
