"""What every calibrator offers, and the rows that it learns from."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.errors import FitError
from model_refresh.records import Record, Task

Floats = NDArray[np.float64]

RowLosses = Callable[[Floats, Floats], Floats]
"""(target, prediction) -> the loss of each row, shape (rows,); lower is better."""

MIN_ROWS = 20
"""Fewer rows are not learned from: two coefficients of them would be mostly luck."""

LARGEST = 1e100
"""Values beyond it have squares that no float holds."""

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Pairs:
    """Predictions with their outcomes, all of shape (rows,); `weight` has mean 1."""

    predicted: Floats
    target: Floats
    weight: Floats
    task: Task

    @classmethod
    def of(cls, predicted: Floats, target: Floats, *, task: Task, weight: Floats | None) -> Self:
        """Check them; raises FitError where they can't be used, however many they are."""
        columns = [np.asarray(predicted, dtype=np.float64), np.asarray(target, dtype=np.float64)]
        columns.append(np.ones_like(columns[0]) if weight is None else np.asarray(weight))
        shapes = [column.shape for column in columns]
        if len(set(shapes)) > 1 or columns[0].ndim != 1:
            raise FitError(
                f"calibration needs one prediction, outcome and weight a row, met shapes {shapes}"
            )
        for name, column in zip(("predictions", "outcomes", "weights"), columns, strict=True):
            _require_finite(name, column)
        _require_legal(*columns, task=task)
        mean = columns[2].mean() if columns[2].size else 1.0
        return cls(columns[0], columns[1], columns[2] / mean, task)

    @property
    def lack(self) -> str | None:
        """What is missing for a fit, as a sentence; None where nothing is."""
        if len(self.target) < MIN_ROWS:
            return f"{len(self.target)} rows are too few to calibrate on, it takes {MIN_ROWS}"
        if self.task == "binary" and np.ptp(self.target) == 0.0:
            return (
                f"all {len(self.target)} rows have the outcome {self.target[0]:.0f}, and it takes "
                "both to calibrate on"
            )
        return None

    def require_enough(self) -> None:
        """Raise FitError where there are too few rows, or one class only."""
        if self.lack is not None:
            raise FitError(f"{self.lack}: give more validation frames, or declare none")


class Calibrator(Record, ABC):
    """A map of predictions, one by one, that never decreases; its fields are what it learned."""

    tasks: ClassVar[tuple[Task, ...]]

    @classmethod
    @abstractmethod
    def fit(cls, pairs: Pairs) -> Self:
        """Learn from enough rows (see `Pairs.require_enough`)."""

    @abstractmethod
    def apply(self, predicted: Floats) -> Floats:
        """The calibrated predictions, of the same shape: the same for a row alone and among others.

        Finite for finite ones, NaN where they are; a probability stays above 0 and below 1.
        """


def squared_errors(target: Floats, prediction: Floats) -> Floats:
    """Each row's squared error: the loss by which calibration of a regression is chosen."""
    return np.square(target - prediction)


def inside(probability: Floats) -> Floats:
    """Kept one machine epsilon away from 0 and 1, as the log loss does."""
    return np.asarray(np.clip(probability, _EPSILON, 1.0 - _EPSILON))


def logistic(form: Floats) -> Floats:
    """The probability with these log odds; above 0 and below 1."""
    return inside(0.5 * (1.0 + np.tanh(form / 2.0)))


def _require_finite(name: str, column: Floats) -> None:
    wrong = ~(np.abs(column) <= LARGEST)
    if wrong.any():
        raise FitError(
            f"{int(wrong.sum())} of {len(column)} {name} can't be calibrated with, the first is "
            f"{column[wrong][0]}: finite ones up to {LARGEST:g} in size are accepted"
        )


def _require_legal(predicted: Floats, target: Floats, weight: Floats, *, task: Task) -> None:
    if not (weight > 0.0).all():
        raise FitError(f"a weight of {weight.min()}: weights are above 0")
    if task != "binary":
        return
    beyond = (predicted < 0.0) | (predicted > 1.0)
    if beyond.any():
        raise FitError(
            f"{predicted[beyond][0]} is no probability: predictions of a binary task are 0 to 1"
        )
    other = (target != 0.0) & (target != 1.0)
    if other.any():
        raise FitError(f"an outcome of {target[other][0]}: those of a binary task are 0 or 1")
