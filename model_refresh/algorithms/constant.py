"""The mean of the labels, or the classes' shares: the yardstick that every other must beat."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.protocol import Dimension, Fit, Parameters, Rows, require_learnable
from model_refresh.algorithms.unmet import HALF_A_ROW
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

_FILE = "model.json"


class FittedConstant(Record):
    """One value for every row; for a multiclass task one share a class, which sum to 1."""

    value: float
    shares: tuple[float, ...] = ()

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The mean of the labels that were learned from; shape (rows,).

        For a multiclass task the classes' shares; shape (rows, classes).
        """
        rows = matrix.values.shape[0]
        return np.tile(self.shares, (rows, 1)) if self.shares else np.full(rows, self.value)

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / _FILE).write_text(self.canonical())

    def importances(self) -> None:
        """None: it leans on no column."""

    def contributions(self, matrix: Matrix) -> None:
        """None: there is nothing but the base."""


class Constant(Declared):
    """The base rate, or the mean. Declare it always: a gate measures the others against it."""

    algorithm: Literal["constant"] = Field("constant", description="the mean of the labels")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """Nothing to tune."""
        del task
        return ()

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """The mean of the training labels, or each class's share of them, as the rows are weighted.

        A share is (its rows + 1/2) / (all rows + classes / 2).
        """
        del seed, early
        require_learnable(train, task)
        if task == "multiclass":
            return Fit(FittedConstant(value=0.0, shares=_shares(train)), parameters)
        mean = np.average(train.target, weights=train.weight)
        return Fit(FittedConstant(value=float(mean)), parameters)

    def load(self, folder: Path) -> FittedConstant:
        """Read model.json."""
        return FittedConstant.parse((folder / _FILE).read_text())


def _shares(train: Rows) -> tuple[float, ...]:
    places = train.target.astype(np.intp)
    counts = np.bincount(places, train.weight, minlength=train.classes) + HALF_A_ROW
    return tuple((counts / counts.sum()).tolist())
