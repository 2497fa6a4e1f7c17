"""Nobody is harmed: no part of the rows is served much worse than by the incumbent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from model_refresh.gates import sentences
from model_refresh.gates.condition import Condition, Ruling
from model_refresh.gates.margin import Margin
from model_refresh.metrics import metric, names
from model_refresh.metrics.intervals import error_of
from model_refresh.records import Comparison, GateResult, Interval, SliceComparison, Task


class Slices(Condition):
    """No declared or discovered slice is worse than by the incumbent by more than the margin.

    Choose it where a part of the rows must not pay for the gain of the rest: a country, a small
    segment, a protected group. It detects harm and proves no innocence: for each slice with
    bounds, p is the chance of a gain this low if its true gain were -margin (Student's t), and
    Holm's step-down (1979) keeps the chance of any false alarm, over all slices together, below
    1 - confidence. So more slices do not make more false alarms, but each is judged more mildly.

    The margin is in the slices' metric (the primary one where it is a loss, else the task's own)
    and 2% of the constant's loss by default: twice what the whole may lose by `non_inferior`, as
    a gain on all rows rarely falls evenly. Not applicable without an incumbent.
    """

    gate: Literal["slices"] = Field("slices", description="no part of the rows is harmed")
    margin: Margin = Field(
        Margin(number=2.0, is_percent=True),
        description="how much worse a slice may be: in the metric's unit, or in percent of the "
        "constant's loss on the whole holdout",
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Look for slices that are surely harmed."""
        name = self.reads(comparison.task, comparison.primary)[0]
        ruling = Ruling(self.gate, self.severity, name, comparison)
        if (answer := ruling.unmatched()) is not None:
            return answer
        margin = self.margin.amount(comparison.metrics[name].constant)
        if not math.isfinite(margin):
            return ruling.failed("the margin has no value: the constant has no finite loss")
        slices = comparison.slices
        if not slices:
            return ruling.answered("passed", "no slice is declared and none was found: 0 judged")
        found = [_Judged.of(each, margin) for each in slices]
        judged = sorted((each for each in found if each is not None), key=lambda each: each.p)
        small = len(slices) - len(judged)
        if harmed := _rejected(judged, alpha=1.0 - comparison.declared_confidence):
            return _alarm(ruling, harmed, margin=margin, looked_at=len(slices))
        return _relief(ruling, judged, margin=margin, small=small)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The slices' metric: the primary one where it is a loss, else the task's own."""
        return (primary if metric(primary).is_loss else names(task)[0],)


@dataclass(frozen=True)
class _Judged:
    """A slice with bounds; `p` is small where it is surely worse than the margin allows."""

    compared: SliceComparison
    gain: Interval
    p: float

    @classmethod
    def of(cls, compared: SliceComparison, margin: float) -> "_Judged | None":
        """None where the slice is too small to be judged."""
        gain = compared.gain
        if gain is None or not (math.isfinite(gain.estimate) and math.isfinite(gain.lower)):
            return None
        return cls(compared, gain, _chance(gain, gain.estimate + margin))

    def told(self, decimals: int) -> str:
        """`segment is gold, log loss worse by 0.0300 (212 rows)`."""
        size = sentences.number(abs(self.gain.estimate), decimals)
        change = f"{'worse' if self.gain.estimate < 0.0 else 'better'} by {size}"
        label = metric(self.compared.metric).label
        return f"{self.compared.slice.label}, {label} {change} ({self.compared.rows:,} rows)"


def _chance(gain: Interval, distance: float) -> float:
    """P(T < distance / error), T with groups - 1 degrees of freedom."""
    from scipy.special import stdtr

    if (error := error_of(gain)) <= 0.0:
        return 0.0 if distance < 0.0 else 1.0
    return float(stdtr(gain.groups - 1, distance / error))


def _rejected(judged: Sequence[_Judged], *, alpha: float) -> list[_Judged]:
    """Holm's step-down over slices in order of p: stop at the first that is not rejected."""
    harmed = []
    for rank, each in enumerate(judged):
        if each.p > alpha / (len(judged) - rank):
            break
        harmed.append(each)
    return harmed


def _alarm(
    ruling: Ruling, harmed: Sequence[_Judged], *, margin: float, looked_at: int
) -> GateResult:
    worst = sorted(harmed, key=lambda each: each.gain.estimate)
    decimals = sentences.figures(margin, worst[0].gain.estimate)
    named = sentences.listed([each.told(decimals) for each in worst])
    limit = sentences.number(margin, decimals)
    return ruling.answered(
        "failed",
        f"{len(worst)} of {sentences.counted(looked_at, 'slice')} "
        f"{'is' if len(worst) == 1 else 'are'} worse by more than {limit}: {named}",
        value=worst[0].gain.estimate,
        threshold=-margin,
        interval=worst[0].gain,
    )


def _relief(ruling: Ruling, judged: Sequence[_Judged], *, margin: float, small: int) -> GateResult:
    left = f"{sentences.counted(small, 'slice')} too small to judge"
    if not judged:
        return ruling.answered("passed", f"no slice could be judged: {left}")
    nearest = judged[0]
    decimals = sentences.figures(margin, nearest.gain.estimate)
    limit = sentences.number(margin, decimals)
    told = (
        f"none of {sentences.counted(len(judged), 'slice')} is surely worse by more than {limit}; "
        f"nearest: {nearest.told(decimals)}"
    )
    return ruling.answered(
        "passed",
        f"{told}; {left}" if small else told,
        value=nearest.gain.estimate,
        threshold=-margin,
        interval=nearest.gain,
    )
