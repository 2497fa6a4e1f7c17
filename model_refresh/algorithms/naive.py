"""The last value, carried forward: what is predicted where nothing is learned."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.protocol import Dimension, Fit, Parameters, Rows, require_learnable
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.forms import NaiveForm

_FILE = "model.json"
_MOST_VALUES = 20
_PRIOR_ROWS = 10.0
"""Each carried value's share of label 1 is drawn to that of all rows as if so many more had it."""


class FittedNaive(Record):
    """Which column is carried forward, of how many.

    `mean` is the mean label. For a binary task `shares` are the carried values with the share of
    label 1 among their rows, `blank` is that share where the value is missing.
    """

    column: int
    columns: int
    mean: float
    shares: tuple[tuple[float, float], ...] | None = None
    blank: float = 0.0

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The column's value, or the share of label 1 among rows that had it; shape (rows,).

        Where the value is missing, or wasn't met in training, what such rows' mean label was.
        """
        values = matrix.values[:, self.column]
        if self.shares is None:
            return np.where(np.isnan(values), self.mean, values)
        predicted = np.where(np.isnan(values), self.blank, self.mean)
        for value, share in self.shares:
            predicted[values == value] = share
        return predicted

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / _FILE).write_text(self.canonical())

    def importances(self) -> NDArray[np.float64]:
        """All is due to one column."""
        whole = np.zeros(self.columns)
        whole[self.column] = 1.0
        return whole

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """The prediction less the mean, on the link scale; the base is the mean."""
        told = np.zeros((matrix.values.shape[0], self.columns + 1))
        told[:, -1] = self._form(np.array(self.mean))
        told[:, self.column] = self._form(self.predict(matrix)) - told[:, -1]
        return told

    def form(self) -> "NaiveForm":
        """The column's place, and what becomes of its values."""
        from model_refresh.scorer.formula.forms import NaiveForm  # here: only a scorer needs it

        return NaiveForm(column=self.column, mean=self.mean, shares=self.shares, blank=self.blank)

    def _form(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.shares is None:
            return predicted
        return np.asarray(np.log(predicted / (1 - predicted)))


class Naive(Declared):
    """What was last is what comes next: where labels persist, the yardstick that is hard to beat.

    Declare the column that holds the last known value of what is predicted, such as the sales of
    the four weeks before. For a regression it is the prediction itself. For a binary task a row's
    prediction is the share of label 1 among training rows with the same value of the column, which
    has few values: whether it was so last time, or missing.
    """

    algorithm: Literal["naive"] = Field("naive", description="one column, carried forward")
    column: str = Field(min_length=1, description="the feature to carry forward")

    def tasks(self) -> tuple[Task, ...]:
        """Not multiclass: which class a value stands for isn't known."""
        return tuple(task for task in get_args(Task) if task != "multiclass")

    def missing_column(self, names: Sequence[str]) -> str | None:
        """What it carries forward, where that is none of these, nor `FEATURE:part` of one."""
        feature, _, _ = self.column.rpartition(":")
        return None if {self.column, feature} & {*names} else _no_feature(self.column, names)

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """Nothing to tune."""
        del task
        return ()

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """Find the column, and for a binary task what became of each of its values.

        Raises FitError where it is no feature, a category of a regression, has more than a few
        values in a binary task, or the task is multiclass.
        """
        del seed, early
        require_learnable(train, task)
        if task not in self.tasks():
            raise FitError(f"naive can't be fitted to a {task} task; it is for {self.tasks()}")
        column = _place(self.column, train.matrix, task)
        mean = float(np.average(train.target, weights=train.weight))
        fitted = FittedNaive(column=column, columns=len(train.matrix.names), mean=mean)
        return Fit(_with_shares(fitted, train) if task == "binary" else fitted, parameters)

    def load(self, folder: Path) -> FittedNaive:
        """Read model.json."""
        return FittedNaive.parse((folder / _FILE).read_text())


def _no_feature(column: str, names: Sequence[str]) -> str:
    """A name that is not known, and those that are near."""
    close = difflib.get_close_matches(column, names, n=3)
    known = ", ".join(map(repr, close or names))
    return (
        f"naive carries forward {column!r}, which is no feature; "
        f"{'did you mean' if close else 'there are'} {known}{'?' if close else ''}"
    )


def _place(column: str, matrix: Matrix, task: Task) -> int:
    if column not in matrix.names:
        raise FitError(_no_feature(column, matrix.names))
    place = matrix.names.index(column)
    if task == "regression" and matrix.categories[place]:
        raise FitError(
            f"naive carries forward {column!r} as the prediction, but it is a category: "
            "name a numeric feature"
        )
    return place


def _with_shares(fitted: FittedNaive, train: Rows) -> FittedNaive:
    values = train.matrix.values[:, fitted.column]
    blank = np.isnan(values)
    distinct = np.unique(values[~blank]).tolist()
    if len(distinct) > _MOST_VALUES:
        raise FitError(
            f"naive carries forward {train.matrix.names[fitted.column]!r}, which has "
            f"{len(distinct):,} values; a binary task takes {_MOST_VALUES} at most: name a "
            "feature that says whether it was so last time"
        )
    return fitted.model_copy(
        update={
            "shares": tuple((value, _share(fitted, train, values == value)) for value in distinct),
            "blank": _share(fitted, train, blank),
        }
    )


def _share(fitted: FittedNaive, train: Rows, among: NDArray[np.bool_]) -> float:
    """The share of label 1 among some rows, drawn to that of all."""
    weight = np.ones(train.target.size) if train.weight is None else train.weight
    ones = float(weight[among] @ train.target[among])
    return (ones + _PRIOR_ROWS * fitted.mean) / (float(weight[among].sum()) + _PRIOR_ROWS)
