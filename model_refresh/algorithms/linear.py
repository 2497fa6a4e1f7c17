"""Elastic-net regression on standardised, one-hot, imputed columns, straight or on splines."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.elastic_net import (
    Design,
    Penalty,
    Solution,
    least_squares,
    logistic,
)
from model_refresh.algorithms.linear_terms import (
    FILE,
    CategoryTerm,
    FittedLinear,
    FittedMultinomial,
    NumberTerm,
    levels,
)
from model_refresh.algorithms.multinomial import multinomial
from model_refresh.algorithms.protocol import (
    Dimension,
    Fit,
    Parameters,
    Rows,
    completed,
    number,
    require_learnable,
)
from model_refresh.algorithms.splines import Spline
from model_refresh.algorithms.unmet import Unmet
from model_refresh.features import Matrix
from model_refresh.records import Task

Term = TypeVar("Term", NumberTerm, CategoryTerm)

_SAVED: TypeAdapter[FittedLinear | FittedMultinomial] = TypeAdapter(
    FittedLinear | FittedMultinomial
)


class Linear(Declared):
    """Linear or logistic regression: for few rows, few columns, or when it must be read.

    Rarely beats trees on a large table, often does below some hundred rows, and is the check that
    trees earn their keep. With `splines` numbers may bend: nearer to what trees see, still a sum
    of one curve a column.
    """

    algorithm: Literal["linear"] = Field("linear", description="elastic-net regression")
    splines: Literal[0, 3, 4, 5, 6, 7] = Field(
        0, description="knots of each number's curve, at quantiles of its values; 0: straight lines"
    )

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """The penalty's size, on the scale of the mean loss, and its share that selects columns."""
        del task
        return (
            Dimension(name="penalty", low=1e-6, high=1.0, start=1e-3, log=True),
            Dimension(name="lasso_share", low=0.0, high=1.0, start=0.0),
        )

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Its own start, then less and more of the penalty."""
        del task
        return ({}, {"penalty": 1e-4}, {"penalty": 1e-2})

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """The penalised optimum; it takes no seed, and needs no early stopping."""
        from threadpoolctl import threadpool_limits  # here: for the command line

        del seed, early
        require_learnable(train, task)
        used = completed(self.space(task), parameters)
        with threadpool_limits(1):
            plan = _plan(train.matrix, self.splines)
            return Fit(_fitted(train, task, plan=plan, penalty=_penalty(used)), used)

    def load(self, folder: Path) -> FittedLinear | FittedMultinomial:
        """Read model.json."""
        return _SAVED.validate_json((folder / FILE).read_text())


@dataclass(frozen=True)
class _Plan:
    """Which columns the design has, in order: numbers, their bends, their blanks, categories."""

    numbers: tuple[NumberTerm, ...]
    blanks: tuple[int, ...]
    categories: tuple[int, ...]


def _penalty(used: Parameters) -> Penalty:
    size, share = number(used, "penalty"), number(used, "lasso_share")
    return Penalty(lasso=size * share, ridge=size * (1 - share))


def _fitted(
    train: Rows, task: Task, *, plan: _Plan, penalty: Penalty
) -> FittedLinear | FittedMultinomial:
    design = _design(train, plan)
    if task == "multiclass":
        present, codes = np.unique(train.target, return_inverse=True)
        solutions = multinomial(design, codes, present.size, penalty)
        return FittedMultinomial(
            present=tuple(int(place) for place in present),
            forms=tuple(_named(plan, train, task, solution) for solution in solutions),
            unmet=Unmet.among(train),
        )
    if task == "binary":
        return _named(plan, train, task, logistic(design, train.target, penalty))
    centre, scale = _standard(train.target)
    solution = least_squares(design, (train.target - centre) / scale, penalty)
    whole = Solution(centre + scale * solution.intercept, scale * solution.coefficients)
    return _named(plan, train, task, whole)


def _plan(matrix: Matrix, knots: int) -> _Plan:
    numeric = [i for i, codes in enumerate(matrix.categories) if not codes]
    return _Plan(
        numbers=tuple(_number_term(matrix, i, knots) for i in numeric),
        blanks=tuple(i for i in numeric if np.isnan(matrix.values[:, i]).any()),
        categories=tuple(i for i, codes in enumerate(matrix.categories) if codes),
    )


def _number_term(matrix: Matrix, column: int, knots: int) -> NumberTerm:
    values = matrix.values[:, column]
    known = ~np.isnan(values)
    centre, scale = _standard(values[known])
    term = NumberTerm(column=column, centre=centre, scale=scale)
    if not knots:
        return term
    spline = Spline.through(term.standardised(matrix)[known], knots)
    return term.model_copy(update={"spline": spline})


def _standard(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation; 1 for the latter where it is 0 or there are no values."""
    if values.size == 0:
        return 0.0, 1.0
    largest = float(np.abs(values).max()) or 1.0
    centre, scale = float((values / largest).mean()), float((values / largest).std())
    return centre * largest, scale * largest or 1.0


def _design(train: Rows, plan: _Plan) -> Design:
    matrix = train.matrix
    dense = [term.standardised(matrix) for term in plan.numbers]
    dense += [column for term in plan.numbers for column in term.bends(matrix)]
    dense += [np.isnan(matrix.values[:, i]).astype(np.float64) for i in plan.blanks]
    return Design(
        np.stack(dense, axis=1) if dense else np.empty((matrix.values.shape[0], 0)),
        [levels(matrix, i) for i in plan.categories],
        [matrix.categories[i] + 1 for i in plan.categories],
        weight=train.weight,
    )


def _named(plan: _Plan, train: Rows, task: Task, solution: Solution) -> FittedLinear:
    """The solution's coefficients, each at the term that it belongs to."""
    left = iter(solution.coefficients.tolist())
    weights = list(islice(left, len(plan.numbers)))
    splines = [_bent(term.spline, left) for term in plan.numbers]
    missing = dict(zip(plan.blanks, islice(left, len(plan.blanks)), strict=True))
    numbers = [
        term.model_copy(update={"weight": w, "spline": s, "missing": missing.get(term.column, 0.0)})
        for term, w, s in zip(plan.numbers, weights, splines, strict=True)
    ]
    categories = [
        CategoryTerm(column=i, weights=tuple(islice(left, train.matrix.categories[i] + 1)))
        for i in plan.categories
    ]
    return FittedLinear(
        task=task,
        intercept=solution.intercept,
        numbers=tuple(_measured(term, train) for term in numbers),
        categories=tuple(_measured(term, train) for term in categories),
    )


def _bent(spline: Spline | None, left: Iterator[float]) -> Spline | None:
    if spline is None:
        return None
    return spline.model_copy(update={"weights": tuple(islice(left, len(spline.scales)))})


def _measured(term: Term, train: Rows) -> Term:
    """The term with the mean and the standard deviation of what it adds to the rows."""
    added = term.share(train.matrix)
    mean = float(np.average(added, weights=train.weight))
    spread = float(np.sqrt(np.average((added - mean) ** 2, weights=train.weight)))
    return term.model_copy(update={"mean": mean, "spread": spread})
