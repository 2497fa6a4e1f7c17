"""A fitted linear form as terms that a person can read: what each column adds."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.multinomial import softmax
from model_refresh.algorithms.outcome import LARGEST_FORM, chance
from model_refresh.algorithms.shares import shares
from model_refresh.algorithms.splines import Spline
from model_refresh.algorithms.unmet import Unmet
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.linear import LinearForm

Vector = NDArray[np.float64]

FILE = "model.json"
FURTHEST = 10.0
"""Standardised values are cut here: one absurd value must not decide a prediction."""


class NumberTerm(Record):
    """What a numeric column adds: `weight` a standard deviation, or `missing` where it is NaN.

    `spline` bends the line. `mean` and `spread` are what the term added to the rows that it was
    learned from: the mean, and the standard deviation; 0 where that was not stored.
    """

    column: int
    centre: float
    scale: float
    weight: float = 0.0
    missing: float = 0.0
    spline: Spline | None = None
    mean: float = 0.0
    spread: float = 0.0

    def standardised(self, matrix: Matrix) -> Vector:
        """The column in standard deviations from its mean, 0 where it is missing."""
        values = matrix.values[:, self.column]
        scaled = np.clip((values - self.centre) / self.scale, -FURTHEST, FURTHEST)
        return np.where(np.isnan(values), 0.0, scaled)

    def bends(self, matrix: Matrix) -> list[Vector]:
        """The columns of the spline's basis, 0 where the column is missing; empty without one."""
        if self.spline is None:
            return []
        blank = np.isnan(matrix.values[:, self.column])
        columns = self.spline.columns(self.standardised(matrix))
        return [np.where(blank, 0.0, column) for column in columns]

    def share(self, matrix: Matrix) -> Vector:
        """What the column adds to each row."""
        blank = np.isnan(matrix.values[:, self.column])
        total: Vector = self.weight * self.standardised(matrix) + self.missing * blank
        if self.spline is not None:
            for column, weight in zip(self.bends(matrix), self.spline.weights, strict=True):
                total += weight * column
        return total


class CategoryTerm(Record):
    """What a categorical column adds: a weight a code, the last where it is missing.

    `mean` and `spread` are what the term added to the rows that it was learned from.
    """

    column: int
    weights: tuple[float, ...]
    mean: float = 0.0
    spread: float = 0.0

    def share(self, matrix: Matrix) -> Vector:
        """What the column adds to each row."""
        return np.array(self.weights)[levels(matrix, self.column)]


class FittedLinear(Record):
    """A sum of terms; for a binary task, the log odds of class 1.

    For a multiclass task it is one class's form, which means something beside the others' only.
    """

    task: Task
    intercept: float
    numbers: tuple[NumberTerm, ...]
    categories: tuple[CategoryTerm, ...]

    def predict(self, matrix: Matrix) -> Vector:
        """The probability of class 1, or the expected value; shape (rows,)."""
        form = self.total(matrix)
        return form if self.task == "regression" else chance(form)

    def total(self, matrix: Matrix) -> Vector:
        """The sum of the terms; shape (rows,)."""
        form = np.full(matrix.values.shape[0], self.intercept)
        for term in self.terms():
            form += term.share(matrix)
        return form

    def terms(self) -> tuple[NumberTerm | CategoryTerm, ...]:
        """One a column of the matrix: numbers, then categories."""
        return (*self.numbers, *self.categories)

    def spreads(self) -> Vector:
        """By how much each column's term differs from row to row; shape (columns,)."""
        spreads = np.zeros(len(self.terms()))
        for term in self.terms():
            spreads[term.column] = term.spread
        return spreads

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / FILE).write_text(self.canonical())

    def importances(self) -> Vector | None:
        """By column the standard deviation of what its term adds, as a share of all terms'."""
        return shares(self.spreads())

    def contributions(self, matrix: Matrix) -> Vector:
        """Each term less its mean in training; the base is the sum of those and the intercept."""
        told = np.zeros((matrix.values.shape[0], len(self.terms()) + 1))
        for term in self.terms():
            told[:, term.column] = term.share(matrix) - term.mean
        told[:, -1] = self.intercept + sum(term.mean for term in self.terms())
        return told

    def form(self) -> "LinearForm":
        """Its terms, and the link of its task."""
        from model_refresh.algorithms.linear_form import one_sum  # here: only a scorer needs it

        return one_sum(self)


class FittedMultinomial(Record):
    """A sum of terms for each class that training rows had; the larger, the more probable.

    `forms` and `present`, the classes that they are of, go together; `unmet` has the others.
    """

    present: tuple[int, ...]
    forms: tuple[FittedLinear, ...]
    unmet: Unmet

    def predict(self, matrix: Matrix) -> Vector:
        """The probability of each class; shape (rows, classes)."""
        forms = np.stack([form.total(matrix) for form in self.forms], axis=1)
        chances = np.zeros((len(forms), len(self.present) + len(self.unmet.places)))
        chances[:, self.present] = softmax(forms, furthest=LARGEST_FORM)
        return self.unmet.blended(chances)

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / FILE).write_text(self.canonical())

    def importances(self) -> Vector | None:
        """By column how much its terms differ from row to row, as a share of all columns'."""
        return shares(np.sum([form.spreads() for form in self.forms], axis=0))

    def contributions(self, matrix: Matrix) -> None:
        """None: no one number tells of several classes."""

    def form(self) -> "LinearForm":
        """The terms of each class that was met."""
        from model_refresh.algorithms.linear_form import sums_by_class  # here: only a scorer

        return sums_by_class(self)


def levels(matrix: Matrix, column: int) -> NDArray[np.intp]:
    """A categorical column's codes; where it is missing, one more than the last."""
    return np.nan_to_num(matrix.values[:, column], nan=matrix.categories[column]).astype(np.intp)
