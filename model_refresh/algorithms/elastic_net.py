"""Penalised least squares and logistic regression on few columns and many rows.

The mean loss plus `ridge`/2 times the sum of squared coefficients plus `lasso` times the sum of
their magnitudes; the intercept is free. Logistic regression is solved by proximal Newton steps,
each a quadratic problem on the columns' second moments, by Cholesky or coordinate descent:
Friedman, Hastie and Tibshirani (2010), "Regularization Paths for Generalized Linear Models via
Coordinate Descent", J. Stat. Softw. 33(1). The rows are read once a step, about ten steps in all,
where stochastic and first-order solvers read them hundreds of times.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_STEPS = 50
_HALVINGS = 30
_ROUNDS = 50
_SWEEPS = 20
_LEAST_RIDGE = 1e-14
_TOLERANCE = 1e-9
"""In units of the mean loss (which is about 1): far below any difference that tuning could see."""
_SWEEP_TOLERANCE = 1e-13
"""Each quadratic problem is solved further than that, or the steps creep."""
_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True)
class Penalty:
    """What a coefficient costs, on the scale of the mean loss."""

    lasso: float
    ridge: float

    def cost(self, coefficients: Vector) -> float:
        """The penalty of some coefficients, the intercept not among them."""
        squares = float(np.square(coefficients).sum())
        return self.lasso * float(np.abs(coefficients).sum()) + self.ridge / 2 * squares


class Design:
    """Columns of a regression: dense ones, then the one-hot levels of each categorical one.

    `dense` has shape (rows, d); `codes` is one array of whole numbers in [0, size) a category.
    `weight`, shape (rows,), is how much each row counts in the mean loss; its mean is 1.
    """

    def __init__(
        self,
        dense: Vector,
        codes: list[NDArray[np.intp]],
        sizes: list[int],
        *,
        weight: Vector | None = None,
    ) -> None:
        from scipy import sparse  # here: the command line starts without it

        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        places = [code + start for code, start in zip(codes, starts[:-1], strict=True)]
        flat = np.stack(places, axis=1).ravel() if places else np.empty(0, dtype=np.intp)
        rows = np.arange(dense.shape[0] + 1) * len(codes)
        shape = (dense.shape[0], int(starts[-1]))
        self._dense = dense
        self._levels = sparse.csr_array((np.ones(flat.size), flat, rows), shape=shape)
        self._codes, self._sizes = codes, sizes
        self.weight = np.ones(dense.shape[0]) if weight is None else weight

    def dot(self, coefficients: Vector) -> Vector:
        """Each row's weighted sum of columns; shape (rows,)."""
        split = self._dense.shape[1]
        total: Vector = self._dense @ coefficients[:split] + self._levels @ coefficients[split:]
        return total

    def sums(self, weights: Vector) -> Vector:
        """Each column's weighted sum of rows; shape (columns,)."""
        return np.concatenate([self._dense.T @ weights, self._levels.T @ weights])

    def moments(self, weights: Vector) -> Vector:
        """The weighted sum over rows of each pair of columns; shape (columns, columns)."""
        weighted = self._dense * weights[:, None]
        across = self._levels.T @ weighted
        levels = [
            [self._pairs(one, other, weights) for other in range(len(self._sizes))]
            for one in range(len(self._sizes))
        ]
        within = np.block(levels) if levels else np.empty((0, 0))
        moments: Vector = np.block([[weighted.T @ self._dense, across.T], [across, within]])
        return moments

    def _pairs(self, one: int, other: int, weights: Vector) -> Vector:
        """The weight of each pair of levels; counted, twenty times as fast as multiplied."""
        shape = self._sizes[one], self._sizes[other]
        pairs = self._codes[one] * shape[1] + self._codes[other]
        counted = np.bincount(pairs, weights, minlength=shape[0] * shape[1])
        return counted.astype(np.float64).reshape(shape)


@dataclass(frozen=True)
class Solution:
    """A fitted linear form: intercept, and a coefficient a column of the design."""

    intercept: float
    coefficients: Vector

    def form(self, design: Design) -> Vector:
        """The form's value on each row; shape (rows,)."""
        return self.intercept + design.dot(self.coefficients)


def least_squares(design: Design, target: Vector, penalty: Penalty) -> Solution:
    """Minimise half the mean squared error plus the penalty."""
    columns = design.sums(np.ones_like(target)).size
    start = Solution(float(np.mean(design.weight * target)), np.zeros(columns))
    residual = design.weight * (start.intercept - target)
    return _newton_step(design, start, residual, curvature=design.weight, penalty=penalty)


def logistic(design: Design, target: Vector, penalty: Penalty) -> Solution:
    """Minimise the mean log loss plus the penalty; both classes must be present."""
    rate = float(np.mean(design.weight * target))
    columns = design.sums(target).size
    best = Solution(float(np.log(rate / (1 - rate))), np.zeros(columns))
    offset = np.zeros_like(target)
    for _ in range(_STEPS):
        best, gain = logistic_step(design, target, best, offset=offset, penalty=penalty)
        if gain < _TOLERANCE:
            break
    return best


def logistic_step(
    design: Design, target: Vector, start: Solution, *, offset: Vector, penalty: Penalty
) -> tuple[Solution, float]:
    """One Newton step of logistic regression, and by how much the objective falls, 0 or more.

    `offset`, shape (rows,), is added to each row's form and not fitted.
    """
    chance = (1 + np.tanh((start.form(design) + offset) / 2)) / 2
    curvature = np.maximum(chance * (1 - chance), _LEAST_WEIGHT)
    residual = design.weight * (chance - target)
    curvature *= design.weight
    aim = _newton_step(design, start, residual, curvature=curvature, penalty=penalty)

    def objective(point: Solution) -> float:
        form = point.form(design) + offset
        loss = float(np.mean(design.weight * (np.logaddexp(0.0, form) - target * form)))
        return loss + penalty.cost(point.coefficients)

    return _search(objective, start, aim)


def _newton_step(
    design: Design, start: Solution, residual: Vector, *, curvature: Vector, penalty: Penalty
) -> Solution:
    """The minimum of the loss's quadratic approximation at `start`, with the penalty.

    The intercept is eliminated first: it is what all one-hot levels are correlated with.
    """
    rows = residual.size
    mass = float(curvature.sum()) / rows
    cross = design.sums(curvature) / rows
    drift = float(residual.sum()) / rows
    hessian = design.moments(curvature) / rows - np.outer(cross, cross) / mass
    gradient = design.sums(residual) / rows - cross * drift / mass
    coefficients = _quadratic(hessian, gradient, start.coefficients, penalty)
    moved = float(cross @ (coefficients - start.coefficients))
    return Solution(start.intercept - (drift + moved) / mass, coefficients)


def _quadratic(hessian: Vector, gradient: Vector, start: Vector, penalty: Penalty) -> Vector:
    """Minimise gradient.(x - start) + (x - start).hessian.(x - start)/2 + the penalty of x."""
    aim = hessian @ start - gradient
    if penalty.lasso == 0:
        ridged = hessian + penalty.ridge * np.eye(start.size)
        return np.asarray(np.linalg.solve(ridged, aim), dtype=np.float64)
    found = start.copy()
    for _ in range(_ROUNDS):
        if _sweep(hessian, aim, found, penalty) < _SWEEP_TOLERANCE:
            break
        _finish_face(hessian, aim, found, penalty)
    return found


def _sweep(hessian: Vector, aim: Vector, found: Vector, penalty: Penalty) -> float:
    """Some rounds over the coordinates, in place; the furthest that the last round moved one."""
    slope = hessian @ found - aim
    diagonal = [float(value) for value in np.diag(hessian)]
    furthest = 0.0
    for _ in range(_SWEEPS):
        furthest = 0.0
        for j, bend in enumerate(diagonal):
            step = _shrunk(bend * found[j] - slope[j], bend, penalty) - found[j]
            if step:
                found[j] += step
                slope += step * hessian[j]
                furthest = max(furthest, step * step * bend)
        if furthest < _SWEEP_TOLERANCE:
            break
    return furthest


def _finish_face(hessian: Vector, aim: Vector, found: Vector, penalty: Penalty) -> None:
    """Go, in place, to the minimum over the coefficients that aren't zero, or until one is zero.

    Coordinates alone creep where levels of several categories add up to the same column.
    """
    active = np.flatnonzero(found)
    if not active.size:
        return
    here = found[active]
    face = hessian[np.ix_(active, active)]
    ridge = max(penalty.ridge, _LEAST_RIDGE * float(np.trace(face)))
    pull = aim[active] - penalty.lasso * np.sign(here)
    there = np.linalg.solve(face + ridge * np.eye(active.size), pull)
    turns = np.sign(there) != np.sign(here)
    reach = np.full(active.size, np.inf)
    reach[turns] = here[turns] / (here - there)[turns]
    share = min(1.0, float(reach.min()))
    found[active] = np.where(reach <= share, 0.0, here + share * (there - here))


def _shrunk(pull: float, bend: float, penalty: Penalty) -> float:
    """One coefficient's minimum, the others held: soft-thresholded, then shrunk."""
    beyond = abs(pull) - penalty.lasso
    stiffness = bend + penalty.ridge
    if beyond <= 0 or stiffness <= 0:
        return 0.0
    return beyond / stiffness if pull > 0 else -beyond / stiffness


def _search(
    objective: Callable[[Solution], float], start: Solution, aim: Solution
) -> tuple[Solution, float]:
    """The first point on the way from `aim` back to `start` where the objective falls."""
    before = objective(start)
    for halving in range(_HALVINGS):
        share = 0.5**halving
        point = Solution(
            start.intercept + share * (aim.intercept - start.intercept),
            start.coefficients + share * (aim.coefficients - start.coefficients),
        )
        after = objective(point)
        if after <= before:
            return point, before - after
    return start, 0.0
