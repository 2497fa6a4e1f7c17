"""Platt scaling."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from model_refresh.calibration.likelihood import maximise
from model_refresh.calibration.protocol import Calibrator, Floats, Pairs, inside, logistic
from model_refresh.records import Task


class Platt(Calibrator):
    """Log odds on a line: p -> logistic(intercept + slope * logit(p)) (Platt 1999).

    Two coefficients, so it is what a few hundred rows can pay for: right where the base rate has
    moved, or all predictions are too sure or too timid by one factor. Outcomes are smoothed as in
    the paper: with N1 positive and N0 negative rows they count as (N1 + 1) / (N1 + 2) and
    1 / (N0 + 2), so that a finite maximum of the likelihood exists even where the prediction
    separates the classes. A slope below 0 is held at 0; where all predictions are alike it is 1.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("binary",)

    method: Literal["platt"] = Field("platt", description="a line through the log odds")
    intercept: float = Field(allow_inf_nan=False, description="log odds where 0.5 is predicted")
    slope: float = Field(ge=0.0, allow_inf_nan=False, description="on the predicted log odds")

    @classmethod
    def fit(cls, pairs: Pairs) -> Self:
        """The maximum of the likelihood of smoothed outcomes."""
        intercept, slope = maximise(_log_odds(pairs.predicted)[:, None], pairs)
        return cls(intercept=intercept, slope=slope)

    def apply(self, predicted: Floats) -> Floats:
        """Probabilities, never decreasing but for rounding."""
        return logistic(self.intercept + self.slope * _log_odds(predicted))


def _log_odds(probability: Floats) -> Floats:
    within = inside(probability)
    return np.asarray(np.log(within) - np.log1p(-within))
