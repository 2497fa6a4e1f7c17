"""What a refresh would do, and whether one is due: told from the declaration and the store.

Nothing is computed or written; the source is asked how far it has come, where it can say so.
"""

import datetime as dt

from pydantic import Field

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, NotDue
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.overview.gleaned import spent_on
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.reasons import (
    decayed,
    drifted,
    scheduled,
    stale,
    wants_wide_search,
)
from model_refresh.monitoring.state import State
from model_refresh.monitoring.ticks import next_tick, previous_tick
from model_refresh.records import FramePlan, Instant, Reason, ReasonKind, Record
from model_refresh.refresh.champion import settled_promotion
from model_refresh.refresh.frame import require_arrived, stored_frame
from model_refresh.refresh.power import power_warning
from model_refresh.splits import first_refresh, plan_frames


class Plan(Record):
    """The refresh of one frame before it begins. Seconds are of the last refresh that had any."""

    model: str
    as_of: Instant
    is_due: bool = Field(description="whether it would start by itself now")
    reasons: tuple[Reason, ...] = Field((), description="what asks for it now")
    sentence: str = Field(description="due or not, and why")
    barred: str | None = Field(None, description="the hold or skip in force")
    waits_for: str | None = Field(None, description="the data that are not there yet")
    under_way: str | None = Field(None, description="who refreshes the model now")
    next_tick: Instant | None = Field(None, description="of the schedule; None: it is not active")
    frames: FramePlan | None = Field(None, description="None: too few frames have matured")
    stored: tuple[Instant, ...] = Field((), description="frames that are there")
    to_compute: tuple[Instant, ...] = Field((), description="frames that are not")
    candidates: tuple[str, ...] = ()
    wide: bool = Field(False, description="whether searches would look everywhere")
    last: Instant | None = Field(None, description="the refresh whose cost this is")
    seconds: float | None = None
    cpu_seconds: float | None = None
    warnings: tuple[str, ...] = ()


def make_plan(state: State, as_of: dt.datetime) -> Plan:
    """The plan of the refresh of a frame; one of the future is planned as if it were its day."""
    model, reasons = state.model, tuple(reasons_now(state, as_of))
    frames, why_not = _frames(model, as_of)
    stored, missing = _stored(state, as_of, frames)
    bar, waits_for = barred(state, as_of), _waits_for(state, as_of)
    settled = settled_promotion(state.store, as_of)
    if settled is not None:
        why_not = f"it has promoted already, so it would do nothing: {settled.record.sentence}"
    return Plan(
        model=model.name,
        as_of=as_of,
        is_due=bool(reasons) and bar is None and waits_for is None and why_not is None,
        reasons=reasons,
        sentence=why_not or _sentence(state, reasons, as_of, lead=_lead(bar, waits_for)),
        barred=bar,
        waits_for=waits_for,
        under_way=state.lease and state.lease.holder and state.lease.holder.words,
        next_tick=next_tick(model, state.now) if model.spec.schedule.active else None,
        frames=frames,
        stored=stored,
        to_compute=missing,
        candidates=tuple(each.algorithm for each in model.spec.training.in_order),
        wide=wants_wide_search(state),
        warnings=tuple(filter(None, [power_warning(model, state.store)])),
        **_cost(state),
    )


def reasons_now(state: State, as_of: dt.datetime) -> list[Reason]:
    """What asks for a refresh of this frame now; new data are the sensor's to see."""
    asks = [
        _ticked(state),
        drifted(state, asked=_asked(state, "drift")),
        decayed(state, asked=_asked(state, "decay")),
        stale(state, asked=_asked(state, "staleness")),
    ]
    return [reason for reason in asks if reason is not None and reason.as_of == as_of]


def _asked(state: State, kind: ReasonKind) -> dt.datetime | None:
    """The newest frame that was refreshed for a reason of this kind, as long as that matters."""
    model = state.model
    matters = max(model.sizes.gap, model.max_age / 4)
    for as_of in state.store.backwards("refreshes"):
        if as_of + matters < state.now:
            return None
        if any(line.record.kind == kind for line in state.store.reasons(as_of).lines()):
            return as_of
    return None


def _ticked(state: State) -> Reason | None:
    """The schedule's tick since the newest frame, where its refresh has not begun.

    One that passed during a hold is not made up for when it ends.
    """
    tick = open_tick(state)
    return None if tick is None or state.was_held(tick) else scheduled(state.model, tick, state.now)


def open_tick(state: State) -> dt.datetime | None:
    """The schedule's last tick, where it is of the newest frame and that one's refresh can begin.

    None without an active schedule, and where the refresh has begun or is too early.
    """
    model, as_of = state.model, state.newest
    if as_of is None or not model.spec.schedule.active or state.has_begun(as_of):
        return None
    tick, first = previous_tick(model, state.now), first_refresh(model.cadence, model.sizes)
    return tick if tick >= as_of >= first else None


def _frames(model: Model, as_of: dt.datetime) -> tuple[FramePlan | None, str | None]:
    """Which frames serve what, or why there is no refresh."""
    try:
        return plan_frames(as_of, cadence=model.cadence, sizes=model.sizes), None
    except NotDue as error:
        return None, str(error)


def _stored(
    state: State, as_of: dt.datetime, frames: FramePlan | None
) -> tuple[tuple[dt.datetime, ...], tuple[dt.datetime, ...]]:
    """Of all frames that the refresh needs, those that are there and those that are not."""
    if frames is None:
        return (), ()
    parts = [frames.trial, frames.holdout, frames.final, frames.validated]
    tuning = [instant for fold in frames.folds for instant in fold.tuning]
    needed = sorted({as_of, *tuning, *(instant for part in parts for instant in part)})
    query = state.model.definition.frame.digest()
    stored = tuple(each for each in needed if stored_frame(state.store, query, each) is not None)
    return stored, tuple(each for each in needed if each not in stored)


def _waits_for(state: State, as_of: dt.datetime) -> str | None:
    """Which data of the frame are not there yet, or why their source can't say so."""
    if as_of > state.now:
        return None
    try:
        require_arrived(state.model, state.store, as_of)
    except ModelRefreshError as error:
        return str(error)
    return None


def _lead(bar: str | None, waits_for: str | None) -> str:
    if bar is not None:
        return "asked for, but kept from starting"
    return "due, but waits for its data" if waits_for is not None else "due"


def _sentence(state: State, reasons: tuple[Reason, ...], as_of: dt.datetime, *, lead: str) -> str:
    model = state.model
    if reasons:
        return f"{lead}: {'; '.join(reason.sentence for reason in reasons)}"
    if as_of > state.now:
        return f"not due: it begins at {as_of:%Y-%m-%d %H:%M} UTC"
    begun = f"the refresh of {model.cadence.key(as_of)} has begun or ended already"
    said = begun if state.has_begun(as_of) else "no reason asks for it"
    if not model.spec.schedule.active:
        return f"not due: {said}, and the schedule is not active"
    tick = next_tick(model, state.now)
    return f"not due: {said}; the schedule ticks at {tick:%Y-%m-%d %H:%M} UTC"


def _cost(state: State) -> dict[str, dt.datetime | float]:
    """What the newest refresh that took any time used, so far as it got."""
    memo = Memo()
    for as_of in state.store.backwards("refreshes"):
        spent = spent_on(state.store, as_of, memo)
        if spent.seconds:
            return {"last": as_of, "seconds": spent.seconds, "cpu_seconds": spent.cpu_seconds}
    return {}
