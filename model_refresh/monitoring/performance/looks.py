"""Which batches can be graded, and how often a champion has been looked at so far."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.storage import ModelStore
from model_refresh.storage.store import instant_of


def ungraded(model: Model, store: ModelStore, now: dt.datetime) -> list[dt.datetime]:
    """The frames that were scored, whose labels have matured, and whose batch is not graded yet.

    Oldest first. Looks at two folders' lists; of a frame that was graded, records are read only
    where a batch has been published since.
    """
    return [
        instant
        for instant, is_new in _open(store)
        if is_mature(model, instant, now) and (is_new or _is_rescored(store, instant))
    ]


def is_mature(model: Model, as_of: dt.datetime, now: dt.datetime) -> bool:
    """Whether the labels of the frame at as_of are known by `now`."""
    return as_of + model.sizes.gap <= now


def next_maturity(model: Model, store: ModelStore, now: dt.datetime) -> dt.datetime | None:
    """When the labels of the next scored frame mature; None where none is waited for."""
    waiting = (each for each, _ in _open(store) if not is_mature(model, each, now))
    return next((each + model.sizes.gap for each in waiting), None)


def look_of(store: ModelStore, champion: str, as_of: dt.datetime) -> int:
    """Which look at this champion the frame at as_of is, from 1: each frame is one, once.

    A frame that was graded before keeps its number, so grading it again spends nothing.
    """
    others = 0
    for instant in store.graded():
        records = [line.record for line in store.performances(instant).lines()]
        looked = [each for each in records if each.champion == champion and each.checks]
        if looked and instant == as_of:
            return looked[-1].look
        others += bool(looked)
    return others + 1


def spent(confidence: float, look: int) -> float:
    """The error that the checks of one look may make together.

    (1 - confidence) / (k (k + 1)): half of it at the first look, where a bad champion must be
    found, and together never more than 1 - confidence however many looks there are (an error
    spent over an open number of looks, after Lan and DeMets 1983).
    """
    return (1.0 - confidence) / (look * (look + 1))


def _open(store: ModelStore) -> Iterator[tuple[dt.datetime, bool]]:
    """The frames that may have an ungraded batch, oldest first, and whether none was graded."""
    batches, grades = (_changed(store.root / kind) for kind in ("scores", "performance"))
    for name in sorted(batches):
        graded = grades.get(name)
        if graded is not None and batches[name] <= graded:
            continue
        if (instant := instant_of(name)) is not None:
            yield instant, graded is None


def _is_rescored(store: ModelStore, as_of: dt.datetime) -> bool:
    """Whether the newest batch is another than the one that was graded last."""
    newest, graded = store.scores(as_of).last(), store.performances(as_of).last()
    return newest is not None and (graded is None or newest.record.content != graded.record.batch)


def _changed(folder: Path) -> dict[str, int]:
    """When something was last published in each of a folder's folders, in nanoseconds."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.stat().st_mtime_ns for entry in entries}
    except FileNotFoundError:
        return {}
