"""Isotonic regression."""

from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from model_refresh.calibration.protocol import Calibrator, Floats, Pairs
from model_refresh.records import Task

_MOST = 1000
"""Breakpoints that are kept: evenly by rank, the first and last among them."""


class Isotonic(Calibrator):
    """The non-decreasing function nearest to the outcomes (Zadrozny and Elkan 2002).

    It follows any monotone shape and pays with many coefficients: for a thousand rows and more.
    Pools have one value, the weighted mean of their outcomes; rows of one prediction are averaged
    before. From the least to the greatest prediction of a pool its value holds, between pools the
    line from one to the next, beyond the ends the end's value. Of more than 1,000 breakpoints,
    as many are kept.

    No probability is 0 or 1: before pooling, a row of outcome 1 is added at the least prediction,
    and one of outcome 0 at the greatest. The lowest pool of n rows, k of them positive, so has
    (k + 1) / (n + 1) instead of k / n, and the highest k / (n + 1): Laplace's rule with one row,
    and monotone whatever the pools' sizes. A regression gets no such rows.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "regression")

    method: Literal["isotonic"] = Field("isotonic", description="a non-decreasing step function")
    predicted: tuple[float, ...] = Field(min_length=1, description="where breakpoints are, rising")
    calibrated: tuple[float, ...] = Field(min_length=1, description="each one's value")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        at, values = np.array(self.predicted), np.array(self.calibrated)
        if at.shape != values.shape or not np.isfinite([at, values]).all():
            raise ValueError("breakpoints need one finite value each")
        if not ((np.diff(at) > 0.0).all() and (np.diff(values) >= 0.0).all()):
            raise ValueError("breakpoints must rise, and their values never fall")
        return self

    @classmethod
    def fit(cls, pairs: Pairs) -> Self:
        """Pool adjacent violators, weighted."""
        from scipy.optimize import isotonic_regression  # here: for the command line

        at, value, weight = _levels(pairs)
        pooled = isotonic_regression(value, weights=weight)
        kept = _breakpoints(pooled.blocks)
        return cls(predicted=tuple(at[kept].tolist()), calibrated=tuple(pooled.x[kept].tolist()))

    def apply(self, predicted: Floats) -> Floats:
        """Never decreasing, to the last digit."""
        at, values = np.array(self.predicted), np.array(self.calibrated)
        if len(at) == 1:
            return np.where(np.isnan(predicted), np.nan, values[0])
        within = np.clip(predicted, at[0], at[-1])
        left = np.clip(np.searchsorted(at, within, side="right") - 1, 0, len(at) - 2)
        low, high = values[left], values[left + 1]
        share = (within - at[left]) / (at[left + 1] - at[left])
        return np.asarray(np.minimum(low + share * (high - low), high))


def _levels(pairs: Pairs) -> tuple[Floats, Floats, Floats]:
    """Each distinct prediction, rising, with its rows' mean outcome and their weight."""
    at, code = np.unique(pairs.predicted, return_inverse=True)
    weight = np.asarray(np.bincount(code, weights=pairs.weight), dtype=np.float64)
    total = np.asarray(np.bincount(code, weights=pairs.weight * pairs.target), dtype=np.float64)
    if pairs.task == "binary":
        weight[0] += 1.0
        total[0] += 1.0
        weight[-1] += 1.0
    return at, total / weight, weight


def _breakpoints(borders: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first and last place of each pool, where the next one's first is its border."""
    ends = np.unique(np.concatenate([borders[:-1], borders[1:] - 1]))
    if len(ends) <= _MOST:
        return ends
    return np.asarray(ends[np.linspace(0, len(ends) - 1, _MOST).round().astype(np.intp)])
