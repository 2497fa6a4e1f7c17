"""Small encoded tables with a known law, for algorithms to learn."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_refresh.algorithms.protocol import Rows
from model_refresh.features import Matrix
from model_refresh.records import Task

CLASSES = 3


def make_matrix(*, rows: int = 600, seed: int = 0) -> Matrix:
    """Three numbers, the second often missing; a category of five codes, sometimes missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 4))
    values[:, 3] = rng.integers(0, 5, rows)
    values[rng.random(rows) < 0.2, 1] = np.nan
    values[rng.random(rows) < 0.1, 3] = np.nan
    return Matrix(values, ("plain", "gappy", "idle", "group"), (0, 0, 0, 5))


def make_rows(task: Task, *, rows: int = 600, seed: int = 0) -> Rows:
    """Rows whose label rises with the first number, where the second is missing, and in group 2.

    For a multiclass task there are three classes by how far it has risen.
    """
    matrix = make_matrix(rows=rows, seed=seed)
    plain, gappy, _, group = matrix.values.T
    form = 1.5 * plain + np.isnan(gappy) + 2.0 * (group == 2) - 0.5
    rng = np.random.default_rng(seed + 1000)
    if task == "regression":
        return Rows(matrix, 10 + form + rng.normal(size=rows))
    if task == "multiclass":
        risen = form + rng.logistic(size=rows)
        return Rows(matrix, np.digitize(risen, [-1.0, 1.0]).astype(np.float64), classes=CLASSES)
    return Rows(matrix, (rng.random(rows) < 1 / (1 + np.exp(-form))).astype(np.float64))


def make_known(task: Task, *, rows: int = 600, seed: int = 0) -> Rows:
    """Such rows where the idle number is the label of last time, sometimes missing."""
    made = make_rows(task, rows=rows, seed=seed)
    rng = np.random.default_rng(seed + 2000)
    last = np.where(rng.random(rows) < 0.8, made.target, rng.permutation(made.target))
    last[rng.random(rows) < 0.1] = np.nan
    return with_last(made, last)


def with_last(rows: Rows, last: ArrayLike) -> Rows:
    """The same rows with another third column, named `last`."""
    values = rows.matrix.values.copy()
    values[:, 2] = last
    plain, gappy, _, group = rows.matrix.names
    matrix = Matrix(values, (plain, gappy, "last", group), rows.matrix.categories)
    return replace(rows, matrix=matrix)


def with_target(rows: Rows, target: ArrayLike) -> Rows:
    """The same matrix with another target."""
    return Rows(rows.matrix, np.asarray(target, dtype=np.float64), rows.classes)


def repeated(rows: Rows, times: NDArray[np.intp]) -> Rows:
    """Each row so many times."""
    matrix = Matrix(
        np.repeat(rows.matrix.values, times, axis=0), rows.matrix.names, rows.matrix.categories
    )
    return Rows(matrix, np.repeat(rows.target, times), rows.classes)


def first(rows: Rows, count: int) -> Rows:
    """The first rows."""
    matrix = Matrix(rows.matrix.values[:count], rows.matrix.names, rows.matrix.categories)
    return Rows(matrix, rows.target[:count], rows.classes)


def outcome(rows: Rows) -> NDArray[np.float64]:
    """What a perfect prediction would be: the target, or 1 in the column of each row's class."""
    return np.eye(rows.classes)[rows.target.astype(int)] if rows.classes else rows.target


def loss(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> float:
    """The mean squared error: it ranks probabilities and values alike."""
    return float(np.mean((target - prediction) ** 2))
