"""What a round over the fleet asks for: refreshes that are due, and why others wait.

Whatever is wrong with one model is noted, and stops no other.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from model_refresh.config.model import Model
from model_refresh.errors import sentence_of
from model_refresh.monitoring.orders import hold_sentence
from model_refresh.monitoring.reasons import (
    Look,
    needless,
    postponed,
    priority,
    scheduled,
    superseded,
    wants_wide_search,
)
from model_refresh.monitoring.state import State, read_state
from model_refresh.records import Reason
from model_refresh.storage import Store

Queued = Collection[tuple[str, str]]
"""Model and key of each frame whose refresh waits for its turn or is under way."""


@dataclass(frozen=True)
class DueRefresh:
    """A refresh that is to start: how wide it searches, and its place in the queue."""

    model: Model
    reason: Reason
    is_wide: bool = False
    place: int | None = None


@dataclass(frozen=True)
class Free:
    """The models that nobody holds; `notes` say of the others who does, or what is wrong."""

    states: list[State] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def at_tick(state: State, tick: dt.datetime, *, look: Look) -> DueRefresh | str:
    """What a tick of the model's schedule asks for, or why it asks for nothing.

    Raises what the look raises, and where a line of the store is damaged.
    """
    reason = scheduled(state.model, tick, state.now)
    told = superseded(state.model, tick, state.now)
    told = told or postponed(state.model, reason, state.now, look=look)
    if reason is None or told:
        return told or f"{state.model.name}: the first frame is still to come"
    return why_not(state, reason) or due_refresh(state, reason)


def due_refresh(state: State, reason: Reason) -> DueRefresh:
    """A refresh as the store would have it now; raises OSError where that can't be listed."""
    is_wide = reason.wants_wide_search or wants_wide_search(state)
    return DueRefresh(state.model, reason, is_wide, priority(state))


def why_not(state: State, reason: Reason, queued: Queued = ()) -> str | None:
    """Why a refresh is not asked for though there is a reason; raises where a line is damaged."""
    return needless(state, reason) or under_way(state, reason, queued)


def under_way(state: State, reason: Reason, queued: Queued = ()) -> str | None:
    """That another run is at this frame, or is to be: it may still end without a result."""
    key = state.model.cadence.key(reason.as_of)
    is_under_way = state.lease is not None and state.has_begun(reason.as_of)
    if not is_under_way and (state.model.name, key) not in queued:
        return None
    return f"{state.model.name}: the refresh of {key} waits for its turn or is under way"


def not_held(models: Sequence[Model], store: Store, now: dt.datetime) -> Free:
    """The models that nobody holds, and what is to say of the others."""
    found = Free()
    for model in models:
        state = read_state(model, store.model(model.name), now)
        try:
            held = state.hold
        except Exception as error:  # noqa: BLE001 - told; one model stops no other
            found.notes.append(f"{model.name}: {sentence_of(error)}")
            continue
        if held is None:
            found.states.append(state)
        else:
            found.notes.append(hold_sentence(model, held))
    return found
