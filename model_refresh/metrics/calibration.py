"""Logistic recalibration: slope and intercept of outcomes on the log odds that were predicted."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined

_EPSILON = float(np.finfo(np.float64).eps)
_STEPS = 60
_NEAR, _REACHED = 1e-6, 1e-24
"""What a step promises to add to the mean log likelihood."""


@dataclass(frozen=True)
class _Recalibration:
    slope: Assessed
    intercept: Assessed


@dataclass(frozen=True)
class _OfRecalibration(Metric):
    """A coefficient of logit P(y = 1) = intercept + slope * logit(prediction) (Cox 1958).

    Undefined where no finite maximum of the likelihood exists: one class, a constant
    prediction, or classes that do not overlap.
    """

    tasks = ("binary",)

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The coefficient, with the influence of a maximum likelihood estimate."""
        fitted = _recalibrated(target, prediction)
        return undefined(len(target)) if fitted is None else self.coefficient(fitted)

    @abstractmethod
    def coefficient(self, fitted: _Recalibration) -> Assessed:
        """Which of the two."""


@dataclass(frozen=True)
class CalibrationSlope(_OfRecalibration):
    """1 for right probabilities; below 1 they are too extreme, as an overfitted model's are."""

    name = "calibration_slope"
    label = "calibration slope"
    direction = 1.0

    def coefficient(self, fitted: _Recalibration) -> Assessed:
        """The slope."""
        return fitted.slope


@dataclass(frozen=True)
class CalibrationIntercept(_OfRecalibration):
    """0 for right probabilities: the log odds of the outcome where 0.5 is predicted.

    Fitted together with the slope; with rare classes 0.5 is far from the data and the two vary
    together, so read them together.
    """

    name = "calibration_intercept"
    label = "calibration intercept"
    direction = 0.0

    def coefficient(self, fitted: _Recalibration) -> Assessed:
        """The intercept."""
        return fitted.intercept


def _recalibrated(target: Floats, prediction: Floats) -> _Recalibration | None:
    inside = np.clip(prediction, _EPSILON, 1.0 - _EPSILON)
    odds = np.log(inside) - np.log1p(-inside)
    if not _overlap(odds[target == 1.0], odds[target == 0.0]):
        return None
    centre, scale = float(odds.mean()), float(odds.std())
    columns = np.column_stack([np.ones_like(odds), (odds - centre) / scale])
    coefficients = _maximised(columns, target)
    if coefficients is None:
        return None
    probability = _logistic(columns @ coefficients)
    scores = columns * (target - probability)[:, None]
    influence = np.linalg.solve(_curvature(columns, probability), scores.T)
    level, steep = float(coefficients[0]), float(coefficients[1]) / scale
    return _Recalibration(
        slope=Assessed(steep, influence[1] / scale),
        intercept=Assessed(level - steep * centre, influence[0] - influence[1] * centre / scale),
    )


def _overlap(positive: Floats, negative: Floats) -> bool:
    """Whether a maximum likelihood estimate exists (Albert and Anderson 1984, one covariate)."""
    if len(positive) == 0 or len(negative) == 0:
        return False
    return bool(positive.min() < negative.max() and negative.min() < positive.max())


def _maximised(columns: Floats, target: Floats) -> Floats | None:
    """Newton's method on a concave likelihood, damped until it is near; None where it gets stuck.

    Near the maximum, rounding hides what a step gains, so it is taken without asking.
    """
    rate = float(target.mean())
    current: Floats = np.array([np.log(rate / (1.0 - rate)), 0.0])
    for _ in range(_STEPS):
        probability = _logistic(columns @ current)
        gradient: Floats = columns.T @ (target - probability) / len(target)
        curvature = _curvature(columns, probability)
        if not np.linalg.det(curvature) > 0.0:
            return None
        step = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        promised = float(gradient @ step)
        if promised < _REACHED:
            return np.asarray(current + step)
        current = current + (step if promised < _NEAR else _damped(columns, target, current, step))
    return None


def _damped(columns: Floats, target: Floats, current: Floats, step: Floats) -> Floats:
    """The longest of step, step / 2, step / 4 ... that raises the likelihood."""
    before = _likelihood(columns, target, current)
    for _ in range(_STEPS):
        if _likelihood(columns, target, current + step) > before:
            break
        step = step / 2.0
    return step


def _likelihood(columns: Floats, target: Floats, coefficients: Floats) -> float:
    linear = columns @ coefficients
    return float((target * linear - np.logaddexp(0.0, linear)).mean())


def _curvature(columns: Floats, probability: Floats) -> Floats:
    weight = probability * (1.0 - probability)
    return np.asarray((columns * weight[:, None]).T @ columns / len(weight))


def _logistic(linear: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(linear / 2.0))
