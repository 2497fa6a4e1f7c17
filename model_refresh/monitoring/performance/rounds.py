"""A round over the fleet: whose labels are due, looked for only where something changed.

It has its time and its number of requests. The next round goes on where this one ended: no model,
and no slow source of one, delays the others for ever.
"""

import datetime as dt
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, sentence_of
from model_refresh.monitoring.performance.looks import (
    OpenFrame,
    is_gradable,
    is_ungraded,
    next_gradable,
    open_frames,
)
from model_refresh.records import Instant, Record
from model_refresh.storage import ModelStore, Store

MOST = 100
"""So many batches at most are asked for in a round: the oldest of each model first."""
WATCHED = 26
"""So many of a model's newest frames are watched for another batch; older ones when one comes."""
SOURCE_EVERY = dt.timedelta(minutes=5)
"""How often a source is asked whether it has the data of labels that are due."""


class Look(Record):
    """What a look at a model found: nothing new until its folders change or labels are due.

    `asked` are the frames with a batch that was asked for and is still ungraded, and when that was
    published: each is asked for once.
    """

    folders: tuple[int, int, int] = Field(
        description="when scores, grades and the newest batches changed, in nanoseconds"
    )
    again: Instant | None = Field(description="when to look in any case; None: nothing awaited")
    asked: dict[str, int] = Field(default_factory=dict)


class Looks(Record):
    """The last look at each model: the sensor's cursor."""

    last: str = Field("", description="the model that was looked at last")
    models: dict[str, Look] = Field(default_factory=dict)

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Looks":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()

    def in_turn(self, models: Sequence[Model]) -> list[Model]:
        """All models by name, beginning after the one that was looked at last."""
        by_name = sorted(models, key=lambda model: model.name)
        return sorted(by_name, key=lambda model: model.name <= self.last)


@dataclass(frozen=True)
class Sources:
    """How a round asks a source up to when it is complete, and whether it has time for more.

    `reached` raises ModelRefreshError or OSError where a source gives no answer.
    """

    reached: Callable[[Model], dt.datetime | None]
    has_time: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Gradable:
    """A batch to be graded; `request` is the same for the same batch."""

    model: Model
    as_of: dt.datetime
    request: str


@dataclass(frozen=True)
class GradingRound:
    """What a round found, and what it leaves for the next one to know."""

    looks: Looks
    due: list[Gradable] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def grading_round(
    models: Sequence[Model], store: Store, seen: Looks, *, now: dt.datetime, sources: Sources
) -> GradingRound:
    """Each batch that can be graded by now, once; a store that can't be read stops no other."""
    last, looks = seen.last, {m.name: seen.models[m.name] for m in models if m.name in seen.models}
    found = GradingRound(Looks())
    for model in seen.in_turn(models):
        room = MOST - len(found.due)
        if not room or not sources.has_time():
            break
        last, before = model.name, looks.pop(model.name, None)
        try:
            looked = _Case(model, store.model(model.name), now).look(before, sources, room=room)
        except Exception as error:  # noqa: BLE001 - told; one model stops no other
            found.troubles.append(f"{model.name}: {sentence_of(error)}")
            continue
        looks[model.name] = looked.look
        found.due.extend(looked.due)
        found.troubles.extend(looked.troubles)
    return GradingRound(Looks(last=last, models=looks), found.due, found.troubles)


@dataclass(frozen=True)
class _Looked:
    look: Look
    due: Sequence[Gradable] = ()
    troubles: Sequence[str] = ()


@dataclass(frozen=True)
class _Case:
    """A model that a round looks at."""

    model: Model
    store: ModelStore
    now: dt.datetime

    def look(self, before: Look | None, sources: Sources, *, room: int) -> _Looked:
        folders = _folders(self.store)
        if before is not None and before.folders == folders and not self._is_past(before.again):
            return _Looked(before)
        asked: dict[str, int] = {}
        new = list[OpenFrame]()
        for frame in self._due():
            key = self.model.cadence.key(frame.as_of)
            if before is not None and before.asked.get(key) == frame.changed:
                asked[key] = frame.changed
            elif len(new) <= room and is_ungraded(self.store, frame):
                new.append(frame)
        again = self.now if new[room:] else next_gradable(self.model, self.store, self.now)
        there, troubles = self._there(new[:room], sources)
        if len(there) < len(new[:room]):
            later = self.now + SOURCE_EVERY
            again = later if again is None else min(later, max(again, self.now))
        asked |= {self.model.cadence.key(each.as_of): each.changed for each in there}
        look = Look(folders=folders, again=again, asked=asked)
        return _Looked(look, [self._gradable(each.as_of) for each in there], troubles)

    def _due(self) -> Iterator[OpenFrame]:
        """The frames whose labels are due, as far as the folders' lists tell."""
        frames = open_frames(self.model, self.store)
        return (each for each in frames if is_gradable(self.model, each.as_of, self.now))

    def _there(
        self, frames: Sequence[OpenFrame], sources: Sources
    ) -> tuple[Sequence[OpenFrame], Sequence[str]]:
        """Those whose labels' data the source has, as far as it can tell; and what is wrong."""
        if not frames or self.model.ready_sql is None:
            return frames, ()
        try:
            reached = sources.reached(self.model)
        except (ModelRefreshError, OSError) as error:
            return (), (f"{self.model.name}: {error}",)
        if reached is None:
            return (), ()
        gap = self.model.sizes.gap
        return [each for each in frames if each.as_of + gap <= reached], ()

    def _gradable(self, as_of: dt.datetime) -> Gradable:
        newest = self.store.scores(as_of).last()
        batch = newest.record.content[:16] if newest is not None else "none"
        key = self.model.cadence.key(as_of)
        return Gradable(self.model, as_of, f"{self.model.name}|{key}|grade|{batch}")

    def _is_past(self, instant: dt.datetime | None) -> bool:
        return instant is not None and instant <= self.now


def _folders(store: ModelStore) -> tuple[int, int, int]:
    """When the lists of scores and grades changed, and the newest frames' batches; 0: none."""
    scores = store.root / "scores"
    newest = [_changed(scores / name) for name in sorted(_names(scores))[-WATCHED:]]
    return _changed(scores), _changed(store.root / "performance"), max(newest, default=0)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _changed(folder: Path) -> int:
    """When a folder's list last changed, in nanoseconds; 0 where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
