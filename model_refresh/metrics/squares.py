"""Functions of the mean squared error: RMSE and R2, with influences by the delta method."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """The root of the mean squared error, in the target's unit; the default for regression."""

    name = "rmse"
    label = "RMSE"
    tasks = ("regression",)
    direction = "minimise"
    is_loss = True

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The RMSE; a perfect prediction has no influence left."""
        squares = np.square(target - prediction)
        mean = float(squares.mean())
        root = float(np.sqrt(mean))
        if root == 0.0:
            return Assessed(0.0, np.zeros_like(squares))
        return Assessed(root, (squares - mean) / (2.0 * root))


@dataclass(frozen=True)
class RSquared(Metric):
    """1 - mean squared error / variance of the target: 0 is the holdout's own mean.

    Choose it to compare across models whose targets differ in scale; undefined where the target
    is constant.
    """

    name = "r2"
    label = "R2"
    tasks = ("regression",)
    direction = "maximise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """R2."""
        errors = np.square(target - prediction)
        around = np.square(target - target.mean())
        variance = float(around.mean())
        if variance == 0.0:
            return undefined(len(target))
        ratio = float(errors.mean()) / variance
        return Assessed(1.0 - ratio, (ratio * around - errors) / variance)
