"""Logistic regression on a column or two, with slopes of at least 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from model_refresh.calibration.protocol import Floats, Pairs, logistic

_PRIOR = 1e-6
"""What the identity counts, in rows: it decides only what the rows leave open."""

_STEPS = 100
_NEAR, _REACHED = 1e-8, 1e-24
"""What a step promises to take from the mean loss."""


def maximise(columns: Floats, pairs: Pairs) -> list[float]:
    """Intercept and slopes of log odds on columns, shape (rows, columns); slopes are >= 0.

    Outcomes are smoothed as by Platt (1999). The likelihood is concave: where its maximum has a
    slope below 0, that among slopes >= 0 has one of them at 0, so it is the best maximum of the
    models with fewer columns. A prior of a millionth of a row at the identity (intercept 0,
    slopes 1) gives an answer where all predictions are alike.
    """
    design = np.column_stack([np.ones(len(columns)), columns])
    problem = _Problem(design, _smoothed(pairs), pairs.weight / len(design))
    whole = problem.solved(range(design.shape[1]))
    if whole[1:].min() >= 0.0:
        return [float(each) for each in whole]
    slopes = range(1, design.shape[1])
    fewer = [problem.solved([0, *kept]) for n in range(len(slopes)) for kept in _of(slopes, n)]
    legal = [each for each in fewer if each[1:].min() >= 0.0]
    return [float(each) for each in min(legal, key=problem.loss)]


def _of(slopes: range, count: int) -> list[tuple[int, ...]]:
    return list(combinations(slopes, count))


def _smoothed(pairs: Pairs) -> Floats:
    positive = float(pairs.weight[pairs.target == 1.0].sum())
    negative = float(pairs.weight.sum()) - positive
    high, low = (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0)
    return np.where(pairs.target == 1.0, high, low)


@dataclass(frozen=True)
class _Problem:
    """The loss of coefficients, shape (columns,): the weighted mean of a row's, and the prior."""

    design: Floats
    target: Floats
    share: Floats

    @property
    def prior(self) -> float:
        return _PRIOR / len(self.design)

    def loss(self, coefficients: Floats) -> float:
        form = self.design @ coefficients
        rows = self.share @ (np.logaddexp(0.0, form) - self.target * form)
        away = coefficients - _identity(len(coefficients))
        return float(rows + self.prior / 2.0 * (away @ away))

    def solved(self, free: Sequence[int]) -> Floats:
        """The least loss where only these coefficients may differ from 0, by Newton's method."""
        chosen = np.array(free, dtype=np.intp)
        current = np.zeros(self.design.shape[1])
        for _ in range(_STEPS):
            step, promised = self._step(current, chosen)
            if promised > _NEAR:
                step = self._damped(current, step)
            current = current + step
            if promised < _REACHED:
                break
        return current

    def _step(self, current: Floats, chosen: NDArray[np.intp]) -> tuple[Floats, float]:
        columns = self.design[:, chosen]
        chance = logistic(self.design @ current)
        away = current[chosen] - _identity(len(current))[chosen]
        slope = columns.T @ (self.share * (self.target - chance)) - self.prior * away
        curvature = (columns * (self.share * chance * (1.0 - chance))[:, None]).T @ columns
        step = np.zeros_like(current)
        step[chosen] = np.linalg.solve(curvature + self.prior * np.eye(len(chosen)), slope)
        return step, float(slope @ step[chosen])

    def _damped(self, current: Floats, step: Floats) -> Floats:
        """The longest of step, step / 2, step / 4 ... that lowers the loss."""
        before = self.loss(current)
        for _ in range(_STEPS):
            if self.loss(current + step) < before:
                break
            step = step / 2.0
        return step


def _identity(size: int) -> Floats:
    """Intercept 0 and slopes 1: predictions as they are."""
    return np.array([0.0, *np.ones(size - 1)])
