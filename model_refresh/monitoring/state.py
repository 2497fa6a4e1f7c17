"""What the store says of one model: what reasons, alerts and the fleet's page are made from.

A part is read when it is first asked for, and kept: a sensor over a thousand models looks at a few
folders of each, and reads a line only where it needs one. Sensors ask for the newest of a kind,
never for all that there ever were: their rounds take no longer with the years.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from model_refresh.config.model import Model
from model_refresh.records import (
    Dataset,
    Drift,
    Entry,
    Order,
    Performance,
    Promotion,
    Reason,
    Verdict,
)
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.leases import Lease, current_lease


def read_state(model: Model, store: ModelStore, now: dt.datetime) -> "State":
    """The state of a model at `now`; parts raise CorruptError where a line was damaged."""
    return State(model, store, now)


def _holding(orders: Sequence[Line[Order]], instant: dt.datetime) -> Line[Order] | None:
    """The hold that these orders leave in force at an instant."""
    said = [line for line in orders if line.record.kind != "skip"]
    newest = said[-1] if said else None
    if newest is None or newest.record.kind == "release":
        return None
    until = newest.record.until
    return newest if until is None or instant < until else None


def is_held(state: "State") -> bool:
    """Whether a person keeps the model's refreshes from starting by themselves."""
    return state.hold is not None


@dataclass(frozen=True)
class State:
    """One model as its store has it, as of `now`."""

    model: Model
    store: ModelStore
    now: dt.datetime

    @cached_property
    def newest(self) -> dt.datetime | None:
        """The newest frame's instant that is not after now; None before the first."""
        return self.model.cadence.floor(self.now)

    @cached_property
    def entry(self) -> Line[Entry] | None:
        """The newest entry of the champion log; None while there is no champion."""
        return self.store.champion.last()

    @cached_property
    def champion_as_of(self) -> dt.datetime | None:
        """The refresh that the champion stems from; one that was brought back is that old."""
        if self.entry is None:
            return None
        if self.entry.record.kind != "rollback":
            return self.entry.record.as_of
        version = self.entry.record.version
        entries = [line.record for line in self.store.champion.lines()]
        own = [e.as_of for e in entries if e.version == version and e.kind != "rollback"]
        return own[0] if own else self.entry.record.as_of

    @cached_property
    def age(self) -> dt.timedelta | None:
        """How old the champion is; None while there is none."""
        return None if self.champion_as_of is None else self.now - self.champion_as_of

    @property
    def is_overdue(self) -> bool:
        """Whether the champion is older than its model allows."""
        return self.age is not None and self.age > self.model.max_age

    @cached_property
    def newest_refresh(self) -> dt.datetime | None:
        """The newest frame whose refresh has begun, however it went."""
        return self.store.newest_of("refreshes")

    @cached_property
    def oldest_refresh(self) -> dt.datetime | None:
        """The first frame whose refresh has begun."""
        return self.store.oldest_of("refreshes")

    @cached_property
    def first_began(self) -> dt.datetime | None:
        """When that refresh recorded its first line, a reason or its data; None before that."""
        if (first := self.oldest_refresh) is None:
            return None
        reasons, datasets = self.store.reasons(first).lines(), self.store.datasets(first).lines()
        lines: list[Line[Reason] | Line[Dataset]] = [*reasons[:1], *datasets[:1]]
        return min((line.recorded_at for line in lines), default=None)

    def has_begun(self, as_of: dt.datetime) -> bool:
        """Whether the refresh of this frame has begun, however it went."""
        return self.store.reasons(as_of).folder.parent.is_dir()

    def ended(self, as_of: dt.datetime) -> str | None:
        """How the refresh of this frame came to its end; None where it did not, or not yet."""
        if (promotion := self.store.promotions(as_of).last()) is not None:
            return promotion.record.sentence
        verdict = self.store.verdicts(as_of).last()
        if verdict is None or verdict.record.decision != "reject":
            return None
        return f"reject: {verdict.record.sentence}"

    @cached_property
    def reason(self) -> Line[Reason] | None:
        """Why the newest refresh began last."""
        return self.store.reasons(self.newest_refresh).last() if self.newest_refresh else None

    @cached_property
    def verdict(self) -> Line[Verdict] | None:
        """What the gates said in the newest refresh."""
        return self.store.verdicts(self.newest_refresh).last() if self.newest_refresh else None

    @cached_property
    def promotion(self) -> Line[Promotion] | None:
        """How the newest refresh ended; None where it was stopped or is under way."""
        return self.store.promotions(self.newest_refresh).last() if self.newest_refresh else None

    @cached_property
    def newest_measured(self) -> dt.datetime | None:
        """The newest frame whose drift was measured."""
        return self.store.newest_of("drift")

    @cached_property
    def drift(self) -> Line[Drift] | None:
        """That frame's drift."""
        return self.store.drifts(self.newest_measured).last() if self.newest_measured else None

    @cached_property
    def newest_graded(self) -> dt.datetime | None:
        """The newest frame whose batch was graded."""
        return self.store.newest_of("performance")

    @cached_property
    def performance(self) -> Line[Performance] | None:
        """How that batch did."""
        return self.store.performances(self.newest_graded).last() if self.newest_graded else None

    def is_graded(self, as_of: dt.datetime) -> bool:
        """Whether this frame's batch was looked at with its labels, graded or not."""
        return self.store.performances(as_of).newest_number() > 0

    @cached_property
    def newest_scored(self) -> dt.datetime | None:
        """The newest frame that has a batch."""
        return self.store.newest_of("scores")

    def is_scored(self, as_of: dt.datetime) -> bool:
        """Whether this frame has a batch."""
        return self.store.scores(as_of).newest_number() > 0

    @cached_property
    def orders(self) -> list[Line[Order]]:
        """What people said, oldest first."""
        return self.store.orders.lines()

    @cached_property
    def hold(self) -> Line[Order] | None:
        """The hold that is in force; None where refreshes start by themselves."""
        return _holding(self.orders, self.now)

    def was_held(self, instant: dt.datetime) -> bool:
        """Whether a hold was in force at an instant of the past."""
        before = [line for line in self.orders if line.recorded_at <= instant]
        return _holding(before, instant) is not None

    def skip(self, as_of: dt.datetime) -> Line[Order] | None:
        """The order that leaves this frame's refresh out; a later release takes it back."""
        for line in reversed(self.orders):
            if line.record.kind == "release":
                return None
            if line.record.kind == "skip" and line.record.as_of == as_of:
                return line
        return None

    @cached_property
    def lease(self) -> Lease | None:
        """Who refreshes the model now."""
        return current_lease(self.store, self.now)
