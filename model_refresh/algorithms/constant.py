"""The mean of the labels: the yardstick that every other algorithm must beat."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.protocol import Dimension, Parameters, Rows, require_learnable
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

_FILE = "model.json"


class FittedConstant(Record):
    """One value for every row."""

    value: float

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The mean of the labels that were learned from; shape (rows,)."""
        return np.full(matrix.values.shape[0], self.value)

    def save(self, folder: Path) -> None:
        """Write model.json."""
        (folder / _FILE).write_text(self.canonical())


class Constant(Record):
    """The base rate, or the mean. Declare it always: a gate measures the others against it."""

    algorithm: Literal["constant"] = Field("constant", description="the mean of the labels")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """Nothing to tune."""
        del task
        return ()

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> tuple[FittedConstant, Parameters]:
        """The mean of the training labels."""
        del seed, early
        require_learnable(train, task)
        return FittedConstant(value=float(np.mean(train.target))), parameters

    def load(self, folder: Path) -> FittedConstant:
        """Read model.json."""
        return FittedConstant.parse((folder / _FILE).read_text())
