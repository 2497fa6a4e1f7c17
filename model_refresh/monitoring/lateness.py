"""What should have been there by now: the one rule of alerts, the watchdog and the fleet's page."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from model_refresh.config.folder import FILE
from model_refresh.config.model import Model
from model_refresh.monitoring.batches import expected_from
from model_refresh.monitoring.state import State, is_held
from model_refresh.monitoring.ticks import previous_tick
from model_refresh.splits import first_refresh

GRACE = dt.timedelta(hours=2)
"""How late a refresh or a batch may be, unless alerts.yaml says otherwise."""


@dataclass(frozen=True)
class Patience:
    """What is not held against a model: by how much it may be late, and what Dagster knows.

    `under_way` are the models of which a run waits or works, `stopped` those whose schedule a
    person has stopped, `started` when one has started those of others; without Dagster none is
    known, and the store alone is asked.
    """

    grace: dt.timedelta = GRACE
    under_way: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    started: Mapping[str, dt.datetime] = field(default_factory=dict)

    def is_under_way(self, state: State) -> bool:
        """Whether somebody is at work on the model, or a run of it waits for its turn."""
        return state.model.name in self.under_way or state.lease is not None

    def is_scheduled(self, model: Model) -> bool:
        """Whether the model's schedule is on: as a person has it, or else as it is declared."""
        if model.name in self.stopped:
            return False
        return model.spec.schedule.active or model.name in self.started


USUAL = Patience()
"""Where neither alerts.yaml nor Dagster says anything else."""


def missed(state: State, patience: Patience) -> tuple[dt.datetime, dt.datetime] | None:
    """The tick that has passed by more than the grace, and the frame whose refresh never began.

    None where it did begin, or should not have: without a schedule nobody promised one; held
    then or now, skipped, before the first frame with enough labels, or declared or started after
    the tick.
    """
    model = state.model
    if not patience.is_scheduled(model) or is_held(state):
        return None
    tick = previous_tick(model, state.now - patience.grace)
    as_of = model.cadence.floor(tick)
    if as_of is None or as_of < first_refresh(model.cadence, model.sizes):
        return None
    if state.skip(as_of) is not None or state.was_held(tick) or patience.is_under_way(state):
        return None
    begun = state.newest_refresh
    if begun is not None and begun >= as_of:
        return None
    since = max(_declared_at(state), patience.started.get(model.name, tick))
    return (tick, as_of) if since <= tick else None


def lacking(state: State, patience: Patience) -> dt.datetime | None:
    """The newest frame whose batch is due by more than the grace, where production has none so new.

    With a schedule or without: a frame is scored whoever refreshes, also where its source stays
    behind. None before there was a champion to score it for as long, and where the alert that its
    refresh never began says it already.
    """
    latest = state.now - patience.grace
    as_of = state.model.cadence.floor(latest)
    if as_of is None or not _is_owed(state, as_of, latest) or patience.is_under_way(state):
        return None
    while as_of is not None and _due(state, as_of, patience) > latest:
        as_of = state.model.cadence.previous(as_of)
    if as_of is None or not _is_owed(state, as_of, latest) or _is_told(state, as_of, patience):
        return None
    return as_of


def _is_owed(state: State, as_of: dt.datetime, latest: dt.datetime) -> bool:
    """Whether a frame has no batch, and a champion that could have made one since `latest`."""
    if _is_there(state, as_of):
        return False
    entries = state.store.champion.lines()
    crowned = next((line.recorded_at for line in entries if line.record.as_of <= as_of), None)
    return crowned is not None and not latest < crowned <= state.now


def _is_there(state: State, as_of: dt.datetime) -> bool:
    """Whether production has the batch of this frame or of a newer one."""
    newest = state.newest_scored
    if newest is None or newest < as_of:
        return False
    return state.is_scored(newest) or state.is_scored(as_of)


def _due(state: State, as_of: dt.datetime, patience: Patience) -> dt.datetime:
    """When a frame's batch is due: as expected, and not before a refresh of the frame has ended.

    What was recorded after now, by a clock that is ahead, holds nothing up, here and above.
    """
    store = state.store
    logs = (store.reasons(as_of), store.verdicts(as_of), store.promotions(as_of))
    said = [line.recorded_at for log in logs if (line := log.last()) is not None]
    expected = expected_from(state, as_of, is_scheduled=patience.is_scheduled(state.model))
    return max([expected, *(each for each in said if each <= state.now)])


def _is_told(state: State, as_of: dt.datetime, patience: Patience) -> bool:
    """Whether the batch is away because its refresh is, which is told, and no other one is."""
    found, before = missed(state, patience), state.model.cadence.previous(as_of)
    is_first = before is not None and _is_there(state, before)
    return found is not None and found[1] == as_of and is_first


def _declared_at(state: State) -> dt.datetime:
    """Since when the model has been there: nothing that was due before it is missed.

    That is when its model.yaml was written last, or when its first refresh began where that was
    before: a file that is written anew, by git say, is no new model.
    """
    began = state.first_began
    try:
        written = dt.datetime.fromtimestamp((state.model.folder / FILE).stat().st_mtime, dt.UTC)
    except OSError:
        return began or state.now
    return min(written, began or written)
