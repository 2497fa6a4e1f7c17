"""Which batches can be graded, and how often a champion has been looked at so far."""

import datetime as dt
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.monitoring.sources import data_expected_from
from model_refresh.storage import ModelStore
from model_refresh.storage.instants import instant_of

_LATEST = dt.timedelta(days=1)
"""No data are expected later than this: then no tick of a schedule needs to be found."""


@dataclass(frozen=True)
class OpenFrame:
    """A scored frame that may have an ungraded batch.

    `changed` is when something was last published in its folder, in nanoseconds; `is_new` whether
    none of its batches was graded.
    """

    as_of: dt.datetime
    changed: int
    is_new: bool


def ungraded(model: Model, store: ModelStore, now: dt.datetime) -> list[dt.datetime]:
    """The frames that were scored, whose labels are due, and whose batch is not graded yet.

    Oldest first. Looks at two folders' lists; of a frame that was graded, records are read only
    where a batch has been published since.
    """
    return [
        frame.as_of
        for frame in open_frames(model, store)
        if is_gradable(model, frame.as_of, now) and is_ungraded(store, frame)
    ]


def gradable_from(model: Model, as_of: dt.datetime) -> dt.datetime:
    """From when on a batch is graded: its labels have matured, and their data should be there.

    Labels that are read before their last day has been loaded are too few, and kept for ever.
    """
    return data_expected_from(model, as_of + model.sizes.gap)


def is_gradable(model: Model, as_of: dt.datetime, now: dt.datetime) -> bool:
    """Whether that is so by `now`."""
    known = as_of + model.sizes.gap
    return known <= now and (known + _LATEST <= now or gradable_from(model, as_of) <= now)


def next_gradable(model: Model, store: ModelStore, now: dt.datetime) -> dt.datetime | None:
    """When the next scored frame can be graded; None where none is waited for."""
    waiting = (
        frame.as_of
        for frame in open_frames(model, store)
        if not is_gradable(model, frame.as_of, now)
    )
    return next((gradable_from(model, as_of) for as_of in waiting), None)


def look_of(store: ModelStore, champion: str, as_of: dt.datetime) -> int:
    """Which look at this champion the frame at as_of is, from 1: each frame is one, once.

    A frame that was graded before keeps its number, so grading it again spends nothing. No number
    is above the count of frames that were looked at, so no more are read once that is certain: as
    a rule one. Frames of other champions lie at an end of this one's time, so both ends are tried.
    """
    if (own := _kept_look(store, champion, as_of)) is not None:
        return own
    unread = deque(each for each in _graded_since(store, champion) if each != as_of)
    looked = highest = 0
    is_newest = True
    while unread and highest < looked + len(unread):
        instant = unread.pop() if is_newest else unread.popleft()
        is_newest = not is_newest
        if (look := _kept_look(store, champion, instant)) is not None:
            looked, highest = looked + 1, max(highest, look)
    return looked + len(unread) + 1


def _kept_look(store: ModelStore, champion: str, as_of: dt.datetime) -> int | None:
    """The number of the look that this frame was; None where it was none at this champion."""
    records = [line.record for line in store.performances(as_of).lines()]
    looked = [each.look for each in records if each.champion == champion and each.checks]
    return looked[-1] if looked else None


def _graded_since(store: ModelStore, champion: str) -> list[dt.datetime]:
    """The graded frames, oldest first, from the first one on that this champion can have scored."""
    entries = (line.record for line in store.champion.lines())
    since = min((each.as_of for each in entries if each.version == champion), default=None)
    return [each for each in store.graded() if since is None or each >= since]


def spent(confidence: float, look: int) -> float:
    """The error that the checks of one look may make together.

    (1 - confidence) / (k (k + 1)): half of it at the first look, where a bad champion must be
    found, and together never more than 1 - confidence however many looks there are (an error
    spent over an open number of looks, after Lan and DeMets 1983).
    """
    return (1.0 - confidence) / (look * (look + 1))


def open_frames(model: Model, store: ModelStore) -> Iterator[OpenFrame]:
    """The frames that may have an ungraded batch, oldest first; no record is read.

    Those of a cadence that is declared no more are not among them: no step can be asked for them.
    """
    batches, grades = (_changed(store.root / kind) for kind in ("scores", "performance"))
    for name in sorted(batches):
        graded = grades.get(name)
        if graded is not None and batches[name] <= graded:
            continue
        instant = instant_of(name)
        if instant is not None and model.cadence.contains(instant):
            yield OpenFrame(instant, batches[name], is_new=graded is None)


def is_ungraded(store: ModelStore, frame: OpenFrame) -> bool:
    """Whether the newest batch is another than the one that was graded last."""
    if frame.is_new:
        return True
    newest, graded = store.scores(frame.as_of).last(), store.performances(frame.as_of).last()
    return newest is not None and (graded is None or newest.record.content != graded.record.batch)


def _changed(folder: Path) -> dict[str, int]:
    """When something was last published in each of a folder's folders, in nanoseconds."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.stat().st_mtime_ns for entry in entries}
    except FileNotFoundError:
        return {}
