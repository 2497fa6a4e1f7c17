"""What every gate is, and the one way in which a gain is held against a threshold."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

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

    severity: Severity = Field(
        "retain",
        description="what a failure means: retain (not good enough) or reject (a person must look)",
    )

    @abstractmethod
    def judge(self, comparison: Comparison) -> GateResult:
        """This gate's answer, with its reason in a sentence."""

    @abstractmethod
    def reads(self, task: Task, primary: str) -> str:
        """The metric that this gate reads: it must be part of the comparison."""

    def problems(self, task: Task, primary: str) -> Problems:
        """What does not fit a model of this task and primary metric; none by default."""
        return ()


@dataclass(frozen=True)
class Ruling:
    """A gate at work on one metric: builds its results."""

    gate: str
    severity: Severity
    metric: str
    comparison: Comparison

    @property
    def values(self) -> MetricComparison | None:
        """The metric as compared; None where it was not computed."""
        return self.comparison.metrics.get(self.metric)

    def unjudgeable(self) -> GateResult | None:
        """The failure where there is no challenger or no finite value; None where there is."""
        if self.comparison.challenger is None or self.comparison.trial is None:
            return self._grave("no candidate could be fitted")
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
            return self._result("not_applicable", "there is no incumbent yet")
        return None

    def failed(self, sentence: str) -> GateResult:
        """A failure without figures."""
        return self._result("failed", sentence)

    def _grave(self, sentence: str) -> GateResult:
        """A failure that a person must look at, whatever severity was declared."""
        return self.failed(sentence).model_copy(update={"severity": "reject"})

    def _result(self, outcome: str, sentence: str) -> GateResult:
        return GateResult.model_validate(
            {
                "gate": self.gate,
                "outcome": outcome,
                "severity": self.severity,
                "metric": self.metric,
                "sentence": sentence,
            }
        )


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
        if gain is None or theirs is None or values is None or not math.isfinite(gain.estimate):
            return ruling.failed(f"{metric(ruling.metric).label} of the {self.whose} is undefined")
        if not math.isfinite(self.threshold):
            return ruling.failed("the margin has no value: the constant has no finite loss")
        spread = gain.estimate - gain.lower
        decimals = sentences.figures(spread, self.threshold)
        told = sentences.against(
            ruling.metric, values.challenger, theirs, whose=self.whose, decimals=decimals
        )
        outcome, remark = self._outcome(ruling.comparison, gain)
        if math.isfinite(gain.lower):
            told = f"{told}: {sentences.gained(ruling.metric, gain, decimals=decimals)}"
        limit = sentences.number(abs(self.threshold), decimals)
        return GateResult.model_validate(
            {
                "gate": ruling.gate,
                "outcome": outcome,
                "severity": ruling.severity,
                "metric": ruling.metric,
                "value": gain.estimate,
                "threshold": self.threshold,
                "interval": gain,
                "sentence": f"{told}, {remark.format(limit=limit)}",
            }
        )

    def _outcome(self, comparison: Comparison, gain: Interval) -> tuple[str, str]:
        if not math.isfinite(gain.lower):
            return "inconclusive", sentences.not_judged(comparison, gain)
        if self._reached(gain.lower):
            return "passed", self.within
        if not self._reached(gain.estimate):
            return "failed", self.short
        more = sentences.needed(comparison, gain, threshold=self.threshold)
        return "inconclusive", f"{self.unsure}: {more}"

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
