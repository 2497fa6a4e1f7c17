"""Means of a loss of each row: log loss, Brier score, mean absolute error, pinball loss."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.cut import plain
from model_refresh.metrics.protocol import Assessed, Floats, Metric, mean

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class RowLoss(Metric):
    """The mean over rows of a loss; its influence is each row's distance from the mean.

    Clustered, this is the ratio of two sums over clusters (Cochran 1977, section 6.4): the
    number of rows of a cluster may vary.
    """

    direction = "minimise"
    is_loss = True

    @abstractmethod
    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The loss of each row, shape (rows,)."""

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The mean loss."""
        return mean(self.loss(target, prediction))


@dataclass(frozen=True)
class LogLoss(RowLoss):
    """Minus the mean log likelihood, in nats (Good 1952): the default for probabilities.

    It asks for right probabilities everywhere and punishes certainty that is wrong.
    Probabilities are kept one machine epsilon away from 0 and 1, as scikit-learn does.
    """

    name = "log_loss"
    label = "log loss"
    tasks = ("binary", "multiclass")

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The negative log of the probability given to what happened."""
        if prediction.ndim == 2:
            happened = prediction[np.arange(len(target)), target.astype(np.intp)]
        else:
            happened = np.where(target == 1.0, prediction, 1.0 - prediction)
        return np.asarray(-np.log(np.clip(happened, _EPSILON, 1.0 - _EPSILON)))


@dataclass(frozen=True)
class Brier(RowLoss):
    """The mean squared error of a probability (Brier 1950); gentler than log loss on the sure."""

    name = "brier"
    label = "Brier score"
    tasks = ("binary",)

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The squared difference between outcome and probability."""
        return np.square(target - prediction)


@dataclass(frozen=True)
class MeanAbsoluteError(RowLoss):
    """The mean absolute error, in the target's unit; rewards the median, forgives outliers."""

    name = "mae"
    label = "MAE"
    tasks = ("regression",)

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The absolute difference between outcome and prediction."""
        return np.abs(target - prediction)


@dataclass(frozen=True)
class Pinball(RowLoss):
    """The mean pinball loss of a quantile (Koenker and Bassett 1978), in the target's unit.

    Choose it where the prediction is to be a quantile, as a stock that is enough on 9 days of 10:
    rows above the prediction weigh `quantile`, those below it the rest. At 0.5 it is half the mean
    absolute error.
    """

    tasks = ("regression",)
    quantile: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.quantile < 1.0:
            raise ValueError(f"a quantile lies between 0 and 1, met {self.quantile}")

    @property
    def name(self) -> str:
        """`pinball@0.9`."""
        return f"pinball@{plain(self.quantile)}"

    @property
    def label(self) -> str:
        """`pinball loss at 0.9`."""
        return f"pinball loss at {plain(self.quantile)}"

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The weighted absolute difference between outcome and prediction."""
        short = target - prediction
        return np.maximum(self.quantile * short, (self.quantile - 1.0) * short)
