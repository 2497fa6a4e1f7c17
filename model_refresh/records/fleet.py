"""The fleet at one glance: a row a model, and what all of them come to."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Decision, Instant, Record
from model_refresh.records.watch import ReasonKind

FleetState = Literal[
    "unreadable", "failed", "rejected", "decayed", "waiting", "overdue", "late", "held", "drifted",
    "new", "fresh",
]  # fmt: skip
"""One word on a model; which is said where several hold is `monitoring.urgency`'s."""


class FleetPoint(Record):
    """The primary metric of one graded batch, as realised and as promised at promotion.

    `promised` is None where the champion came without a promise, as by an override.
    """

    as_of: Instant
    realised: float
    promised: float | None = None


class FleetRow(Record):
    """One model, as of an instant; None where there is nothing to say.

    Ages and costs are in seconds. `sentence` says why the state is what it is, and `also` which
    other states hold besides.
    """

    name: str
    owners: tuple[str, ...] = ()
    description: str = ""
    state: FleetState
    also: tuple[FleetState, ...] = ()
    needs_person: bool
    sentence: str
    command: str = Field("", description="what tells more, on the command line")

    champion: str | None = Field(None, description="the version in production")
    champion_as_of: Instant | None = Field(None, description="from when it counts")
    age: float | None = Field(None, description="seconds since that")
    max_age: float | None = Field(None, description="seconds from which on it is overdue")

    refreshed: Instant | None = Field(None, description="as_of of the newest refresh")
    decision: Decision | Literal["wait"] | None = Field(None, description="None: it came to none")
    decision_sentence: str = ""
    reason: ReasonKind | None = Field(None, description="why that refresh began")
    reason_sentence: str = ""

    metric: str | None = Field(None, description="label of the metric that decides")
    performance: tuple[FleetPoint, ...] = Field((), description="newest graded batches, in order")
    shortfall: float | None = Field(
        None, description="promised less realised, as a gain: above 0 is worse than promised"
    )
    performance_sentence: str = ""

    drift: float | None = Field(None, description="mean psi of the newest frame, weighted")
    drift_as_of: Instant | None = None
    drift_sentence: str = ""

    next_run: Instant | None = Field(None, description="the schedule's next tick; None where held")
    next_sentence: str = Field("", description="why there is none, or what it waits for")

    seconds: float | None = Field(None, description="of the newest refresh")
    cpu_seconds: float | None = Field(None, description="of the newest refresh")
    week_cpu_seconds: float = Field(0.0, description="of refreshes recorded in the last 7 days")

    report: str | None = Field(None, description="its newest report, relative to the store")


class FleetTotals(Record):
    """What the rows come to."""

    models: int
    need_person: int
    fresh: int
    week_cpu_hours: float

    @property
    def sentence(self) -> str:
        """The totals in one line."""
        need = "1 needs" if self.need_person == 1 else f"{self.need_person} need"
        models = "1 model" if self.models == 1 else f"{self.models} models"
        spent = f"{self.week_cpu_hours:.3g} CPU hours of refreshes in the last 7 days"
        return f"{models}: {need} a person, {self.fresh} fresh; {spent}"
