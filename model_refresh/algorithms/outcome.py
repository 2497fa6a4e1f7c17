"""What a sum of trees or terms means: a value, log odds, or one form a class."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.multinomial import softmax
from model_refresh.algorithms.protocol import Rows
from model_refresh.algorithms.unmet import Unmet
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

LARGEST_FORM = 30.0
"""A probability stays within 1e-13 of 0 and 1: no finite table justifies more."""


def chance(form: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from log odds, of any shape."""
    odds = np.exp(-np.clip(form, -LARGEST_FORM, LARGEST_FORM))
    return np.asarray(1 / (1 + odds))


class Outcome(Record):
    """The link from forms to predictions; of a multiclass task, which classes were met.

    A model learns classes by their place among those met: `unmet` has the others.
    """

    task: Task
    classes: int = 0
    unmet: Unmet = Unmet()

    @classmethod
    def of(cls, train: Rows, task: Task) -> Self:
        """What the rows' model will predict."""
        if task != "multiclass":
            return cls(task=task)
        return cls(task=task, classes=train.classes, unmet=Unmet.among(train))

    @property
    def met(self) -> tuple[int, ...]:
        """The classes that were learned from, in order; empty where the task isn't multiclass."""
        return tuple(k for k in range(self.classes) if k not in self.unmet.places)

    def learnable(self, rows: Rows) -> Rows:
        """The rows of classes that were met, each class by its place among those.

        Raises FitError where none is left.
        """
        if not self.unmet.places:
            return rows
        kept = np.isin(rows.target, self.met)
        if not kept.any():
            raise FitError(f"no row has a class that was learned from: {list(self.met)}")
        matrix = rows.matrix
        return Rows(
            Matrix(np.ascontiguousarray(matrix.values[kept]), matrix.names, matrix.categories),
            np.searchsorted(self.met, rows.target[kept]).astype(np.float64),
            len(self.met),
            rows.weight[kept] if rows.weight is not None else None,
        )

    def predicted(self, forms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predictions, shape (rows,), from forms of that shape.

        For a multiclass task probabilities, shape (rows, classes), from forms of the classes met.
        """
        if self.task == "regression":
            return forms
        if self.task == "binary":
            return chance(forms)
        return self.shared(softmax(forms, furthest=LARGEST_FORM))

    def shared(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of all classes, which sum to 1, from those of the classes met.

        Those needn't sum to 1; shape (rows, classes) from (rows, classes met).
        """
        placed = np.zeros((chances.shape[0], self.classes))
        placed[:, self.met] = chances / chances.sum(axis=1, keepdims=True)
        return self.unmet.blended(placed)
