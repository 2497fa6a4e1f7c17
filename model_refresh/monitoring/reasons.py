"""Is a refresh due, and why: pure functions from what is known to a reason.

A reason's `request` is the same for the same cause, so that one cause asks once, whoever repeats
the question.
"""

import datetime as dt
from collections.abc import Callable

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.sources import SourceState, data_expected_from
from model_refresh.monitoring.state import State
from model_refresh.monitoring.ticks import next_tick
from model_refresh.records import Drift, Performance, Reason, ReasonKind
from model_refresh.splits import first_refresh
from model_refresh.storage import Line

Look = Callable[[Model, dt.datetime], SourceState]
"""The look at a source: raises what is wrong with it."""
LATE = dt.timedelta(minutes=15)
"""A tick that comes later than this after its time catches up."""
_REMEDY_TIME = dt.timedelta(minutes=10)
"""How long a rollback may take to follow the grades that ask for it."""


def scheduled(model: Model, tick: dt.datetime, now: dt.datetime | None = None) -> Reason | None:
    """The refresh that a tick of the model's schedule asks for; None before the start.

    It is that of the frame that was the newest at the tick. One that comes late stands for all that
    were missed: it catches up.
    """
    as_of = model.cadence.floor(tick)
    if as_of is None:
        return None
    schedule = model.spec.schedule
    utc = tick.astimezone(dt.UTC)  # local time repeats itself when the clock is set back
    late = (now or tick) - tick
    kind: ReasonKind = "catch_up" if late > LATE else "schedule"
    sentence = f"scheduled: {schedule.cron} {schedule.timezone}"
    if kind == "catch_up":
        sentence = f"catching up: the tick of {utc:%Y-%m-%d %H:%M} UTC came {_long(late)} late"
    request = f"{model.name}|{model.cadence.key(as_of)}|schedule|{utc:%Y-%m-%dT%H:%M}"
    return Reason(kind=kind, as_of=as_of, sentence=sentence, request=request)


def superseded(model: Model, tick: dt.datetime, now: dt.datetime) -> str | None:
    """Why a tick of the past starts nothing: a later one has passed as well. None for the last."""
    if (later := next_tick(model, tick)) > now:
        return None
    return (
        f"{model.name}: the tick of {tick.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC is superseded by "
        f"a later one, of {later:%Y-%m-%d %H:%M} UTC or after"
    )


def drifted(state: State, *, asked: dt.datetime | None = None) -> Reason | None:
    """The early refresh that drift of the newest measured frame asks for.

    None where that frame is within its limits or was measured against another champion; where the
    newest frame's refresh has begun; and, after one was `asked` for, until its frame's labels have
    matured: before that there is nothing new to learn from.
    """
    if not state.model.spec.triggers.drift or not _may_begin(state, asked):
        return None
    if (line := found_drift(state)) is None:
        return None
    key = state.model.cadence.key(line.record.as_of)
    return _newest(state, "drift", f"frame {key}: {line.record.sentence}", cause=key)


def decayed(state: State, *, asked: dt.datetime | None = None) -> Reason | None:
    """The early refresh that the newest graded batch asks for, as `champion.on_decay` has it.

    None where it is not the present champion's, or a rollback answers it; one that could not be
    made is answered by a refresh. `asked` as for drift.
    """
    if not _may_begin(state, asked) or (line := found_decay(state)) is None:
        return None
    key = state.model.cadence.key(line.record.as_of)
    return _newest(state, "decay", f"batch {key}: {line.record.sentence}", cause=key)


def stale(state: State, *, asked: dt.datetime | None = None) -> Reason | None:
    """The refresh that a champion which is older than `champion.max_age` asks for.

    It asks once in a quarter of that age, counted from the last refresh that began or was `asked`
    for: a champion that better ones could not be found for is old for good reasons.
    """
    model, newest = state.model, state.newest
    if not model.spec.triggers.staleness or not state.is_overdue or not _may_begin(state, None):
        return None
    last = max(filter(None, [state.newest_refresh, asked]), default=None)
    if last is not None and newest is not None and newest < last + model.max_age / 4:
        return None
    age, allowed = _long(state.age or dt.timedelta(0)), _long(model.max_age)
    sentence = f"the champion is {age} old and past champion.max_age, {allowed}"
    number = state.entry.number if state.entry else 0
    return _newest(state, "staleness", sentence, cause=f"entry {number}")


def found_drift(state: State) -> Line[Drift] | None:
    """The newest measured drift, if it was found and is of the present champion."""
    line, entry = state.drift, state.entry
    is_ours = line is not None and entry is not None and line.record.entry == entry.record.number
    return line if line is not None and is_ours and line.record.is_found else None


def found_decay(state: State) -> Line[Performance] | None:
    """The newest grades, if they ask for a refresh of the present champion."""
    line, entry = state.performance, state.entry
    if line is None or entry is None or line.record.champion != entry.record.version:
        return None
    remedy = line.record.remedy
    is_undone = remedy == "rollback" and state.now - line.recorded_at > _REMEDY_TIME
    return line if remedy == "refresh" or is_undone else None


def wants_wide_search(state: State) -> bool:
    """Whether the next refresh, whatever starts it, should look beyond what was good before.

    What can't be read says nothing: a damaged line of monitoring stops no refresh.
    """
    try:
        drift = state.model.spec.triggers.drift and found_drift(state) is not None
        return drift or found_decay(state) is not None
    except (ModelRefreshError, OSError):
        return False


def needless(state: State, reason: Reason) -> str | None:
    """Why the refresh that nobody asked for by hand is not made, though asked for; None: it is.

    A person keeps it from starting, or another run made it already: nothing new can come of it.
    One that was begun for this very reason goes on to its end, which a crash may have cut off.
    """
    if reason.kind == "demand":
        return None
    if (bar := barred(state, reason.as_of)) is not None:
        return bar
    ended = state.ended(reason.as_of)
    begun = (line.record.request for line in state.store.reasons(reason.as_of).backwards())
    if ended is None or reason.request in begun:
        return None
    return f"{state.model.name}: {state.model.cadence.key(reason.as_of)} is refreshed: {ended}"


def postponed(model: Model, reason: Reason | None, now: dt.datetime, *, look: Look) -> str | None:
    """Why a tick of the schedule starts nothing yet; None where it does.

    Too few frames have matured; or the source has not reached the frame: the sensor `new_data`,
    which watches every source that can say so, then starts the refresh. Raises what the look
    raises.
    """
    first = first_refresh(model.cadence, model.sizes)
    if reason is None or reason.as_of < first:
        return f"{model.name}: the first refresh is possible on {model.cadence.key(first)}"
    if model.ready_sql is None:
        return None
    reached = look(model, now).watermark
    if reached is not None and reached >= reason.as_of:
        return None
    met = "is empty" if reached is None else f"has reached {reached:%Y-%m-%d %H:%M} UTC"
    return f"{model.name}: the source {met}; new_data starts the refresh of {reason.as_of:%Y-%m-%d}"


def priority(state: State) -> int:
    """The place in the queue, higher first: as declared, then who has waited longest.

    That is how many frames have come since the last one whose refresh began: 999 at most.
    """
    model, cadence = state.model, state.model.cadence
    last = state.newest_refresh or first_refresh(cadence, model.sizes)
    waited = cadence.count(state.now) - cadence.count(last)
    return model.spec.runs.priority * 1_000 + min(max(waited, 0), 999)


def _may_begin(state: State, asked: dt.datetime | None) -> bool:
    """Whether the newest frame can be refreshed, has not been, and was not asked for lately.

    Not before its data are expected; what the source itself says is asked for last.
    """
    model, as_of = state.model, state.newest
    if as_of is None or as_of < first_refresh(model.cadence, model.sizes):
        return False
    if state.now < data_expected_from(model, as_of):
        return False
    is_rested = asked is None or as_of >= asked + model.sizes.gap
    return is_rested and not state.has_begun(as_of)


def _newest(state: State, kind: ReasonKind, sentence: str, *, cause: str) -> Reason | None:
    if state.newest is None:
        return None
    return make_reason(state.model, kind, state.newest, sentence=sentence, cause=cause)


def make_reason(
    model: Model, kind: ReasonKind, as_of: dt.datetime, *, sentence: str, cause: str
) -> Reason:
    """A reason whose request is the same for the same cause."""
    request = f"{model.name}|{model.cadence.key(as_of)}|{kind}|{cause}"
    return Reason(kind=kind, as_of=as_of, sentence=sentence, request=request)


def _long(span: dt.timedelta) -> str:
    """A span for people, to the unit that tells most."""
    hours = span / dt.timedelta(hours=1)
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
