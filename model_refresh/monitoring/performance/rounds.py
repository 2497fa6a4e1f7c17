"""A round over the fleet: whose labels have matured, looked for only where something changed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring.performance.looks import next_maturity, ungraded
from model_refresh.records import Instant, Record
from model_refresh.storage import ModelStore, Store

MOST = 100
"""So many batches at most are asked for in a round: the oldest of each model first."""


class Look(Record):
    """What a look at a model found: nothing new until its folders change or labels mature.

    `asked` are the requests of batches that are still ungraded: each is made once.
    """

    folders: tuple[int, int] = Field(description="when scores and grades changed, in nanoseconds")
    again: Instant | None = Field(description="when the next labels mature; None: none awaited")
    asked: tuple[str, ...] = ()


class Looks(Record):
    """The last look at each model: the sensor's cursor."""

    models: dict[str, Look] = Field(default_factory=dict)

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Looks":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()


@dataclass(frozen=True)
class Gradable:
    """A batch to be graded; `request` is the same for the same batch."""

    model: Model
    as_of: dt.datetime
    request: str


@dataclass(frozen=True)
class Round:
    """What a round found, and what it leaves for the next one to know."""

    looks: Looks
    due: list[Gradable] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def grading_round(models: Sequence[Model], store: Store, seen: Looks, now: dt.datetime) -> Round:
    """Each batch that can be graded by now, once; a store that can't be read stops no other."""
    looks: dict[str, Look] = {}
    found = Round(Looks())
    for model in models:
        kept, before = store.model(model.name), seen.models.get(model.name)
        try:
            look = _look(model, kept, before, now, room=MOST - len(found.due))
        except (ModelRefreshError, OSError) as error:
            found.troubles.append(f"{model.name}: {error}")
            continue
        looks[model.name] = look.look
        found.due.extend(look.due)
    return Round(Looks(models=looks), found.due, found.troubles)


@dataclass(frozen=True)
class _Looked:
    look: Look
    due: Sequence[Gradable] = ()


def _look(
    model: Model, store: ModelStore, before: Look | None, now: dt.datetime, *, room: int
) -> _Looked:
    folders = (_changed(store, "scores"), _changed(store, "performance"))
    if before is not None and before.folders == folders and not _is_reached(before.again, now):
        return _Looked(before)
    due = [_gradable(model, store, as_of) for as_of in ungraded(model, store, now)]
    asked = () if before is None else before.asked
    new = [each for each in due if each.request not in asked][:room]
    known = {*asked, *(each.request for each in new)}
    is_whole = all(each.request in known for each in due)
    look = Look(
        folders=folders,
        again=next_maturity(model, store, now) if is_whole else now,
        asked=tuple(each.request for each in due if each.request in known),
    )
    return _Looked(look, new)


def _gradable(model: Model, store: ModelStore, as_of: dt.datetime) -> Gradable:
    newest = store.scores(as_of).last()
    batch = newest.record.content[:16] if newest is not None else "none"
    return Gradable(model, as_of, f"{model.name}|{model.cadence.key(as_of)}|grade|{batch}")


def _is_reached(instant: dt.datetime | None, now: dt.datetime) -> bool:
    return instant is not None and instant <= now


def _changed(store: ModelStore, folder: str) -> int:
    """When a folder's list last changed, in nanoseconds; 0 where there is none."""
    try:
        return (store.root / folder).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
