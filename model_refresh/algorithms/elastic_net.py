"""Penalised least squares and logistic regression, solved by glum.

The mean loss plus `ridge`/2 times the sum of squared coefficients plus `lasso` times the sum of
their magnitudes; the intercept is free. glum takes iteratively reweighted least squares with
coordinate descent: Friedman, Hastie and Tibshirani (2010), "Regularization Paths for Generalized
Linear Models via Coordinate Descent", J. Stat. Softw. 33(1).
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model_refresh.records import Task

if TYPE_CHECKING:
    from tabmat import MatrixBase

Vector = NDArray[np.float64]

_FAMILIES: dict[Task, str] = {"binary": "binomial", "regression": "normal"}
_STEPS = 100
_TOLERANCE = 1e-7
"""Of the gradient: far below any difference that tuning could see."""


@dataclass(frozen=True)
class Penalty:
    """What a coefficient costs, on the scale of the mean loss."""

    lasso: float
    ridge: float


@dataclass(frozen=True)
class Design:
    """Columns of a regression: dense ones, then the one-hot levels of each categorical one.

    `dense` has shape (rows, d); `codes` is one array of whole numbers in [0, size) a category.
    """

    dense: Vector
    codes: list[NDArray[np.intp]]
    sizes: list[int]

    @property
    def columns(self) -> int:
        """How many columns there are, levels counted."""
        return int(self.dense.shape[1]) + sum(self.sizes)

    def matrix(self) -> "MatrixBase":
        """What glum takes: the levels are never written out."""
        import tabmat  # here: the command line starts without it

        parts = [tabmat.DenseMatrix(self.dense)] if self.dense.shape[1] else []
        for codes, size in zip(self.codes, self.sizes, strict=True):
            levels = np.arange(size)
            parts.append(tabmat.CategoricalMatrix(codes, categories=levels, dtype=np.float64))
        return tabmat.SplitMatrix(parts)


@dataclass(frozen=True)
class Solution:
    """A fitted linear form: intercept, and a coefficient a column of the design."""

    intercept: float
    coefficients: Vector


def solve(design: Design, target: Vector, task: Task, penalty: Penalty) -> Solution:
    """Minimise the mean log loss, or half the mean squared error, plus the penalty.

    For a binary task both classes must be present. One thread: sums over several differ in their
    last digits.
    """
    from glum import GeneralizedLinearRegressor
    from threadpoolctl import threadpool_limits

    if design.columns == 0:
        rate = float(target.mean())
        level = float(np.log(rate / (1 - rate))) if task == "binary" else rate
        return Solution(level, np.empty(0))
    size = penalty.lasso + penalty.ridge
    regression = GeneralizedLinearRegressor(
        family=_FAMILIES[task],
        alpha=size,
        l1_ratio=penalty.lasso / size,
        gradient_tol=_TOLERANCE,
        max_iter=_STEPS,
    )
    with warnings.catch_warnings(), threadpool_limits(1):  # of the libraries loaded by now
        # Classes that can be told apart have no finite optimum to arrive at; nearly there will do.
        warnings.simplefilter("ignore")
        regression.fit(design.matrix(), target)
    return Solution(float(regression.intercept_), np.asarray(regression.coef_, dtype=np.float64))
