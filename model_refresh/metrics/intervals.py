"""One-sided bounds of a metric and of the gain of one prediction over another, on the same rows.

Everything follows from influences (see `protocol.py`): their sums over clusters give the error,
Student's t with one degree of freedom less than there are clusters gives the bounds. Closed
forms, so the same rows give the same bounds: there is no seed.
"""

import numpy as np

from model_refresh.errors import DataError
from model_refresh.metrics.holdout import Holdout
from model_refresh.metrics.protocol import Assessed, Floats, Metric
from model_refresh.records import Interval

MIN_GROUPS = 5
"""Fewer independent groups than this are not judged: their bounds are nan."""

_SAME = 1e-12
"""Influences that differ by less, relative to the largest, differ by rounding."""


def gain_interval(
    metric: Metric, holdout: Holdout, new: Assessed, old: Assessed, *, confidence: float
) -> Interval:
    """The gain of `new` over `old`, with one-sided bounds each at `confidence`.

    Bounds are nan where they can't be said: an undefined value, too few groups, or too few groups
    in which the two differ (see `_is_told`).
    """
    require_confidence(confidence)
    estimate = metric.gain(new.value, old.value)
    groups = independent_groups(metric, holdout)
    change = new.influence - old.influence
    if groups < MIN_GROUPS or not np.isfinite(estimate) or not _is_told(holdout, change, estimate):
        lower = upper = np.nan
    elif isinstance(metric.direction, float):
        lower = _least_approach(metric, holdout, new, old, confidence=confidence)
        upper = -_least_approach(metric, holdout, old, new, confidence=confidence)
    else:
        width = _quantile(confidence, groups) * standard_error(metric, holdout, change)
        lower, upper = estimate - width, estimate + width
    return Interval(
        estimate=estimate, lower=lower, upper=upper, confidence=confidence, groups=groups
    )


def value_interval(
    metric: Metric, holdout: Holdout, assessed: Assessed, *, confidence: float
) -> Interval:
    """A metric's own value in its natural sign, with one-sided bounds each at `confidence`.

    Value -+ t * clustered standard error; nan bounds where the value is undefined, without spread
    between the rows, or from too few groups.
    """
    require_confidence(confidence)
    groups = independent_groups(metric, holdout)
    width = np.nan
    if groups >= MIN_GROUPS and np.isfinite(assessed.value) and np.ptp(assessed.influence) > 0.0:
        error = standard_error(metric, holdout, assessed.influence)
        width = _quantile(confidence, groups) * error
    return Interval(
        estimate=assessed.value,
        lower=assessed.value - width,
        upper=assessed.value + width,
        confidence=confidence,
        groups=groups,
    )


def detectable(metric: Metric, holdout: Holdout, gained: Interval, *, power: float) -> float | None:
    """The least true gain whose lower bound exceeds 0 with probability `power`, on such rows.

    (t_confidence + t_power) * standard error, the usual sum of two quantiles (Cohen 1988) in
    Student's t with one degree of freedom less than there are groups. None for metrics that aim
    at a value, where bounds are nan and where the two do not differ.
    """
    if not 0.5 <= power < 1.0:
        raise DataError(f"power {power} is not between 0.5 and 1: give e.g. 0.8")
    width = gained.estimate - gained.lower
    if isinstance(metric.direction, float) or not np.isfinite(width) or width <= 0.0:
        return None
    groups = independent_groups(metric, holdout)
    return width * (1.0 + _quantile(power, groups) / _quantile(gained.confidence, groups))


def require_confidence(confidence: float) -> None:
    """Raise DataError where a confidence is not between a half and one."""
    if not 0.5 < confidence < 1.0:
        raise DataError(f"confidence {confidence} is not between 0.5 and 1: give e.g. 0.95")


def error_of(interval: Interval) -> float:
    """The standard error that an interval's lower bound was made of; nan without bounds."""
    if interval.groups < 2:
        return float("nan")
    width = interval.estimate - interval.lower
    return width / _quantile(interval.confidence, interval.groups)


def at_confidence(interval: Interval, confidence: float) -> Interval:
    """The same estimate with bounds at another confidence; nan where it has none."""
    if interval.groups < 2 or not np.isfinite(interval.lower):
        return interval
    width = error_of(interval) * _quantile(confidence, interval.groups)
    return Interval(
        estimate=interval.estimate,
        lower=interval.estimate - width,
        upper=interval.estimate + width,
        confidence=confidence,
        groups=interval.groups,
    )


def independent_groups(metric: Metric, holdout: Holdout) -> int:
    """The clusters; those of the rarest class, where that is what is scarce.

    Classes are counted for two-class outcomes, and for more than two where the metric estimates
    within each class. Of one class alone there are none.
    """
    clusters, classes = holdout.clusters, _classes(metric, holdout)
    if "regression" not in metric.tasks and np.ptp(holdout.target) == 0.0:
        return 0
    if len(classes) == 0:
        return clusters.count
    rarest = min(clusters.having(holdout.target == each) for each in classes)
    return rarest if rarest < MIN_GROUPS else clusters.count


def standard_error(metric: Metric, holdout: Holdout, influence: Floats) -> float:
    """The cluster-robust standard error of a value with this influence."""
    clusters, rows = holdout.clusters, len(influence)
    everybody = _squared(clusters.sums(influence))
    if not metric.by_class:
        return float(np.sqrt(_corrected(clusters.count) * everybody)) / rows
    variance, within = 0.0, 0.0
    for each in _classes(metric, holdout):
        theirs = holdout.target == each
        own = _squared(clusters.sums(np.where(theirs, influence, 0.0)))
        variance += _corrected(clusters.having(theirs)) * own
        within += own
    variance += _corrected(clusters.count) * (everybody - within)
    return float(np.sqrt(max(variance, 0.0))) / rows


def _classes(metric: Metric, holdout: Holdout) -> Floats:
    """The classes whose groups are counted one by one, if any."""
    if "binary" in metric.tasks and holdout.has_two_classes:
        return np.array([0.0, 1.0])
    return np.unique(holdout.target) if metric.by_class else np.array([])


def _is_told(holdout: Holdout, change: Floats, estimate: float) -> bool:
    """Whether two predictions differ in enough groups for their spread to be known.

    Decisions, or versions that share most of their predictions, differ on few rows: the others
    have the median influence, and of fewer than 5 groups that don't, Student's t is too sure. Where
    no row differs, the gain is either exactly 0 or without any known error.
    """
    around = np.abs(change - np.median(change))
    differ = around > _SAME * np.abs(change).max()
    if not differ.any():
        return estimate == 0.0
    return holdout.clusters.having(differ) >= MIN_GROUPS


def _least_approach(
    metric: Metric, holdout: Holdout, new: Assessed, old: Assessed, *, confidence: float
) -> float:
    """The lower bound of |old - aim| - |new - aim|.

    Near the aim it is unknown on which side of it each value truly lies, so the delta method
    would be too sure. Instead: the least gain over a box of old values and of paired changes.
    The gain is concave in the change and monotone in the old value, so a corner has the least,
    and only one side of each matters: each is bounded with half of the allowed error
    (Bonferroni), and the bound holds wherever the truth lies.
    """
    aim = metric.direction
    if not isinstance(aim, float):
        raise TypeError(f"{metric.name} has no value to aim at")
    groups = independent_groups(metric, holdout)
    quantile = _quantile(1.0 - (1.0 - confidence) / 2.0, groups)
    change = new.value - old.value
    olds = quantile * standard_error(metric, holdout, old.influence)
    changes = quantile * standard_error(metric, holdout, new.influence - old.influence)
    corners = [
        (old.value + side * olds, change + move * changes) for side in (-1, 1) for move in (-1, 1)
    ]
    return min(metric.gain(start + moved, start) for start, moved in corners)


def _quantile(confidence: float, groups: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(groups - 1, confidence))


def _corrected(groups: int) -> float:
    """The factor that makes up for the mean that was estimated from the same groups."""
    return groups / (groups - 1)


def _squared(sums: Floats) -> float:
    return float(sums @ sums)
