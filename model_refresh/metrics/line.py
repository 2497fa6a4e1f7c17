"""The line of actual on predicted values: slope and intercept of least squares."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined


@dataclass(frozen=True)
class _Line:
    slope: Assessed
    intercept: Assessed


@dataclass(frozen=True)
class _OfLine(Metric):
    """A coefficient of the line; undefined where the prediction is constant."""

    tasks = ("regression",)

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The coefficient, with the influence that gives White's (1980) robust error."""
        line = _fitted(target, prediction)
        return undefined(len(target)) if line is None else self.coefficient(line)

    @abstractmethod
    def coefficient(self, line: _Line) -> Assessed:
        """Which of the two."""


@dataclass(frozen=True)
class Slope(_OfLine):
    """By how much the outcome moves when the prediction moves by 1: below 1 it is overfitted."""

    name = "slope"
    label = "slope of actual on predicted"
    direction = 1.0

    def coefficient(self, line: _Line) -> Assessed:
        """The slope."""
        return line.slope


@dataclass(frozen=True)
class Intercept(_OfLine):
    """The outcome where the prediction is 0, in the target's unit; read it with the slope."""

    name = "intercept"
    label = "intercept of actual on predicted"
    direction = 0.0

    def coefficient(self, line: _Line) -> Assessed:
        """The intercept."""
        return line.intercept


def _fitted(target: Floats, prediction: Floats) -> _Line | None:
    centre = float(prediction.mean())
    around = prediction - centre
    variance = float(np.square(around).mean())
    if prediction.min() == prediction.max() or variance == 0.0:
        return None
    slope = float((around * target).mean()) / variance
    intercept = float(target.mean()) - slope * centre
    residual = target - intercept - slope * prediction
    steepens = around * residual / variance
    return _Line(Assessed(slope, steepens), Assessed(intercept, residual - centre * steepens))
