"""Looks at sources within their time, whatever a source does.

A tick that takes too long loses its cursor and begins anew for ever. So a look has a deadline, a
round has one, and the next round goes on where this one ended: no model delays another.
"""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread

from model_refresh.config.model import Model
from model_refresh.errors import DataError, ModelRefreshError, sentence_of
from model_refresh.monitoring.sources import SourceState, look_at_source
from model_refresh.monitoring.state import State


@dataclass(frozen=True)
class Ready:
    """Models whose source has their newest frame; `notes` say of the others why not."""

    states: list[State] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Watch:
    """Looks at sources; a look that takes longer than `look_seconds` goes on by itself.

    Its answer counts in a later round; meanwhile no other look at that source is begun, and no
    round waits for it.
    """

    def __init__(self, *, look_seconds: float = 5.0, round_seconds: float = 40.0) -> None:
        self.look_seconds = look_seconds
        self.round_seconds = round_seconds
        self._under_way: dict[str, Future[SourceState]] = {}
        self._last = ""

    def in_time(self, models: Sequence[Model], *, after: str) -> Iterator[Model]:
        """All models by name, beginning after the one of that name, while the round has time."""
        end = time.monotonic() + self.round_seconds
        by_name = sorted(models, key=lambda model: model.name)
        for model in sorted(by_name, key=lambda model: model.name <= after):
            yield model
            if time.monotonic() > end:
                return

    def ready(self, states: Sequence[State]) -> Ready:
        """Those of them whose source has reached their newest frame, as far as it says so.

        A source is asked only where it can say; the round after goes on behind the last one asked.
        """
        silent = [state for state in states if state.model.ready_sql is None]
        asked = {state.model.name: state for state in states if state.model.ready_sql is not None}
        ready = Ready(silent)
        for model in self.in_time([state.model for state in asked.values()], after=self._last):
            self._last = model.name
            try:
                is_ready = self._has_reached(asked[model.name])
            except Exception as error:  # noqa: BLE001 - told; one model stops no other
                ready.notes.append(f"{model.name}: {sentence_of(error)}")
                continue
            if is_ready:
                ready.states.append(asked[model.name])
            else:
                ready.notes.append(f"{model.name}: the source has not reached the newest frame")
        return ready

    def _has_reached(self, state: State) -> bool:
        reached = self.look(state.model, state.now).watermark
        return reached is not None and state.newest is not None and reached >= state.newest

    def look(self, model: Model, now: dt.datetime) -> SourceState:
        """The state of one source; raises ModelRefreshError, whatever is wrong with it."""
        look = self._under_way.pop(model.name, None)
        if look is None:
            look = _begun(model, now)
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
