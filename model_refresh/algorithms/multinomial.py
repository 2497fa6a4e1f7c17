"""Penalised logistic regression for several classes, one linear form a class.

A row's probability of class k is exp(form k) / the sum of all exp(form). The mean log loss plus
the elastic-net penalty of every class's coefficients is minimised; the intercepts are free. Given
the other classes' forms, class k's is a binary logistic regression with an offset, so each class
in turn takes one step of that, as in section 4.1 of Friedman, Hastie and Tibshirani (2010),
"Regularization Paths for Generalized Linear Models via Coordinate Descent", J. Stat. Softw. 33(1).
Such cycles creep near the end where there is a lasso; between them, a leap along the last cycle's
way is taken where it pays, which halves their number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.elastic_net import (
    Design,
    Penalty,
    Solution,
    Vector,
    logistic_step,
)

_CYCLES = 100
_TOLERANCE = 1e-8
"""In units of the mean loss, of one cycle over all classes."""
_FURTHEST_LEAP = 50.0
"""In lengths of the last cycle's way."""


def multinomial(
    design: Design, codes: NDArray[np.intp], classes: int, penalty: Penalty
) -> list[Solution]:
    """Each class's form; `codes`, shape (rows,), lie in [0, classes), each at least once."""
    problem = _Problem(design, codes, penalty)
    columns = design.sums(np.zeros(codes.size)).size
    shares = np.bincount(codes, design.weight, minlength=classes) / codes.size
    best = problem.at([Solution(float(np.log(share)), np.zeros(columns)) for share in shares])
    gains: list[float] = []
    for _ in range(_CYCLES):
        before, best = best, problem.after_cycle(best)
        gains.append(before.loss - best.loss)
        if gains[-1] < _TOLERANCE:
            break
        leapt = problem.at(_leap(before.found, best.found, reach=_reach(gains)))
        best = leapt if leapt.loss < best.loss else best
    return best.found


def softmax(forms: Vector, *, furthest: float) -> Vector:
    """Probabilities from forms, shape (rows, classes).

    A form more than `furthest` below its row's largest counts as that: no probability is 0.
    """
    below = np.maximum(forms - forms.max(axis=1, keepdims=True), -furthest)
    odds = np.exp(np.ascontiguousarray(below))
    chances: Vector = odds / odds.sum(axis=1, keepdims=True)
    return chances


@dataclass(frozen=True)
class _Point:
    """Each class's solution, their values on the rows (rows, classes), and the objective."""

    found: list[Solution]
    forms: Vector
    loss: float


@dataclass(frozen=True)
class _Problem:
    """What is minimised, on which rows."""

    design: Design
    codes: NDArray[np.intp]
    penalty: Penalty

    def at(self, found: list[Solution]) -> _Point:
        """These solutions as a point."""
        forms = np.stack([solution.form(self.design) for solution in found], axis=1)
        own = forms[np.arange(self.codes.size), self.codes]
        loss = float(np.mean(self.design.weight * (_log_sum(forms) - own)))
        loss += sum(self.penalty.cost(solution.coefficients) for solution in found)
        return _Point(found, forms, loss)

    def after_cycle(self, start: _Point) -> _Point:
        """Where one step of each class leads; the objective is never higher there."""
        found, forms = list(start.found), start.forms.copy()
        for k, solution in enumerate(found):
            offset = -_log_sum(np.delete(forms, k, axis=1))
            target = (self.codes == k).astype(np.float64)
            found[k], _ = logistic_step(
                self.design, target, solution, offset=offset, penalty=self.penalty
            )
            forms[:, k] = found[k].form(self.design)
        return self.at(_centred(found, self.penalty))


def _log_sum(forms: Vector) -> Vector:
    """The logarithm of the sum of exp over classes, of each row; shape (rows,)."""
    largest = forms.max(axis=1)
    total: Vector = largest + np.log(np.exp(forms - largest[:, None]).sum(axis=1))
    return total


def _centred(found: list[Solution], penalty: Penalty) -> list[Solution]:
    """The same probabilities at the least penalty: what all classes share is taken from each.

    For each column the shift c minimises the penalty of all classes' coefficients less c: the
    median of the coefficients and of the points where the slope is 0 between any two of them.
    """
    weights = np.stack([solution.coefficients for solution in found])
    classes = len(found)
    candidates = weights
    if penalty.ridge > 0:
        pulls = penalty.lasso * (classes - 2 * np.arange(classes + 1)) / (penalty.ridge * classes)
        candidates = np.vstack([weights, weights.mean(axis=0) + pulls[:, None]])
    shift = np.median(candidates, axis=0)
    level = float(np.mean([solution.intercept for solution in found]))
    return [Solution(each.intercept - level, each.coefficients - shift) for each in found]


def _reach(gains: list[float]) -> float:
    """How far to leap: to the end of the way, were each cycle shorter than the last by one ratio.

    Gains shrink by the square of that ratio.
    """
    if len(gains) < 3 or not 0 < gains[-1] < gains[-2]:
        return 0.0
    ratio = float(np.sqrt(gains[-1] / gains[-2]))
    return min(_FURTHEST_LEAP, ratio / (1 - ratio))


def _leap(before: list[Solution], after: list[Solution], *, reach: float) -> list[Solution]:
    """Further along the way from one point to another, by `reach` times its length."""
    return [
        Solution(
            new.intercept + reach * (new.intercept - old.intercept),
            new.coefficients + reach * (new.coefficients - old.coefficients),
        )
        for old, new in zip(before, after, strict=True)
    ]
