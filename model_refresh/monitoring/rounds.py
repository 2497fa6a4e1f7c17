"""A round over the fleet for one early reason: who is due, and who asks again when.

A round remembers what had nothing to say: a model is read again once the store has more of it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import sentence_of
from model_refresh.monitoring.due import DueRefresh, Queued, due_refresh, why_not
from model_refresh.monitoring.reasons import decayed, drifted, found_drift, stale
from model_refresh.monitoring.state import State, read_state
from model_refresh.monitoring.watch import Watch
from model_refresh.records import Instant, Reason, Record
from model_refresh.storage import Store


class Asked(Record):
    """Which frame was asked for last, by model, while its cause lasts: a sensor's cursor."""

    frames: dict[str, Instant] = Field(default_factory=dict)

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Asked":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()


@dataclass(frozen=True)
class Due:
    """What a round found; `notes` say who was due and is held back, and who can't be read."""

    asked: Asked
    refreshes: list[DueRefresh] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What there is to say where nobody is due."""
        return "; ".join(self.notes) or "no model is due"


class Watcher:
    """Asks every model of a fleet for one kind of reason.

    `reason` is asked with the frame that was asked for last. `cause` is what it rests on, None
    where there is none: then what was asked is forgotten. `mark` is another text whenever the
    store may have another cause; empty where the cause comes with time alone.
    """

    def __init__(
        self,
        reason: Callable[[State, dt.datetime | None], Reason | None],
        *,
        cause: Callable[[State], object | None],
        mark: Callable[[State], str] = lambda state: "",
    ) -> None:
        self._reason, self._cause, self._mark = reason, cause, mark
        self._silent: dict[str, str] = {}
        self._watch = Watch()

    def round(
        self,
        models: Sequence[Model],
        store: Store,
        *,
        asked: Asked,
        now: dt.datetime,
        queued: Queued = (),
    ) -> Due:
        """Ask each model once; whatever is wrong with one stops no other.

        Sources of those who are due are asked last whether they have the frame.
        """
        frames = dict(asked.frames)
        found = Due(asked)
        wanted: dict[str, DueRefresh] = {}
        states: list[State] = []
        for model in models:
            state = read_state(model, store.model(model.name), now)
            try:
                due = self._due(state, frames, queued=queued, notes=found.notes)
            except Exception as error:  # noqa: BLE001 - told; one model stops no other
                found.notes.append(f"{model.name}: {sentence_of(error)}")
                continue
            if due is not None:
                wanted[model.name] = due
                states.append(state)
        ready = self._watch.ready(states)
        due_now = [wanted[state.model.name] for state in ready.states]
        frames |= {due.model.name: due.reason.as_of for due in due_now}
        names = {model.name for model in models}
        kept = {name: as_of for name, as_of in frames.items() if name in names}
        return Due(Asked(frames=kept), due_now, [*found.notes, *ready.notes])

    def _due(
        self, state: State, frames: dict[str, dt.datetime], *, queued: Queued, notes: list[str]
    ) -> DueRefresh | None:
        if (reason := self._ask(state, frames)) is None:
            return None
        if (told := why_not(state, reason, queued)) is not None:
            notes.append(told)
            return None
        return due_refresh(state, reason)

    def _ask(self, state: State, frames: dict[str, dt.datetime]) -> Reason | None:
        name, mark = state.model.name, self._mark(state)
        if mark and self._silent.get(name) == mark:
            return None
        if self._cause(state) is None:
            frames.pop(name, None)
            self._silent[name] = mark
            return None
        return self._reason(state, frames.get(name))


def drift_watcher() -> Watcher:
    """Watches the newest measured frames."""

    def mark(state: State) -> str:
        newest = state.newest_measured
        number = state.store.drifts(newest).newest_number() if newest else 0
        return _mark(state, newest, number)

    return Watcher(lambda state, asked: drifted(state, asked=asked), cause=found_drift, mark=mark)


def decay_watcher() -> Watcher:
    """Watches the newest graded batches."""

    def cause(state: State) -> object | None:
        """Any remedy: a rollback that does not come about is seen in time only."""
        return state.performance and state.performance.record.remedy

    def mark(state: State) -> str:
        newest = state.newest_graded
        number = state.store.performances(newest).newest_number() if newest else 0
        return _mark(state, newest, number)

    return Watcher(lambda state, asked: decayed(state, asked=asked), cause=cause, mark=mark)


def staleness_watcher() -> Watcher:
    """Watches the champions' age."""
    return Watcher(
        lambda state, asked: stale(state, asked=asked),
        cause=lambda state: state.is_overdue or None,
    )


def _mark(state: State, newest: dt.datetime | None, number: int) -> str:
    return f"{newest}/{number}/{state.store.champion.newest_number()}"
