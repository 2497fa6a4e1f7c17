"""The mean of the labels, or the classes' shares: the yardstick that every other must beat."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.protocol import Dimension, Fit, Parameters, Rows, require_learnable
from model_refresh.algorithms.unmet import HALF_A_ROW
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.forms import ConstantForm

_FILE = "model.json"


class FittedConstant(Record):
    """One value for every row; for a multiclass task one share a class, which sum to 1.

    `task` is None in one that was stored before it was kept.
    """

    value: float
    shares: tuple[float, ...] = ()
    task: Task | None = None

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

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Nothing but the base, which is the mean on the link scale.

        None for a multiclass task, and where the task isn't known.
        """
        if self.task is None or self.task == "multiclass":
            return None
        rows, columns = matrix.values.shape
        told = np.zeros((rows, columns + 1))
        told[:, -1] = self._base()
        return told

    def form(self) -> "ConstantForm":
        """The value, or the shares."""
        from model_refresh.scorer.formula.forms import ConstantForm  # here: only a scorer needs it

        if self.shares:
            return ConstantForm(values=self.shares)
        return ConstantForm(values=(self.value,), base=self._base() if self.task else None)

    def _base(self) -> float:
        return self.value if self.task == "regression" else _log_odds(self.value)


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
            return Fit(FittedConstant(value=0.0, shares=_shares(train), task=task), parameters)
        mean = np.average(train.target, weights=train.weight)
        return Fit(FittedConstant(value=float(mean), task=task), parameters)

    def load(self, folder: Path) -> FittedConstant:
        """Read model.json."""
        return FittedConstant.parse((folder / _FILE).read_text())


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _shares(train: Rows) -> tuple[float, ...]:
    places = train.target.astype(np.intp)
    counts = np.bincount(places, train.weight, minlength=train.classes) + HALF_A_ROW
    return tuple((counts / counts.sum()).tolist())
