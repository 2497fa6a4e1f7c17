"""Means of a loss of each row: log loss, Brier score, mean absolute error."""

from abc import abstractmethod

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric

_EPSILON = float(np.finfo(np.float64).eps)


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
        losses = self.loss(target, prediction)
        mean = float(losses.mean())
        return Assessed(mean, losses - mean)


class LogLoss(RowLoss):
    """Minus the mean log likelihood, in nats (Good 1952): the default for probabilities.

    It asks for right probabilities everywhere and punishes certainty that is wrong.
    Probabilities are kept one machine epsilon away from 0 and 1, as scikit-learn does.
    """

    name = "log_loss"
    label = "log loss"
    tasks = ("binary",)

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The negative log of the probability given to what happened."""
        happened = np.where(target == 1.0, prediction, 1.0 - prediction)
        return np.asarray(-np.log(np.clip(happened, _EPSILON, 1.0 - _EPSILON)))


class Brier(RowLoss):
    """The mean squared error of a probability (Brier 1950); gentler than log loss on the sure."""

    name = "brier"
    label = "Brier score"
    tasks = ("binary",)

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The squared difference between outcome and probability."""
        return np.square(target - prediction)


class MeanAbsoluteError(RowLoss):
    """The mean absolute error, in the target's unit; rewards the median, forgives outliers."""

    name = "mae"
    label = "MAE"
    tasks = ("regression",)

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """The absolute difference between outcome and prediction."""
        return np.abs(target - prediction)
