"""Beta calibration."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from model_refresh.calibration.likelihood import maximise
from model_refresh.calibration.protocol import Calibrator, Floats, Pairs, inside, logistic
from model_refresh.records import Task


class Beta(Calibrator):
    """p -> logistic(c + a * log(p) - b * log(1 - p)), a and b at least 0 (Kull et al. 2017).

    What is right where scores of each class follow a beta distribution; unlike Platt's it can
    bend the two ends differently, and the identity is one of its members. Choose it where
    predictions near 0 are fine and those near 1 are not, or the other way round. The likelihood
    is that of outcomes smoothed as for Platt's, so that a finite maximum exists.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary",)

    method: Literal["beta"] = Field("beta", description="log odds linear in log p and log (1 - p)")
    a: float = Field(ge=0.0, allow_inf_nan=False, description="on log p")
    b: float = Field(ge=0.0, allow_inf_nan=False, description="on -log (1 - p)")
    c: float = Field(allow_inf_nan=False, description="the intercept")

    @classmethod
    def fit(cls, pairs: Pairs) -> Self:
        """The maximum of the likelihood of smoothed outcomes among a, b >= 0."""
        c, a, b = maximise(np.column_stack(_logs(pairs.predicted)), pairs)
        return cls(a=a, b=b, c=c)

    def apply(self, predicted: Floats) -> Floats:
        """Probabilities, never decreasing but for rounding."""
        low, high = _logs(predicted)
        return logistic(self.c + self.a * low + self.b * high)


def _logs(probability: Floats) -> tuple[Floats, Floats]:
    """log p and -log (1 - p): both rise with p."""
    within = inside(probability)
    return np.asarray(np.log(within)), np.asarray(-np.log1p(-within))
