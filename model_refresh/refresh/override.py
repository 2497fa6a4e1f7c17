"""What a person may write into the champion log by hand: a rollback, or an override."""

import datetime as dt

from model_refresh.algorithms.version import read_lineage
from model_refresh.errors import PromotionRefused
from model_refresh.records import Entry
from model_refresh.refresh.champion import rolled_back
from model_refresh.storage import Line, ModelStore


def roll_back(
    store: ModelStore, *, to: str | None, who: str, reason: str, as_of: dt.datetime | None = None
) -> Entry:
    """Bring a former champion back by one new entry; by default the one before the current.

    The entry counts from as_of, by default the current champion's. Raises PromotionRefused where
    there is none to go back to, or it was rolled back itself, NotStored or CorruptError where its
    artifact isn't whole.
    """
    while True:
        lines = store.champion.lines()
        if not lines:
            raise PromotionRefused(f"{store.name} has no champion yet: nothing to roll back")
        current = lines[-1].record
        former = require_former(store, lines, to)
        entry = _return_of(former, current, who=who, reason=reason, as_of=as_of or current.as_of)
        if store.champion.append(entry, number=entry.number):
            return entry


def undo(
    store: ModelStore, current: Entry, *, who: str, reason: str, as_of: dt.datetime
) -> Entry | None:
    """Take one entry back, as `roll_back` does, if it is the newest still; None where it isn't.

    So of many who want to undo the same entry one does, and nobody undoes what came after it.
    """
    lines = store.champion.lines()
    if not lines or lines[-1].record != current:
        return None
    former = require_former(store, lines)
    entry = _return_of(former, current, who=who, reason=reason, as_of=as_of)
    return entry if store.champion.append(entry, number=entry.number) else None


def require_former(store: ModelStore, lines: list[Line[Entry]], to: str | None = None) -> Entry:
    """The entry that a rollback of the last line would bring back; raises as `roll_back` does."""
    former = _former(store, lines, to)
    _require_not_rolled_back(store, lines, former.version)
    _require_whole(store, former.version, former.artifact)
    return former


def override(
    store: ModelStore, version: str, *, as_of: dt.datetime, who: str, reason: str
) -> Entry:
    """Put any whole version into production without a verdict; shown as an override for ever."""
    stored = store.version(version)
    _require_whole(store, version, stored.digest)
    lineage = read_lineage(stored)
    if lineage.model != store.name:
        raise PromotionRefused(f"version {version} was fitted for the model {lineage.model}")
    while True:
        newest = store.champion.last()
        entry = Entry(
            number=newest.number + 1 if newest else 1,
            prev=newest and newest.record.digest(),
            kind="override",
            as_of=as_of,
            version=version,
            artifact=stored.digest,
            trial=version if lineage.twin == "trial" else _known_trial(store, version),
            who=who,
            reason=reason,
        )
        if store.champion.append(entry, number=entry.number):
            return entry


def _return_of(
    former: Entry, current: Entry, *, who: str, reason: str, as_of: dt.datetime
) -> Entry:
    """The entry that brings a former one back in place of the current one."""
    return former.model_copy(
        update={
            "number": current.number + 1,
            "prev": current.digest(),
            "kind": "rollback",
            "as_of": as_of,
            "who": who,
            "reason": reason,
        }
    )


def _former(store: ModelStore, lines: list[Line[Entry]], to: str | None) -> Entry:
    entries = [line.record for line in lines]
    current = entries[-1].version
    arrived = next(i for i, entry in enumerate(entries) if entry.version == current)
    if to is None:
        former = entries[:arrived]
    else:
        former = [entry for entry in entries if entry.version == to != current]
    if not former:
        others = dict.fromkeys(e.version for e in entries if e.version != current)
        open_to = [each for each in others if rolled_back(entries, each) is None]
        met = "there is no earlier champion" if to is None else f"{to} is no former champion"
        go = f"; --to takes {', '.join(open_to)}" if open_to else ""
        raise PromotionRefused(f"{store.name}: the champion is {current}, and {met}{go}")
    return former[-1]


def _require_not_rolled_back(store: ModelStore, lines: list[Line[Entry]], version: str) -> None:
    if (gone := rolled_back([line.record for line in lines], version)) is not None:
        raise PromotionRefused(
            f"{store.name}: {version} was rolled back itself ({gone.reason}); "
            f"model-refresh promote {store.name} {version} --force --reason ... brings it back"
        )


def _known_trial(store: ModelStore, version: str) -> str | None:
    """The trial twin of a final one, from the records of the refresh that made it."""
    for as_of in reversed(store.refreshed()):
        for line in store.challengers(as_of).lines():
            if line.record.version == version:
                return line.record.trial
    return None


def _require_whole(store: ModelStore, version: str, artifact: str) -> None:
    problem = next(store.version_problems(version), None)
    if problem is not None or store.version(version).digest != artifact:
        raise PromotionRefused(problem or f"version {version} is not the artifact of its entry")
