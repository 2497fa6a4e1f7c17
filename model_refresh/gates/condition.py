"""What every gate is, and the one way in which a gain is held against a threshold."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from model_refresh.gates import sentences
from model_refresh.gates.margin import Margin
from model_refresh.metrics import metric
from model_refresh.records import (
    Comparison,
    GateResult,
    Interval,
    MetricComparison,
    Record,
    Severity,
    Task,
)

Problems = tuple[tuple[str, str], ...]
"""What is wrong with a declared gate: (field, message) each."""


class Condition(Record, ABC):
    """One condition on a promotion; pure functions of the comparison, no state."""

    asks_latency: ClassVar[bool] = False
    """Whether one row at a time must be timed: nobody else pays for it."""

    severity: Severity = Field(
        "retain",
        description="what a failure means: retain (not good enough) or reject (a person must look)",
    )

    @abstractmethod
    def judge(self, comparison: Comparison) -> GateResult:
        """This gate's answer, with its reason in a sentence."""

    @abstractmethod
    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The metrics that this gate reads: they must be part of the comparison."""

    def problems(self, task: Task, primary: str) -> Problems:
        """What does not fit a model of this task and primary metric; none by default."""
        return ()


@dataclass(frozen=True)
class Ruling:
    """A gate at work on one metric, or on none: builds its results."""

    gate: str
    severity: Severity
    metric: str | None
    comparison: Comparison

    @property
    def values(self) -> MetricComparison | None:
        """The metric as compared; None where it was not computed, or none is read."""
        return None if self.metric is None else self.comparison.metrics.get(self.metric)

    def unjudgeable(self) -> GateResult | None:
        """The failure where there is no challenger or no finite value; None where there is."""
        if self.comparison.challenger is None or self.comparison.trial is None:
            return self._grave("no candidate could be fitted")
        if self.metric is None:
            return None
        if self.values is None or not math.isfinite(self.values.challenger):
            return self.failed(sentences.missing(self.values, self.metric))
        return None

    def unmatched(self) -> GateResult | None:
        """The answer where there is no duel with an incumbent; None where there is.

        An incumbent on no common ground is a failure that a person must look at.
        """
        incumbent = self.comparison.incumbent
        why = incumbent and incumbent.incomparable
        if why is not None and self.comparison.challenger is not None:
            return self._grave(f"incomparable: {why}")
        if (failure := self.unjudgeable()) is not None:
            return failure
        if incumbent is None:
            return self.answered("not_applicable", "there is no incumbent yet")
        return None

    def failed(self, sentence: str) -> GateResult:
        """A failure without figures."""
        return self.answered("failed", sentence)

    def answered(
        self,
        outcome: str,
        sentence: str,
        *,
        value: float | None = None,
        threshold: float | None = None,
        interval: Interval | None = None,
    ) -> GateResult:
        """This gate's result; the figures are those that the sentence speaks of."""
        return GateResult.model_validate(
            {
                "gate": self.gate,
                "outcome": outcome,
                "severity": self.severity,
                "metric": self.metric,
                "value": value,
                "threshold": threshold,
                "interval": interval,
                "sentence": sentence,
            }
        )

    def _grave(self, sentence: str) -> GateResult:
        """A failure that a person must look at, whatever severity was declared."""
        return self.failed(sentence).model_copy(update={"severity": "reject"})


@dataclass(frozen=True)
class Duel:
    """The challenger's gain over somebody, and the threshold that its lower bound must reach.

    `inclusive`: reaching the threshold is enough (not worse), or it must be passed (better).
    `within`, `short` and `unsure` say in words how the gain lies to the threshold.
    """

    whose: str
    theirs: float | None
    gain: Interval | None
    threshold: float
    inclusive: bool
    within: str
    short: str
    unsure: str = "too uncertain to tell"

    def judged(self, ruling: Ruling) -> GateResult:
        """Passed, failed, or inconclusive where the estimate would do and its bound does not."""
        gain, theirs, values = self.gain, self.theirs, ruling.values
        name = ruling.metric
        if name is None or values is None:
            return ruling.failed("no metric was compared")
        if gain is None or theirs is None or not math.isfinite(gain.estimate):
            return ruling.failed(f"{metric(name).label} of the {self.whose} is undefined")
        if not math.isfinite(self.threshold):
            return ruling.failed("the margin has no value: the constant has no finite loss")
        decimals = sentences.figures(gain.estimate - gain.lower, self.threshold)
        told = sentences.against(
            name, values.challenger, theirs, whose=self.whose, decimals=decimals
        )
        outcome, remark = self._outcome(ruling.comparison, gain, values)
        if math.isfinite(gain.lower):
            told = f"{told}: {sentences.gained(name, gain, decimals=decimals)}"
        limit = sentences.number(abs(self.threshold), decimals)
        return ruling.answered(
            outcome,
            f"{told}, {remark.format(limit=limit)}",
            value=gain.estimate,
            threshold=self.threshold,
            interval=gain,
        )

    def _outcome(
        self, comparison: Comparison, gain: Interval, values: MetricComparison
    ) -> tuple[str, str]:
        if not math.isfinite(gain.lower):
            return "inconclusive", sentences.not_judged(comparison, gain)
        if self._reached(gain.lower):
            return "passed", self.within
        if not self._reached(gain.estimate):
            return "failed", self.short
        told = sentences.needed(comparison, gain, threshold=self.threshold)
        if self.whose == "incumbent" and (seen := sentences.detectable(values, comparison)):
            told = f"{told}; {seen}"
        return "inconclusive", f"{self.unsure}: {told}"

    def _reached(self, value: float) -> bool:
        return value >= self.threshold if self.inclusive else value > self.threshold


def margin_problems(margin: Margin, name: str, field: str = "margin") -> Problems:
    """A percentage is of a positive loss; other metrics take a margin in their own unit."""
    if not margin.is_percent or metric(name).is_loss:
        return ()
    return (
        (
            field,
            f"{margin} of {metric(name).label} says nothing, as it is no positive loss: give the "
            f"{field} in its unit, such as 0.01",
        ),
    )
