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


def gain_interval(
    metric: Metric, holdout: Holdout, new: Assessed, old: Assessed, *, confidence: float
) -> Interval:
    """The gain of `new` over `old`, with one-sided bounds each at `confidence`."""
    if not 0.5 < confidence < 1.0:
        raise DataError(f"confidence {confidence} is not between 0.5 and 1: give e.g. 0.95")
    estimate = metric.gain(new.value, old.value)
    groups = independent_groups(metric, holdout)
    if groups < MIN_GROUPS or not np.isfinite(estimate):
        return Interval(
            estimate=estimate, lower=np.nan, upper=np.nan, confidence=confidence, groups=groups
        )
    if isinstance(metric.direction, float):
        lower = _least_approach(metric, holdout, new, old, confidence=confidence)
        upper = -_least_approach(metric, holdout, old, new, confidence=confidence)
    else:
        error = standard_error(metric, holdout, new.influence - old.influence)
        width = _quantile(confidence, groups) * error
        lower, upper = estimate - width, estimate + width
    return Interval(
        estimate=estimate, lower=lower, upper=upper, confidence=confidence, groups=groups
    )


def independent_groups(metric: Metric, holdout: Holdout) -> int:
    """The clusters; for a binary task those of the rarer class, where that is what is scarce."""
    clusters = holdout.clusters
    if "binary" not in metric.tasks:
        return clusters.count
    positive = holdout.target == 1.0
    rarer = min(clusters.having(positive), clusters.having(~positive))
    return rarer if rarer < MIN_GROUPS else clusters.count


def standard_error(metric: Metric, holdout: Holdout, influence: Floats) -> float:
    """The cluster-robust standard error of a value with this influence."""
    clusters, rows = holdout.clusters, len(influence)
    if not metric.by_class:
        total = _squared(clusters.sums(influence))
        return float(np.sqrt(_corrected(clusters.count) * total)) / rows
    positive = holdout.target == 1.0
    ours = clusters.sums(np.where(positive, influence, 0.0))
    theirs = clusters.sums(np.where(positive, 0.0, influence))
    variance = (
        _corrected(clusters.having(positive)) * _squared(ours)
        + _corrected(clusters.having(~positive)) * _squared(theirs)
        + _corrected(clusters.count) * 2.0 * float(ours @ theirs)
    )
    return float(np.sqrt(max(variance, 0.0))) / rows


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
