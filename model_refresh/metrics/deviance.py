"""Mean deviances of counts and amounts: Poisson, Tweedie."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.cut import plain
from model_refresh.metrics.losses import RowLoss
from model_refresh.metrics.protocol import Assessed, Floats, undefined


@dataclass(frozen=True)
class _Deviance(RowLoss):
    """Twice the log likelihood that a prediction is short of (Nelder and Wedderburn 1972).

    Undefined where a prediction is not above 0 or a target is below 0.
    """

    tasks = ("regression",)

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The mean deviance."""
        if prediction.min() <= 0.0 or target.min() < 0.0:
            return undefined(len(target))
        return super().assess(target, prediction)


@dataclass(frozen=True)
class PoissonDeviance(_Deviance):
    """The mean deviance of counts: choose it for numbers of events, 0 among them.

    An error counts relative to the prediction, so that small and large rates weigh alike.
    Undefined where a prediction is not above 0 or a target is below 0.
    """

    name = "poisson_deviance"
    label = "Poisson deviance"

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """2 (y log(y / p) - y + p), and 2 p where y is 0."""
        seen = np.where(target > 0.0, target, 1.0)
        logs = target * (np.log(seen) - np.log(prediction))
        return np.asarray(2.0 * (logs - target + prediction))


@dataclass(frozen=True)
class Tweedie(_Deviance):
    """The mean deviance of amounts that are often 0, as claims are; `power` between 1 and 2.

    Near 1 it is like Poisson's, near 2 like that of a gamma distribution (Jorgensen 1987); choose
    the power with which the variance grows with the mean. Undefined where a prediction is not
    above 0 or a target is below 0.
    """

    power: float = 1.5

    def __post_init__(self) -> None:
        if not 1.0 < self.power < 2.0:
            raise ValueError(f"a Tweedie power lies between 1 and 2, met {self.power}")

    @property
    def name(self) -> str:
        """`tweedie@1.5`."""
        return f"tweedie@{plain(self.power)}"

    @property
    def label(self) -> str:
        """`Tweedie deviance of power 1.5`."""
        return f"Tweedie deviance of power {plain(self.power)}"

    def loss(self, target: Floats, prediction: Floats) -> Floats:
        """2 (y^(2-k) / ((1-k)(2-k)) - y p^(1-k) / (1-k) + p^(2-k) / (2-k)), k the power."""
        one, two = 1.0 - self.power, 2.0 - self.power
        own = target**two / (one * two)
        return np.asarray(2.0 * (own - target * prediction**one / one + prediction**two / two))
