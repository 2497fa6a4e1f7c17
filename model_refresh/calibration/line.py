"""A line of outcomes on predictions."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from model_refresh.calibration.protocol import LARGEST, Calibrator, Floats, Pairs
from model_refresh.records import Task

_SAME = 1e-12
"""Predictions that differ by less, relative to the largest, are alike."""


class Line(Calibrator):
    """y -> intercept + slope * y, by least squares (Mincer and Zarnowitz 1969).

    For a regression whose level has moved, or whose predictions spread too far. A slope below 0
    is held at 0; where all predictions are alike it is 1 and only the level is learned.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    method: Literal["line"] = Field("line", description="a line of outcomes on predictions")
    intercept: float = Field(allow_inf_nan=False, description="the outcome where 0 is predicted")
    slope: float = Field(ge=0.0, allow_inf_nan=False, description="on the prediction")

    @classmethod
    def fit(cls, pairs: Pairs) -> Self:
        """Least squares, weighted."""
        centre = float(np.average(pairs.predicted, weights=pairs.weight))
        level = float(np.average(pairs.target, weights=pairs.weight))
        slope = _slope(pairs, pairs.predicted - centre)
        return cls(intercept=level - slope * centre, slope=slope)

    def apply(self, predicted: Floats) -> Floats:
        """Never decreasing; kept within what a float holds."""
        with np.errstate(over="ignore"):
            moved = self.intercept + self.slope * predicted
        return np.nan_to_num(moved, nan=np.nan)


def _slope(pairs: Pairs, around: Floats) -> float:
    widest = float(np.abs(around).max())
    if widest <= max(_SAME * float(np.abs(pairs.predicted).max()), 1.0 / LARGEST):
        return 1.0
    scaled = around / widest
    spread = float(pairs.weight @ np.square(scaled)) * widest
    return max(0.0, float(pairs.weight @ (scaled * pairs.target)) / spread)
