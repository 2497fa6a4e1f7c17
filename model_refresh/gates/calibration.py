"""What is predicted, and what happens, agree."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, FiniteFloat

from model_refresh.gates import sentences
from model_refresh.gates.condition import Condition, Problems, Ruling
from model_refresh.metrics import metric
from model_refresh.metrics.intervals import at_confidence
from model_refresh.records import Comparison, GateResult, Interval, Task


def _rising(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] >= limits[1]:
        raise ValueError(f"[{limits[0]:g}, {limits[1]:g}] is no range: give [low, high]")
    return limits


Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_rising)]
"""[low, high], both included."""


class Calibration(Condition):
    """Slope, intercept and ratio of predictions lie in their ranges; no incumbent is needed.

    Choose it where the number itself is used (a price, an expected cost, a threshold on a
    chance), not only the ranking. It asks whether the challenger is *surely* miscalibrated: it
    fails where an estimate lies outside its range and its interval, bounds one-sided at the
    declared confidence, excludes the range; it is inconclusive where the interval still
    touches the range.

    Slope 0.8 to 1.25 = 1 / 0.8: the spread of predictions is wrong by less than a quarter, too
    wide (below 1, overfitted) or too narrow. Ratio 0.9 to 1.1: sums of predictions, which budgets
    are made of, are right to a tenth. The intercept is not asked, as the ratio says the same in a
    unit that people know.
    """

    gate: Literal["calibration"] = Field("calibration", description="predicted against actual")
    slope: Range | None = Field(
        (0.8, 1.25), description="[low, high] of the calibration slope; 1 is right; null: not asked"
    )
    ratio: Range | None = Field(
        (0.9, 1.1), description="[low, high] of predicted to actual; 1 is right; null: not asked"
    )
    intercept: Range | None = Field(
        None, description="[low, high] of the calibration intercept; 0 is right; null: not asked"
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold each estimate and its interval against its range; the worst answer counts."""
        about = Ruling(self.gate, self.severity, None, comparison)
        if (answer := about.unjudgeable()) is not None:
            return answer
        if comparison.task == "multiclass":
            return about.failed("calibration is not judged with 3 classes or more")
        found = []
        for name, limits in self._asked(comparison.task):
            ruling = Ruling(self.gate, self.severity, name, comparison)
            if (answer := ruling.unjudgeable()) is not None:
                return answer
            found.append(_Line(name, limits, ruling).judged())
        if not found:
            return about.failed("no range is given: 0 numbers were looked at")
        return _worst(found)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The task's own slope, ratio and intercept, as far as a range is given."""
        return tuple(name for name, _ in self._asked(task))

    def problems(self, task: Task, primary: str) -> Problems:
        """A task with more than two classes; no range at all."""
        if task == "multiclass":
            return (("gate", "calibration is for binary and regression tasks: leave it out"),)
        if not self.reads(task, primary):
            return (("slope", "no range is given: give slope, ratio or intercept"),)
        return ()

    def _asked(self, task: Task) -> Iterator[tuple[str, tuple[float, float]]]:
        if task == "multiclass":
            return
        prefix = "calibration_" if task == "binary" else ""
        ranges = {
            f"{prefix}slope": self.slope,
            "predicted_to_actual": self.ratio,
            f"{prefix}intercept": self.intercept,
        }
        for name, limits in ranges.items():
            if limits is not None:
                yield name, limits


@dataclass(frozen=True)
class _Line:
    """One estimate and the range that it must lie in."""

    name: str
    limits: tuple[float, float]
    ruling: Ruling

    def judged(self) -> GateResult:
        values = self.ruling.values
        interval = None if values is None else values.challenger_interval
        label = metric(self.name).label
        if values is None or interval is None:
            return self.ruling.failed(f"{label} has no interval in this comparison")
        outcome, remark = self._outcome(values.challenger, interval)
        low, high = self.limits
        return self.ruling.answered(
            outcome,
            f"{label} {values.challenger:.3g}{_bounds(interval)} {remark}",
            value=values.challenger,
            threshold=high if values.challenger > high else low,
            interval=interval,
        )

    def _outcome(self, estimate: float, interval: Interval) -> tuple[str, str]:
        low, high = self.limits
        limits = f"[{low:g}, {high:g}]"
        if not _has_bounds(interval):
            return "inconclusive", f"is {sentences.not_judged(self.ruling.comparison, interval)}"
        if low <= estimate <= high:
            return "passed", f"lies in {limits}"
        declared = at_confidence(interval, self.ruling.comparison.declared_confidence)
        if declared.upper < low or declared.lower > high:
            return "failed", f"surely lies outside {limits}"
        return "inconclusive", f"lies outside {limits}, but too uncertain to tell"


def _has_bounds(interval: Interval) -> bool:
    return math.isfinite(interval.lower) and math.isfinite(interval.upper)


def _bounds(interval: Interval) -> str:
    if not _has_bounds(interval):
        return ""
    return f" ({interval.lower:.3g} to {interval.upper:.3g})"


def _worst(found: list[GateResult]) -> GateResult:
    """The first of the worst outcome, which tells all that share it."""
    for outcome in ("failed", "inconclusive", "passed"):
        alike = [each for each in found if each.outcome == outcome]
        if alike:
            told = "; ".join(each.sentence for each in alike)
            return alike[0].model_copy(update={"sentence": told})
    return found[0]
