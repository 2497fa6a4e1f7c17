"""The weighted bootstrap of a paired gain: an answer that assumes no normal distribution.

The closed forms of `intervals.py` are what a comparison uses; choose this to check them, or where
there are few rows or few positive ones. A replicate weights whole groups of rows by independent
counts with mean 1 and variance 1 (Barbe and Bertail 1995), as Efron's multinomial weights have
nearly. For the ROC AUC nothing is sorted again: a replicate is a running sum of weights over rows
that were sorted once.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.errors import DataError
from model_refresh.metrics.holdout import Holdout, Predicted, require_legal
from model_refresh.metrics.intervals import MIN_GROUPS, independent_groups, require_confidence
from model_refresh.metrics.losses import RowLoss
from model_refresh.metrics.protocol import Floats, Metric, is_usable
from model_refresh.metrics.roc_auc import RocAuc
from model_refresh.metrics.squares import RootMeanSquaredError
from model_refresh.records import Interval

Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]

_BORDERS = (94, 189, 235, 251, 255)
"""A random byte below 94 is weight 0, below 189 weight 1, and so on up to 5."""


def bootstrap_gain(  # noqa: PLR0913  (as `paired`, and how to draw)
    metric: Metric,
    holdout: Holdout,
    new: Predicted,
    old: Predicted,
    *,
    replicates: int = 2000,
    confidence: float,
    seed: int,
) -> Interval:
    """The gain of `new` over `old` on the same rows, with percentile bounds each at `confidence`.

    For ROC AUC, RMSE and means of row losses; others raise DataError. Bounds are nan where there
    are fewer than 5 groups (of a binary task: of either class), or where no replicate has a
    value; replicates in which a class has no weight are left out. Raises as `paired` does.
    """
    require_confidence(confidence)
    for predicted in (new, old):
        require_legal(holdout, predicted)
    values = [metric.value(holdout.target, predicted.values) for predicted in (new, old)]
    estimate, groups = metric.gain(*values), independent_groups(metric, holdout)
    lower = upper = float("nan")
    if groups >= MIN_GROUPS and np.isfinite(estimate):
        gains = resampled_gains(metric, holdout, (new, old), replicates=replicates, seed=seed)
        known = gains[np.isfinite(gains)]
        if len(known) > 0:
            lower, upper = np.quantile(known, [1.0 - confidence, confidence])
    return Interval(
        estimate=estimate, lower=lower, upper=upper, confidence=confidence, groups=groups
    )


def resampled_gains(
    metric: Metric,
    holdout: Holdout,
    sides: tuple[Predicted, Predicted],
    *,
    replicates: int,
    seed: int,
) -> Floats:
    """The gain of the first side over the second in each replicate, shape (replicates,).

    Replicate i weights the holdout's clusters by `draw_weights(seed, i, clusters.count)`: the
    machine's number of processors changes the time that it takes, not the result. nan where a
    class, or everything, has no weight. Raises DataError for other metrics and unusable rows.
    """
    predictions = sides[0].values, sides[1].values
    if not all(is_usable(metric, holdout.target, values) for values in predictions):
        raise DataError(f"{metric.label} can't be resampled: its rows are not usable")
    statistic = _statistic(metric, holdout, predictions)
    clusters, workers = holdout.clusters.count, os.cpu_count() or 1

    def run(numbers: range) -> list[float]:
        return [statistic.gain(draw_weights(seed, number, clusters)) for number in numbers]

    with ThreadPoolExecutor(workers) as threads:
        parts = list(threads.map(run, _parts(replicates, workers)))
    return np.array([gain for part in parts for gain in part])


def draw_weights(seed: int, replicate: int, count: int) -> Bytes:
    """Independent weights 0 to 5, shape (count,).

    Nearly Poisson(1), from one random byte each: the chances of 0 to 5 are 94, 95, 46, 16, 4 and
    1 in 256, where Poisson's are 94.2, 94.2, 47.1, 15.7, 3.9 and 0.8. Mean and variance are 1
    exactly; the skewness is 0.984 instead of 1.
    """
    bits = np.random.Generator(np.random.SFC64([seed, replicate]))
    words = bits.integers(0, 2**64 - 1, -(-count // 8), dtype=np.uint64, endpoint=True)
    drawn = words.view(np.uint8)[:count]
    weights = np.zeros(count, dtype=np.uint8)
    for border in _BORDERS:
        weights += (drawn >= border).view(np.uint8)
    return weights


def _parts(replicates: int, workers: int) -> Iterator[range]:
    """Runs of replicates, several for each worker so that none waits long for another."""
    size = max(1, replicates // (8 * workers))
    for first in range(0, replicates, size):
        yield range(first, min(first + size, replicates))


class _Statistic(ABC):
    """The gain as a function of one weight a cluster."""

    @abstractmethod
    def gain(self, weights: Bytes) -> float:
        """The weighted gain; nan where it is undefined."""


def _statistic(metric: Metric, holdout: Holdout, predictions: tuple[Floats, Floats]) -> _Statistic:
    if isinstance(metric, RocAuc):
        return _Areas.of(holdout, predictions)
    if isinstance(metric, RowLoss):
        losses = [metric.loss(holdout.target, values) for values in predictions]
        return _Means.of(metric, holdout, losses, rooted=False)
    if isinstance(metric, RootMeanSquaredError):
        squares = [np.square(holdout.target - values) for values in predictions]
        return _Means.of(metric, holdout, squares, rooted=True)
    raise DataError(
        f"{metric.label} has no bootstrap: there is one for ROC AUC, RMSE and means of row losses"
    )


@dataclass(frozen=True)
class _Means(_Statistic):
    """Weighted means of two losses: `sums` has each cluster's losses and rows, (3, clusters)."""

    metric: Metric
    sums: Floats
    rooted: bool

    @classmethod
    def of(cls, metric: Metric, holdout: Holdout, losses: list[Floats], *, rooted: bool) -> Self:
        columns = [*losses, np.ones_like(losses[0])]
        summed = [holdout.clusters.sums(column) for column in columns]
        return cls(metric, np.stack(summed), rooted)

    def gain(self, weights: Bytes) -> float:
        factors = weights.astype(np.float64)
        new, old, rows = (_dot(column, factors) for column in self.sums)
        if rows == 0.0:
            return float("nan")
        means = np.array([new, old]) / rows
        new, old = np.sqrt(means) if self.rooted else means
        return self.metric.gain(new, old)


@dataclass(frozen=True)
class _Areas(_Statistic):
    """Two predictions' ROC AUC of the same rows."""

    new: "_Sorted"
    old: "_Sorted"

    @classmethod
    def of(cls, holdout: Holdout, predictions: tuple[Floats, Floats]) -> Self:
        new, old = (_Sorted.of(holdout, values) for values in predictions)
        return cls(new, old)

    def gain(self, weights: Bytes) -> float:
        return self.new.area(weights) - self.old.area(weights)


@dataclass(frozen=True)
class _Sorted:
    """Rows from the lowest prediction; `cluster` is of all, the rest of the rarer class's rows.

    `first` and `beyond` are where each one's ties begin and end; `tied`: whether any has some.
    """

    cluster: Places
    place: Places
    first: Places
    beyond: Places
    tied: bool

    @classmethod
    def of(cls, holdout: Holdout, prediction: Floats) -> Self:
        """Sort once. The area stays the same where classes change names and the order turns."""
        is_positive = holdout.target == 1.0
        turned = is_positive.mean() > 0.5
        scores = -prediction if turned else prediction
        order = np.argsort(scores)
        ascending = scores[order]
        place = np.flatnonzero((~is_positive if turned else is_positive)[order])
        borders = np.flatnonzero(np.diff(ascending, prepend=np.nan, append=np.nan) != 0.0)
        level = np.searchsorted(borders, place, side="right")
        first, beyond = borders[level - 1], borders[level]
        tied = bool((beyond - first > 1).any())
        return cls(holdout.clusters.code[order], place, first, beyond, tied)

    def area(self, weights: Bytes) -> float:
        """The weighted area, exactly; nan where a class has no weight.

        Each row of the rarer class counts the weight below it and half of that beside it, its
        own class's included; those pairs sum to half of the class's squared weight.
        """
        each = weights.take(self.cluster, mode="clip")
        below = np.empty(len(each) + 1, dtype=np.int32)
        below[0] = 0
        np.cumsum(each, dtype=np.int32, out=below[1:])
        own = each.take(self.place).astype(np.float64)
        mine = float(own.sum())
        others = float(below[-1]) - mine
        if mine == 0.0 or others == 0.0:
            return float("nan")
        if self.tied:
            twice = (below.take(self.first) + below.take(self.beyond)).astype(np.float64)
        else:
            twice = 2.0 * below.take(self.place) + own
        return (_dot(own, twice) - mine**2) / (2.0 * mine * others)


def _dot(left: Floats, right: Floats) -> float:
    """Not `left @ right`: threads of the BLAS below it would wait for each other in our threads."""
    return float(np.einsum("i,i->", left, right))
