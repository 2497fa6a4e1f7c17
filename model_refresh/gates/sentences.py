"""The words and figures in which gates give their reasons."""

import math
from collections.abc import Sequence

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
    """Why there are no bounds: too few groups, or too few in which the two differ."""
    if gain.groups >= MIN_GROUPS:
        return "not judged: too few rows differ for bounds"
    of_class = {"binary": " with the rarer class", "multiclass": " with the rarest class"}
    groups = f"{counted(gain.groups, 'independent group')} of rows"
    return f"not judged: {groups}{of_class.get(comparison.task, '')}, {MIN_GROUPS} are needed"


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
    frames = counted(math.ceil(len(comparison.holdout) * times), "frame")
    have = f"{comparison.rows:,} rows in {counted(len(comparison.holdout), 'frame')}"
    return (
        f"about {times:.1f} times as many rows would decide ({rows:,}, or {frames} of "
        f"holdout, instead of {have})"
    )


def detectable(values: MetricComparison, comparison: Comparison) -> str | None:
    """`this holdout can't see less than 0.0040 ROC AUC (power 80%)`; None where it isn't known.

    A true gain of that size would be found, at the comparison's confidence, that often.
    """
    least = values.detectable
    if least is None or not math.isfinite(least):
        return None
    size = number(least, figures(least))
    label = metric(values.metric).label
    power = f"{100 * comparison.power:.4g}%"
    return f"this holdout can't see less than {size} {label} (power {power})"


def missing(values: MetricComparison | None, name: str) -> str:
    """Why a metric can't be judged at all."""
    if values is None:
        return f"{metric(name).label} was not computed in this comparison"
    return f"{metric(name).label} is not a finite number on the holdout"


def share(value: float) -> str:
    """`34%`, `0.4%`: a share with two digits."""
    return f"{100 * value:.2g}%" if abs(value) < 0.1 else f"{100 * value:.0f}%"


def listed(items: Sequence[str], *, most: int = 3) -> str:
    """`a; b; c; and 4 more`: the first few, and how many are left."""
    more = len(items) - most
    return "; ".join([*items[:most], *([f"and {more} more"] if more > 0 else [])])


def counted(count: int, thing: str) -> str:
    """`1 slice`, `3 slices`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _rounded_up(rows: float) -> int:
    """To two digits: the third would be invented."""
    unit = int(10 ** max(0, math.floor(math.log10(max(rows, 1.0))) - 1))
    return math.ceil(rows / unit) * unit
