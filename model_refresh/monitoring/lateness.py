"""What should have been there by now: the one rule of alerts, the watchdog and the fleet's page."""

import datetime as dt
from dataclasses import dataclass

from model_refresh.config.folder import FILE
from model_refresh.monitoring.state import State, is_held
from model_refresh.monitoring.ticks import previous_tick
from model_refresh.records import Dataset, Reason
from model_refresh.refresh.incumbent import champion_at
from model_refresh.splits import first_refresh
from model_refresh.storage import Line

GRACE = dt.timedelta(hours=2)
"""How late a refresh or a batch may be, unless alerts.yaml says otherwise."""


@dataclass(frozen=True)
class Patience:
    """What is not held against a model: by how much it may be late, and what Dagster knows.

    `under_way` are the models of which a run waits or works, `stopped` those whose schedule a
    person has stopped; without Dagster neither is known, and the store alone is asked.
    """

    grace: dt.timedelta = GRACE
    under_way: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()

    def is_under_way(self, state: State) -> bool:
        """Whether somebody is at work on the model, or a run of it waits for its turn."""
        return state.model.name in self.under_way or state.lease is not None


USUAL = Patience()
"""Where neither alerts.yaml nor Dagster says anything else."""


def missed(state: State, patience: Patience) -> tuple[dt.datetime, dt.datetime] | None:
    """The tick that has passed by more than the grace, and the frame whose refresh never began.

    None where it did begin, or should not have: no schedule, held, skipped, before the first frame
    with enough labels, or declared after the tick.
    """
    model = state.model
    if not model.spec.schedule.active or model.name in patience.stopped or is_held(state):
        return None
    tick = previous_tick(model, state.now - patience.grace)
    as_of = model.cadence.floor(tick)
    if as_of is None or as_of < first_refresh(model.cadence, model.sizes):
        return None
    if state.skip(as_of) is not None or patience.is_under_way(state):
        return None
    begun = state.newest_refresh
    if begun is not None and begun >= as_of:
        return None
    return (tick, as_of) if _declared_at(state) <= tick else None


def lacking(state: State, patience: Patience) -> dt.datetime | None:
    """The newest frame that a tick stood for, where its batch is due and not there.

    None where its refresh was missed, which says it already, or the model was declared later.
    """
    model = state.model
    tick = previous_tick(model, state.now - patience.grace)
    as_of = model.cadence.floor(tick)
    if as_of is None or not model.spec.schedule.active or as_of in state.scored:
        return None
    if patience.is_under_way(state) or missed(state, patience) is not None:
        return None
    if champion_at(state.store, as_of) is None or _declared_at(state) > tick:
        return None
    return as_of


def _declared_at(state: State) -> dt.datetime:
    """Since when the model has been there: nothing that was due before it is missed.

    That is when its model.yaml was written last, or when its first refresh began where that was
    before: a file that is written anew, by git say, is no new model.
    """
    known = [line.recorded_at for line in _first_lines(state)]
    try:
        written = (state.model.folder / FILE).stat().st_mtime
    except OSError:
        return min(known, default=state.now)
    return min([*known, dt.datetime.fromtimestamp(written, dt.UTC)])


def _first_lines(state: State) -> list[Line[Reason] | Line[Dataset]]:
    """What the first refresh recorded first: its reason where it had one, and its data."""
    if not state.refreshed:
        return []
    store, first = state.store, state.refreshed[0]
    return [*store.reasons(first).lines()[:1], *store.datasets(first).lines()[:1]]
