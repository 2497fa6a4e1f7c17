"""Which frames are scored without a refresh: frames come daily, refreshes weekly.

Where a tick of the schedule falls between a frame and the next, the batch waits for that refresh,
whose end starts it; but not for a refresh that will not come.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import sentence_of
from model_refresh.monitoring.sources import data_expected_from
from model_refresh.monitoring.state import State, is_held, read_state
from model_refresh.monitoring.ticks import next_tick, previous_tick
from model_refresh.monitoring.watch import Watch
from model_refresh.records import Instant, Record
from model_refresh.refresh.incumbent import champion_at
from model_refresh.splits import first_refresh
from model_refresh.storage import Store

PATIENCE = dt.timedelta(minutes=10)
"""How long after a tick its refresh, and the batch that follows it, may take to be seen."""
_PAUSE = dt.timedelta(minutes=5)
"""A round that comes so long after the one before comes after a time without any."""


class Uptime(Record):
    """Since when rounds have come one after another: a sensor's cursor."""

    since: Instant | None = None
    last: Instant | None = None

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Uptime":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()

    def at(self, now: dt.datetime) -> "Uptime":
        """The same after another round, which is the first one where it comes too late."""
        is_next = self.last is not None and self.last <= now <= self.last + _PAUSE
        return Uptime(since=self.since if is_next else now, last=now)


@dataclass(frozen=True)
class Runs:
    """What Dagster knows of a model: whether any run is under way, and its schedule on.

    A refresh that ended a moment ago is under way still: its batch follows.

    `since` is when it was up again: ticks of before may be caught up with yet. None: long ago.
    """

    is_under_way: bool = False
    is_scheduled: bool = True
    since: dt.datetime | None = None


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
        except Exception as error:  # noqa: BLE001 - told; one model stops no other
            found.troubles.append(f"{model.name}: {sentence_of(error)}")
    return found


def batches_due(found: Unscored, runs: Mapping[str, Runs], watch: Watch) -> Unscored:
    """Those models whose newest frame should be scored now, and whose source has reached it."""
    due: list[State] = []
    troubles = list(found.troubles)
    for state in found.states:
        try:
            if scoring_due(state, runs[state.model.name]) is not None:
                due.append(state)
        except Exception as error:  # noqa: BLE001 - told; one model stops no other
            troubles.append(f"{state.model.name}: {sentence_of(error)}")
    ready = watch.ready(due)
    return Unscored(ready.states, [*troubles, *ready.notes])


def is_unscored(state: State) -> bool:
    """Whether the newest frame has no batch, and there is a champion to make it."""
    as_of = state.newest
    return as_of is not None and not state.is_scored(as_of) and state.entry is not None


def scoring_due(state: State, runs: Runs) -> dt.datetime | None:
    """The newest frame, where it should be scored now and nothing else will; else None.

    The source's watermark is not looked at here.
    """
    as_of = state.newest
    if as_of is None or not is_unscored(state) or runs.is_under_way or state.lease is not None:
        return None
    if state.now < scored_from(state, as_of, runs) or champion_at(state.store, as_of) is None:
        return None
    return as_of


def scored_from(state: State, as_of: dt.datetime, runs: Runs) -> dt.datetime:
    """From when on a frame is scored without a refresh.

    After a time without Dagster the refresh that catches up has a while to be seen, too.
    """
    expected = expected_from(state, as_of, is_scheduled=runs.is_scheduled)
    if runs.since is None or not _is_to_catch_up(state, runs, runs.since):
        return expected
    return max(expected, runs.since + PATIENCE)


def expected_from(state: State, as_of: dt.datetime, *, is_scheduled: bool) -> dt.datetime:
    """From when on a frame's batch is expected: the one rule of who makes it and who misses it.

    Where a refresh is to come, a while after its tick; where new data start it, or it may wait for
    them, not before half of the frame's time has gone. Where none is to come, as long after the
    frame as the schedule's ticks come after theirs by the time of the day: so the day's data have
    the same time to arrive.
    A refresh that a person keeps from coming is not waited for since they said so.
    """
    data = data_expected_from(state.model, as_of)
    refresh = _refresh_by(state, as_of, is_scheduled=is_scheduled)
    order = state.hold or state.skip(as_of)
    if refresh is None or order is None:
        return data if refresh is None else refresh
    return max(data, min(refresh, order.recorded_at))


def batch_priority(model: Model) -> int:
    """The place of its batches in the queue: before refreshes of the model's own priority."""
    return model.spec.runs.priority * 1_000 + 999


def _refresh_by(state: State, as_of: dt.datetime, *, is_scheduled: bool) -> dt.datetime | None:
    """Until when a frame's refresh may be waited for, orders aside; None where none is to come."""
    model, following = state.model, state.model.cadence.next(as_of)
    tick = next_tick(model, as_of - dt.timedelta(microseconds=1))
    by_tick = tick + PATIENCE if is_scheduled and tick < following else None
    if model.ready_sql is None or state.has_begun(as_of):
        return by_tick
    half = as_of + (following - as_of) / 2  # it may come when the source has reached the frame
    if model.spec.triggers.new_data:
        return half
    return None if by_tick is None else max(by_tick, half)


def _is_to_catch_up(state: State, runs: Runs, since: dt.datetime) -> bool:
    """Whether a tick was missed whose refresh may begin yet: a batch would overtake it."""
    model = state.model
    missed = model.cadence.floor(previous_tick(model, since))
    if missed is None or missed < first_refresh(model.cadence, model.sizes):
        return False
    is_free = runs.is_scheduled and not is_held(state) and state.skip(missed) is None
    return is_free and not state.has_begun(missed)
