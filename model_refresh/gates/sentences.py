"""The words and figures in which gates give their reasons."""

import math

from model_refresh.metrics import metric
from model_refresh.metrics.intervals import MIN_GROUPS
from model_refresh.records import Comparison, Interval, MetricComparison


def figures(*scales: float) -> int:
    """How many decimals show the smallest of these amounts with two digits; 0 to 8."""
    sizes = [abs(scale) for scale in scales if math.isfinite(scale) and scale != 0.0]
    return 4 if not sizes else min(8, max(0, 1 - math.floor(math.log10(min(sizes)))))


def number(value: float, decimals: int) -> str:
    """A number with thousands separators; no minus before what rounds to zero."""
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0.0 else text


def against(name: str, ours: float, theirs: float, *, whose: str, decimals: int) -> str:
    """`log loss 0.1821 against the incumbent's 0.1833`."""
    label = metric(name).label
    return f"{label} {number(ours, decimals)} against the {whose}'s {number(theirs, decimals)}"


def gained(name: str, gain: Interval, *, decimals: int) -> str:
    """`better by 0.0012 (at least -0.0004 at 95% confidence)`, `worse by 0.1 (at most ...)`."""
    aim = metric(name).direction
    better, worse = "better", "worse"
    if isinstance(aim, float):
        better, worse = f"nearer to {aim:g}", f"further from {aim:g}"
    size, sure = number(abs(gain.estimate), decimals), f"at {100 * gain.confidence:.4g}% confidence"
    if gain.estimate < 0.0:
        return f"{worse} by {size} (at most {number(-gain.lower, decimals)} {sure})"
    change = f"{better} by {size}" if gain.estimate > 0.0 else "no difference"
    return f"{change} (at least {number(gain.lower, decimals)} {sure})"


def not_judged(comparison: Comparison, gain: Interval) -> str:
    """Why there are no bounds."""
    of_class = " with the rarer class" if comparison.task == "binary" else ""
    groups = f"{gain.groups} independent {'group' if gain.groups == 1 else 'groups'} of rows"
    return f"not judged: {groups}{of_class}, {MIN_GROUPS} are needed"


def needed(comparison: Comparison, gain: Interval, *, threshold: float) -> str:
    """How many more rows, or holdout frames, would decide if the estimate stayed as it is.

    A half-width falls with the root of the rows, so it takes (half-width / distance)^2 times as
    many for the bound to reach the threshold.
    """
    distance = gain.estimate - threshold
    if distance <= 0.0:
        return "no number of rows would decide, as it lies at the limit itself"
    half_widths = (gain.estimate - gain.lower) / distance
    if half_widths > math.sqrt(1000.0):
        return "more than 1,000 times as many rows would be needed to decide"
    times = half_widths**2
    rows = _rounded_up(comparison.rows * times)
    frames = math.ceil(len(comparison.holdout) * times)
    have = f"{comparison.rows:,} rows in {_frames(len(comparison.holdout))}"
    return (
        f"about {times:.1f} times as many rows would decide ({rows:,}, or {_frames(frames)} of "
        f"holdout, instead of {have})"
    )


def missing(values: MetricComparison | None, name: str) -> str:
    """Why a metric can't be judged at all."""
    if values is None:
        return f"{metric(name).label} was not computed in this comparison"
    return f"{metric(name).label} is not a finite number on the holdout"


def _rounded_up(rows: float) -> int:
    """To two digits: the third would be invented."""
    unit = int(10 ** max(0, math.floor(math.log10(max(rows, 1.0))) - 1))
    return math.ceil(rows / unit) * unit


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"
