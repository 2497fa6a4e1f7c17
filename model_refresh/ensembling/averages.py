"""The losses of averages of models, of every one that the next addition may give.

Each fold is made ready once for its metric, so that a round of the search costs little.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from model_refresh.ensembling.library import Library
from model_refresh.errors import FitError
from model_refresh.metrics import Metric
from model_refresh.metrics.losses import Brier, LogLoss
from model_refresh.metrics.protocol import Floats, is_usable
from model_refresh.metrics.squares import RootMeanSquaredError

_EPSILON = float(np.finfo(np.float64).eps)
_FACTORS = 16
"""Probabilities that are multiplied before a logarithm is taken: the least product is 1e-251."""


def make_averages(library: Library, metric: Metric) -> "list[Averages]":
    """One a fold. Raises FitError where the metric can't look at a model's predictions."""
    made: list[Averages] = []
    for predictions, target in zip(library.predictions, library.targets, strict=True):
        for name, values in zip(library.names, predictions, strict=True):
            if not is_usable(metric, target, values):
                raise FitError(
                    f"{metric.label} can't judge the validation predictions of {name}: they must "
                    f"be finite, and of the kind that {' or '.join(metric.tasks)} tasks have"
                )
        made.append(_ready(predictions, target, metric))
    return made


class Averages(ABC):
    """One fold, made ready for averages of its models."""

    @abstractmethod
    def added(self, counts: Floats) -> Floats:
        """The loss, lower is better, of `counts` of each model and one more of each in turn."""


@dataclass(frozen=True)
class _Logs(Averages):
    """The log loss, of the probabilities given to what happened.

    They average as the predictions do. Shape (16, models, rows / 16), filled up with ones:
    logarithms are what takes time, so it is taken of products.
    """

    happened: Floats
    rows: int

    @classmethod
    def of(cls, predictions: Floats, target: Floats) -> "_Logs":
        models, rows = predictions.shape[:2]
        if predictions.ndim == 3:
            happened = predictions[:, np.arange(rows), target.astype(np.intp)]
        else:
            happened = np.where(target == 1.0, predictions, 1.0 - predictions)
        width = -(-rows // _FACTORS)
        filled = np.ones((models, _FACTORS * width))
        filled[:, :rows] = np.clip(happened, _EPSILON, 1.0 - _EPSILON)
        parts = filled.reshape(models, _FACTORS, width).transpose(1, 0, 2)
        return cls(np.ascontiguousarray(parts), rows)

    def added(self, counts: Floats) -> Floats:
        members = np.flatnonzero(counts)
        product = np.ones(self.happened.shape[1:])
        for part in self.happened:
            product *= part + counts[members] @ part[members]
        filled = self.happened.shape[2] * _FACTORS
        logs = filled * np.log(counts.sum() + 1.0) - np.log(product).sum(axis=-1)
        return np.asarray(logs / self.rows)


@dataclass(frozen=True)
class _Squares(Averages):
    """The mean squared error or its root, from the mean products of two models' errors."""

    products: Floats
    rooted: bool

    @classmethod
    def of(cls, predictions: Floats, target: Floats, *, rooted: bool) -> "_Squares":
        errors = predictions - target
        return cls(errors @ errors.T / len(target), rooted)

    def added(self, counts: Floats) -> Floats:
        crossed = self.products @ counts
        total = counts @ crossed + 2.0 * crossed + np.diag(self.products)
        squares = np.maximum(total, 0.0) / (counts.sum() + 1.0) ** 2
        return np.asarray(np.sqrt(squares) if self.rooted else squares)


@dataclass(frozen=True)
class _Any(Averages):
    """Any metric, model by model."""

    predictions: Floats
    target: Floats
    metric: Metric

    def added(self, counts: Floats) -> Floats:
        total = np.tensordot(counts, self.predictions, axes=1)
        size = counts.sum() + 1.0
        values = [self.metric.value(self.target, (total + one) / size) for one in self.predictions]
        return np.array([-self.metric.gain(value, 0.0) for value in values])


def _ready(predictions: Floats, target: Floats, metric: Metric) -> Averages:
    if isinstance(metric, LogLoss):
        return _Logs.of(predictions, target)
    if isinstance(metric, RootMeanSquaredError | Brier):
        rooted = isinstance(metric, RootMeanSquaredError)
        return _Squares.of(predictions, target, rooted=rooted)
    return _Any(predictions, target, metric)
