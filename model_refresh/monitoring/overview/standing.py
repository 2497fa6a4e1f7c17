"""Which states hold of a model, each with its sentence; `urgency` says which one is shown."""

from collections.abc import Iterator

from model_refresh.monitoring.lateness import Patience, lacking, missed
from model_refresh.monitoring.overview.drifting import drifting
from model_refresh.monitoring.overview.gleaned import Grade, Moved
from model_refresh.monitoring.overview.outcome import Outcome
from model_refresh.monitoring.overview.overdue import overdue
from model_refresh.monitoring.state import State
from model_refresh.records import FleetState
from model_refresh.refresh.approval import Waiting
from model_refresh.splits import first_refresh
from model_refresh.storage.store import stamp

Told = tuple[FleetState, str]


def standing(  # noqa: PLR0913  (what is known of it)
    state: State,
    patience: Patience,
    *,
    ended: Outcome | None,
    asked: Waiting | None,
    grade: Grade | None,
    moved: Moved | None,
) -> dict[FleetState, str]:
    """Every state that holds of a model, with its sentence; none does of one that is fresh."""
    return dict(
        [
            *_of_refresh(state, ended, asked),
            *_of_champion(state, ended, grade),
            *_of_schedule(state, patience),
            *_of_drift(state, moved),
        ]
    )


def freshly(state: State, ended: Outcome | None) -> str:
    """What is said of a fresh model."""
    if ended is None or state.newest_refresh is None:
        return "in production"
    return f"{ended.decision or 'under way'} at {stamp(state.newest_refresh)}: all is well"


def _of_refresh(state: State, ended: Outcome | None, asked: Waiting | None) -> Iterator[Told]:
    if ended is not None and ended.decision is None and state.lease is None:
        yield "failed", ended.sentence
    if ended is not None and ended.decision == "reject":
        yield "rejected", ended.sentence
    if asked is not None:
        at = stamp(asked.promotion.as_of)
        yield "waiting", f"{asked.version} of {at} passed everything and waits for approval"


def _of_champion(state: State, ended: Outcome | None, grade: Grade | None) -> Iterator[Told]:
    entry = state.entry.record if state.entry is not None else None
    if entry is None:
        yield "new", _not_yet(state)
    elif grade is not None and grade.has_decayed and grade.champion == entry.version:
        yield "decayed", grade.sentence
    if (found := overdue(state, ended)) is not None:
        yield "overdue", found.sentence


def _not_yet(state: State) -> str:
    first = first_refresh(state.model.cadence, state.model.sizes)
    if first > state.now:
        return f"the first refresh is possible on {stamp(first)}"
    if state.newest_refresh is None:
        return "never refreshed"
    return f"no champion yet: the refresh of {stamp(state.newest_refresh)} brought none"


def _of_schedule(state: State, patience: Patience) -> Iterator[Told]:
    if state.hold is not None:
        order = state.hold.record
        until = f" until {stamp(order.until)}" if order.until is not None else ""
        yield "held", f"held by {order.who}{until}: {order.reason}"
    if late := "; ".join(_late(state, patience)):
        yield "late", late


def _late(state: State, patience: Patience) -> Iterator[str]:
    if (found := missed(state, patience)) is not None:
        tick, as_of = found
        at = f"{tick:%Y-%m-%d %H:%M}"
        yield f"the refresh of {stamp(as_of)} was due at {at} UTC and has not begun"
    if (unscored := lacking(state, patience)) is not None:
        yield f"the scores of {stamp(unscored)} are due and not there"


def _of_drift(state: State, moved: Moved | None) -> Iterator[Told]:
    if (found := drifting(state, moved)) is not None:
        yield "drifted", found
