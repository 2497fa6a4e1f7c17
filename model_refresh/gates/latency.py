"""A row is scored quickly enough."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from model_refresh.gates.condition import Condition, Ruling
from model_refresh.records import Comparison, GateResult, Task


class Latency(Condition):
    """The median time of one row at a time is at most so many milliseconds.

    Choose it where a version answers single rows while somebody waits; a weekly batch needs it
    not. The clock of the machine that refreshes is used, which other work slows down: leave room
    of a factor of two. There is no default, as only the caller's patience gives one.
    """

    asks_latency: ClassVar[bool] = True

    gate: Literal["latency"] = Field("latency", description="one row is scored quickly enough")
    at_most_ms: float = Field(
        gt=0, le=60_000, description="the longest median time of one row, milliseconds"
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the measured time against the limit."""
        ruling = Ruling(self.gate, self.severity, None, comparison)
        if (answer := ruling.unjudgeable()) is not None:
            return answer
        footprint = comparison.footprint
        taken = None if footprint is None else footprint.latency_ms
        if taken is None or not math.isfinite(taken):
            return ruling.failed("the time of one row was not measured in this comparison")
        holds = taken <= self.at_most_ms
        return ruling.answered(
            "passed" if holds else "failed",
            f"one row takes {taken:.3g} ms, {'at most' if holds else 'more than'} the allowed "
            f"{self.at_most_ms:g} ms",
            value=taken,
            threshold=self.at_most_ms,
        )

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """No metric."""
        return ()
