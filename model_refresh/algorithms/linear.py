"""Elastic-net regression on standardised, one-hot, imputed columns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from model_refresh.algorithms.elastic_net import (
    Design,
    Penalty,
    Solution,
    Vector,
    least_squares,
    logistic,
)
from model_refresh.algorithms.multinomial import multinomial, softmax
from model_refresh.algorithms.protocol import (
    Dimension,
    Parameters,
    Rows,
    completed,
    number,
    require_learnable,
)
from model_refresh.algorithms.unmet import Unmet
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

_FILE = "model.json"
_FURTHEST = 10.0
"""Standardised values are cut here: one absurd value must not decide a prediction."""
_LARGEST_FORM = 30.0
"""A probability stays within 1e-13 of 0 and 1: no finite table justifies more."""


class NumberTerm(Record):
    """What a numeric column adds: `weight` a standard deviation, or `missing` where it is NaN."""

    column: int
    centre: float
    scale: float
    weight: float = 0.0
    missing: float = 0.0

    def standardised(self, matrix: Matrix) -> Vector:
        """The column in standard deviations from its mean, 0 where it is missing."""
        values = matrix.values[:, self.column]
        scaled = np.clip((values - self.centre) / self.scale, -_FURTHEST, _FURTHEST)
        return np.where(np.isnan(values), 0.0, scaled)

    def share(self, matrix: Matrix) -> Vector:
        """What the column adds to each row."""
        blank = np.isnan(matrix.values[:, self.column])
        return self.weight * self.standardised(matrix) + self.missing * blank


class CategoryTerm(Record):
    """What a categorical column adds: a weight a code, the last where it is missing."""

    column: int
    weights: tuple[float, ...]

    def share(self, matrix: Matrix) -> Vector:
        """What the column adds to each row."""
        return np.array(self.weights)[_levels(matrix, self.column)]


class FittedLinear(Record):
    """A sum of terms; for a binary task, the log odds of class 1.

    For a multiclass task it is one class's form, which means something beside the others' only.
    """

    task: Task
    intercept: float
    numbers: tuple[NumberTerm, ...]
    categories: tuple[CategoryTerm, ...]

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,)."""
        form = self.form(matrix)
        if self.task == "regression":
            return form
        chance: Vector = 1 / (1 + np.exp(-np.clip(form, -_LARGEST_FORM, _LARGEST_FORM)))
        return chance

    def form(self, matrix: Matrix) -> NDArray[np.float64]:
        """The sum of the terms; shape (rows,)."""
        form = np.full(matrix.values.shape[0], self.intercept)
        for number_term in self.numbers:
            form += number_term.share(matrix)
        for category_term in self.categories:
            form += category_term.share(matrix)
        return form

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / _FILE).write_text(self.canonical())


class FittedMultinomial(Record):
    """A sum of terms for each class that training rows had; the larger, the more probable.

    `forms` and `present`, the classes that they are of, go together; `unmet` has the others.
    """

    present: tuple[int, ...]
    forms: tuple[FittedLinear, ...]
    unmet: Unmet

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of each class; shape (rows, classes)."""
        forms = np.stack([form.form(matrix) for form in self.forms], axis=1)
        chances = np.zeros((len(forms), len(self.present) + len(self.unmet.places)))
        chances[:, self.present] = softmax(forms, furthest=_LARGEST_FORM)
        return self.unmet.blended(chances)

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / _FILE).write_text(self.canonical())


_SAVED: TypeAdapter[FittedLinear | FittedMultinomial] = TypeAdapter(
    FittedLinear | FittedMultinomial
)


class Linear(Record):
    """Linear or logistic regression: for few rows, few columns, or when it must be read.

    Rarely beats trees on a large table, often does below some hundred rows, and is the check that
    trees earn their keep.
    """

    algorithm: Literal["linear"] = Field("linear", description="elastic-net regression")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """The penalty's size, on the scale of the mean loss, and its share that selects columns."""
        del task
        return (
            Dimension(name="penalty", low=1e-6, high=1.0, start=1e-3, log=True),
            Dimension(name="lasso_share", low=0.0, high=1.0, start=0.0),
        )

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> tuple[FittedLinear | FittedMultinomial, Parameters]:
        """The penalised optimum; it takes no seed, and needs no early stopping."""
        from threadpoolctl import threadpool_limits  # here: for the command line

        del seed, early
        require_learnable(train, task)
        used = completed(self.space(task), parameters)
        with threadpool_limits(1):
            return _fitted(train, task, penalty=_penalty(used)), used

    def load(self, folder: Path) -> FittedLinear | FittedMultinomial:
        """Read model.json."""
        return _SAVED.validate_json((folder / _FILE).read_text())


@dataclass(frozen=True)
class _Plan:
    """Which columns the design has, in order: numbers, their blanks, categories."""

    numbers: tuple[NumberTerm, ...]
    blanks: tuple[int, ...]
    categories: tuple[int, ...]


def _penalty(used: Parameters) -> Penalty:
    size, share = number(used, "penalty"), number(used, "lasso_share")
    return Penalty(lasso=size * share, ridge=size * (1 - share))


def _fitted(train: Rows, task: Task, *, penalty: Penalty) -> FittedLinear | FittedMultinomial:
    plan = _plan(train.matrix)
    design = _design(train.matrix, plan)
    if task == "multiclass":
        present, codes = np.unique(train.target, return_inverse=True)
        solutions = multinomial(design, codes, present.size, penalty)
        return FittedMultinomial(
            present=tuple(int(place) for place in present),
            forms=tuple(_named(plan, train.matrix, task, solution) for solution in solutions),
            unmet=Unmet.among(train),
        )
    if task == "binary":
        return _named(plan, train.matrix, task, logistic(design, train.target, penalty))
    centre, scale = _standard(train.target)
    solution = least_squares(design, (train.target - centre) / scale, penalty)
    whole = Solution(centre + scale * solution.intercept, scale * solution.coefficients)
    return _named(plan, train.matrix, task, whole)


def _plan(matrix: Matrix) -> _Plan:
    numeric = [i for i, codes in enumerate(matrix.categories) if not codes]
    terms = []
    for i in numeric:
        values = matrix.values[:, i]
        centre, scale = _standard(values[~np.isnan(values)])
        terms.append(NumberTerm(column=i, centre=centre, scale=scale))
    return _Plan(
        numbers=tuple(terms),
        blanks=tuple(i for i in numeric if np.isnan(matrix.values[:, i]).any()),
        categories=tuple(i for i, codes in enumerate(matrix.categories) if codes),
    )


def _standard(values: Vector) -> tuple[float, float]:
    """Mean and standard deviation; 1 for the latter where it is 0 or there are no values."""
    if values.size == 0:
        return 0.0, 1.0
    largest = float(np.abs(values).max()) or 1.0
    centre, scale = float((values / largest).mean()), float((values / largest).std())
    return centre * largest, scale * largest or 1.0


def _design(matrix: Matrix, plan: _Plan) -> Design:
    dense = [term.standardised(matrix) for term in plan.numbers]
    dense += [np.isnan(matrix.values[:, i]).astype(np.float64) for i in plan.blanks]
    return Design(
        np.stack(dense, axis=1) if dense else np.empty((matrix.values.shape[0], 0)),
        [_levels(matrix, i) for i in plan.categories],
        [matrix.categories[i] + 1 for i in plan.categories],
    )


def _levels(matrix: Matrix, column: int) -> NDArray[np.intp]:
    """The column's codes; where it is missing, one more than the last."""
    return np.nan_to_num(matrix.values[:, column], nan=matrix.categories[column]).astype(np.intp)


def _named(plan: _Plan, matrix: Matrix, task: Task, solution: Solution) -> FittedLinear:
    """The solution's coefficients, each at the term that it belongs to."""
    left = solution.coefficients.tolist()
    weights, left = left[: len(plan.numbers)], left[len(plan.numbers) :]
    missing, left = dict(zip(plan.blanks, left, strict=False)), left[len(plan.blanks) :]
    categories = []
    for i in plan.categories:
        size = matrix.categories[i] + 1
        categories.append(CategoryTerm(column=i, weights=tuple(left[:size])))
        left = left[size:]
    return FittedLinear(
        task=task,
        intercept=solution.intercept,
        numbers=tuple(
            term.model_copy(update={"weight": w, "missing": missing.get(term.column, 0.0)})
            for term, w in zip(plan.numbers, weights, strict=True)
        ),
        categories=tuple(categories),
    )
