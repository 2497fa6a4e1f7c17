"""What answers a decay: told by the policy and by what the rows say of the former champion."""

import datetime as dt

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, PromotionRefused
from model_refresh.records import Entry, Performance, Remedy
from model_refresh.refresh.champion import AUTOMATIC
from model_refresh.refresh.override import require_former, undo
from model_refresh.storage import ModelStore


def remedy_of(model: Model, performance: Performance, entry: Entry) -> Remedy | None:
    """What `champion.on_decay` makes of a batch that was graded; None where nothing decayed.

    A rollback needs a former champion that does better on the same rows by its bound, or it is a
    refresh; so it is where the graded `entry` is a rollback itself. Where a person approves each
    champion (`approval: manual`), nothing but a person changes it: a rollback is an alert then.
    """
    if not performance.has_decayed:
        return None
    asked = model.spec.champion.on_decay
    if asked != "rollback":
        return asked
    if not is_outdone(performance) or entry.kind == "rollback":
        return "refresh"
    return "alert" if model.spec.approval == "manual" else "rollback"


def is_outdone(performance: Performance) -> bool:
    """Whether the former champion does better on the same rows, by its one-sided bound."""
    former = performance.of("former")
    gain = None if former is None else former.gain_over_champion
    return gain is not None and gain.lower > 0.0


def apply_decay_policy(
    model: Model, store: ModelStore, performance: Performance, *, now: dt.datetime
) -> Entry | None:
    """Bring the former champion back where a graded batch asks for it; the entry, or None.

    It happens once: only while the entry that was graded is the newest and is a promotion or an
    override; who puts the same version in again knows of its decay. One that a rollback brought
    back is not rolled back again by itself, and what was rolled back itself never returns: then a
    refresh has to mend it.
    The entry counts from the first frame that isn't published, at most the newest frame's instant.
    """
    newest = store.champion.last()
    if performance.remedy != "rollback" or newest is None:
        return None
    current, former = newest.record, performance.of("former")
    if newest.number != performance.entry or current.kind == "rollback" or former is None:
        return None
    found = former_of(store, current)
    if found is None or found.version != former.version:
        return None
    try:
        return undo(
            store,
            current,
            who=AUTOMATIC,
            reason=f"decay as of {model.cadence.key(performance.as_of)}: {performance.sentence}",
            as_of=_from_when(model, store, current=current, now=now),
        )
    except PromotionRefused:
        return None  # its bytes are gone, or it was rolled back since: a refresh remains


def former_of(store: ModelStore, entry: Entry) -> Entry | None:
    """Whom a rollback of this entry would bring back; None where it would be refused."""
    lines = [line for line in store.champion.lines() if line.number <= entry.number]
    try:
        return require_former(store, lines)
    except ModelRefreshError as error:
        if error.transient:
            raise
        return None


def _from_when(model: Model, store: ModelStore, *, current: Entry, now: dt.datetime) -> dt.datetime:
    """The first unpublished frame, but not one of the future: who asks now gets the former one."""
    scored = store.scored()
    following = model.cadence.next(scored[-1]) if scored else current.as_of
    newest = model.cadence.floor(now) or current.as_of
    return max(current.as_of, min(following, newest))
