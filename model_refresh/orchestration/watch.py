"""The round of all sources that a tick makes: within its time, and whatever a source does.

A tick that takes too long loses its cursor and begins anew for ever. So a look has a deadline, a
round has one, and the next round goes on where this one ended: no model delays another.
"""

import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread

from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.errors import DataError, ModelRefreshError
from model_refresh.monitoring.reasons import SourceState, look_at_source, new_data
from model_refresh.monitoring.state import State
from model_refresh.records import Reason, Record


class Seen(Record):
    """What is known of the sources from one tick to the next."""

    last: str = Field("", description="the model that was looked at last")
    sources: dict[str, SourceState] = Field(default_factory=dict, description="by model")

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Seen":
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
class Round:
    """What a round found: who is due and why, and whose source could not be looked at."""

    seen: Seen
    due: list[tuple[Model, Reason]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What there is to say where nobody is due."""
        return "; ".join(self.troubles) or "no source has new data"


@dataclass(frozen=True)
class Ready:
    """Models that can be scored, and those whose source could not be looked at."""

    states: list[State] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Watch:
    """Looks at sources; a look that takes longer than `look_seconds` goes on by itself.

    Its answer counts in a later round, and no other look at that source is begun meanwhile.
    """

    def __init__(self, *, look_seconds: float = 5.0, round_seconds: float = 40.0) -> None:
        self.look_seconds = look_seconds
        self.round_seconds = round_seconds
        self._under_way: dict[str, Future[SourceState]] = {}

    def round(self, models: Sequence[Model], seen: Seen, now: dt.datetime) -> Round:
        """Look at each source in turn while there is time."""
        end = time.monotonic() + self.round_seconds
        last, sources = seen.last, dict(seen.sources)
        due: list[tuple[Model, Reason]] = []
        troubles: list[str] = []
        for model in seen.in_turn(models):
            last = model.name
            try:
                found = self.look(model, now)
            except ModelRefreshError as error:
                troubles.append(f"{model.name}: {error}")
            else:
                if reason := new_data(model, now, seen=sources.get(model.name), found=found):
                    due.append((model, reason))
                sources[model.name] = found
            if time.monotonic() > end:
                break
        return Round(Seen(last=last, sources=sources), due, troubles)

    def ready(self, states: Sequence[State]) -> Ready:
        """Those of them whose source has reached their newest frame, as far as it says so."""
        end = time.monotonic() + self.round_seconds
        ready = Ready()
        for state in states:
            try:
                if state.model.ready_sql is None or self._has_reached(state):
                    ready.states.append(state)
            except ModelRefreshError as error:
                ready.troubles.append(f"{state.model.name}: {error}")
            if time.monotonic() > end:
                break
        return ready

    def _has_reached(self, state: State) -> bool:
        reached = self.look(state.model, state.now).watermark
        return reached is not None and state.newest is not None and reached >= state.newest

    def look(self, model: Model, now: dt.datetime) -> SourceState:
        """The state of one source; raises ModelRefreshError, whatever is wrong with it."""
        look = self._under_way.pop(model.name, None) or _begun(model, now)
        wait([look], timeout=self.look_seconds)
        if not look.done():
            self._under_way[model.name] = look
            asked = model.spec.source.ready or "its files"
            raise DataError(
                f"the source gave no answer within {self.look_seconds:g} s: see whether its disk "
                f"answers, or make {asked} cheaper to ask"
            )
        error = look.exception()
        if error is None or isinstance(error, ModelRefreshError):
            return look.result()
        raise DataError(f"the source can't be looked at: {type(error).__name__}: {error}")


def _begun(model: Model, now: dt.datetime) -> Future[SourceState]:
    look: Future[SourceState] = Future()
    Thread(target=_finish, args=(look, model, now), daemon=True).start()
    return look


def _finish(look: Future[SourceState], model: Model, now: dt.datetime) -> None:
    try:
        look.set_result(look_at_source(model, now))
    except Exception as error:  # noqa: BLE001 - goes to who waits; a source may raise anything
        look.set_exception(error)
