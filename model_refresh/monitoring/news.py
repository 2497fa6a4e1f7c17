"""New data as a reason: what is known of each source from tick to tick, and what it asks for.

A watermark asks once it has reached a frame. Files ask once two looks in a row find the same, for
the frame that was the newest when they changed: a file that is being copied is no data yet. Where a
model declares no such trigger, a watermark starts what a tick of its schedule has waited for.

What is new stays so while it can't be asked for: an order bars it, or another run is at the frame.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import sentence_of
from model_refresh.monitoring.due import DueRefresh, Queued, due_refresh, not_held, under_way
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.reasons import make_reason, needless, scheduled
from model_refresh.monitoring.sources import SourceState
from model_refresh.monitoring.state import State
from model_refresh.monitoring.ticks import next_tick
from model_refresh.monitoring.watch import Watch
from model_refresh.records import Instant, Reason, Record
from model_refresh.splits import Cadence, first_refresh
from model_refresh.storage import Store


class Change(Record):
    """Files that changed: what they were then, and which frame was the newest."""

    files: str
    as_of: Instant


class Seen(Record):
    """What is known of the sources from one tick to the next: a sensor's cursor."""

    last: str = Field("", description="the model that was looked at last")
    sources: dict[str, SourceState] = Field(
        default_factory=dict, description="by model: as they were when nothing was to be asked for"
    )
    changes: dict[str, Change] = Field(
        default_factory=dict, description="by model: what has changed since, if anything has"
    )

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Seen":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()


@dataclass(frozen=True)
class Step:
    """What a look at a source adds: what is known from now on, and what is asked for.

    `note` says why nothing is asked for though there is a reason.
    """

    source: SourceState
    change: Change | None = None
    reason: Reason | None = None
    note: str | None = None


@dataclass(frozen=True)
class News:
    """What a round found: who is due, what was seen, and whose source could not be looked at."""

    seen: Seen
    refreshes: list[DueRefresh] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What there is to say where nobody is due."""
        return "; ".join(self.notes) or "no source has new data"


@dataclass(frozen=True)
class NewsRound:
    """One round over all sources, while there is time.

    `is_whole` says that the models are all that there are: what was seen of others is forgotten.
    """

    watch: Watch
    now: dt.datetime
    queued: Queued = ()
    is_whole: bool = False

    def over(self, models: Sequence[Model], store: Store, seen: Seen) -> News:
        """Look at each source in turn; whatever is wrong with one stops no other."""
        free = not_held(models, store, self.now)
        states = {state.model.name: state for state in free.states}
        names = {model.name for model in models} if self.is_whole else seen.sources.keys()
        sources = {name: each for name, each in seen.sources.items() if name in names}
        last, changes = seen.last, {name: c for name, c in seen.changes.items() if name in sources}
        due: list[DueRefresh] = []
        notes = list(free.notes)
        for model in self.watch.in_time([s.model for s in free.states], after=seen.last):
            last, state = model.name, states[model.name]
            try:
                found = self.watch.look(model, self.now)
                step = new_data(
                    state,
                    sources.get(last),
                    found=found,
                    change=changes.get(last),
                    queued=self.queued,
                )
                due += [due_refresh(state, step.reason)] if step.reason else []
            except Exception as error:  # noqa: BLE001 - told; one model stops no other
                notes.append(f"{last}: {sentence_of(error)}")
                continue
            notes += [step.note] if step.note else []
            sources[last] = step.source
            changes.pop(last, None)
            changes |= {last: step.change} if step.change else {}
        return News(Seen(last=last, sources=sources, changes=changes), due, notes)


def new_data(
    state: State,
    seen: SourceState | None,
    *,
    found: SourceState,
    change: Change | None = None,
    queued: Queued = (),
) -> Step:
    """What a look found beside what was seen before: the first look only takes note.

    What an order bars, or what another run is at, is seen as new again at the next look: a run may
    end without a result, or have begun before the data came. So is a change across the next frame's
    instant: it counts for its own frame, until a newer one's refresh has begun.
    """
    if seen is None:
        return Step(found)
    fresh = _change(state, seen, found=found, before=change)
    if fresh is not None and fresh != change:
        return Step(seen, fresh)
    reason = _reason(state, seen, found=found, change=fresh)
    if reason is None:
        return Step(found)
    return _answer(state, reason, queued=queued, done=Step(found), later=Step(seen, fresh))


def _answer(state: State, reason: Reason, *, queued: Queued, done: Step, later: Step) -> Step:
    """Ask, unless nothing new can come of it, which is `done`, or not yet, which is `later`."""
    if (told := _overtaken(state, reason)) is not None:
        return replace(done, note=told)
    if (told := barred(state, reason.as_of)) is not None:
        return replace(later, note=told)
    if (told := needless(state, reason)) is not None:
        return replace(done, note=told)
    if (told := under_way(state, reason, queued)) is not None:
        return replace(later, note=told)
    return replace(done, reason=reason)


def _overtaken(state: State, reason: Reason) -> str | None:
    """That a newer frame's refresh has begun: once that promotes, this one's no longer can."""
    newer, key = state.newest_refresh, state.model.cadence.key
    if newer is None or newer <= reason.as_of:
        return None
    return (
        f"{state.model.name}: new data of {key(reason.as_of)} start nothing: the refresh of "
        f"{key(newer)} has begun"
    )


def _change(
    state: State, seen: SourceState, *, found: SourceState, before: Change | None
) -> Change | None:
    """The change of the files since they were seen; the one of before, where it is the same."""
    as_of = state.newest
    if state.model.ready_sql is not None or found.files == seen.files or as_of is None:
        return None
    is_same = before is not None and before.files == found.files
    return before if is_same else Change(files=found.files, as_of=as_of)


def _reason(
    state: State, seen: SourceState, *, found: SourceState, change: Change | None
) -> Reason | None:
    """None where nothing is new, or a frame is too early."""
    model = state.model
    first = first_refresh(model.cadence, model.sizes)
    if model.ready_sql is not None:
        reached = _newly_reached(model.cadence, seen, found)
        if reached is None or reached < first:
            return None
        if not model.spec.triggers.new_data:
            return _put_off(state, reached)
        sentence = f"the source has reached {found.watermark:%Y-%m-%d %H:%M} UTC"
        return make_reason(model, "new_data", reached, sentence=sentence, cause="reached")
    if change is None or change.as_of < first:
        return None
    sentence, cause = "the source's files changed", change.files[:16]
    return make_reason(model, "new_data", change.as_of, sentence=sentence, cause=cause)


def _put_off(state: State, as_of: dt.datetime) -> Reason | None:
    """The tick of the schedule that waited for this frame's data; None where there was none."""
    model = state.model
    tick = next_tick(model, as_of - dt.timedelta(microseconds=1))
    if tick > state.now or tick >= model.cadence.next(as_of) or state.was_held(tick):
        return None
    reason = scheduled(model, tick)
    return reason and reason.model_copy(
        update={"sentence": f"{reason.sentence}; its data are there"}
    )


def _newly_reached(cadence: Cadence, seen: SourceState, found: SourceState) -> dt.datetime | None:
    """The newest frame that the watermark reached since it was seen; None for none."""
    if found.watermark is None:
        return None
    reached = cadence.floor(found.watermark)
    before = None if seen.watermark is None else cadence.floor(seen.watermark)
    return reached if reached is not None and (before is None or reached > before) else None
