"""What maps raw scores onto calibrated ones: a record a method, `Calibrator` is their union.

They hold and do what `calibration` learned and does. None means no calibration.
"""

from bisect import bisect_right
from math import inf, log, log1p, tanh
from sys import float_info

from msgspec import Struct

_LEAST, _MOST = float_info.epsilon, 1.0 - float_info.epsilon


class Platt(Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="platt"):
    """A line through the log odds."""

    intercept: float
    slope: float

    def apply(self, raw: float) -> float:
        """The calibrated probability."""
        within = _inside(raw)
        return _logistic(self.intercept + self.slope * (log(within) - log1p(-within)))


class Beta(Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="beta"):
    """Log odds linear in log p and log (1 - p)."""

    a: float
    b: float
    c: float

    def apply(self, raw: float) -> float:
        """The calibrated probability."""
        within = _inside(raw)
        return _logistic(self.c + self.a * log(within) + self.b * -log1p(-within))


class Isotonic(Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="isotonic"):
    """Lines from breakpoint to breakpoint, level beyond the outer ones; `predicted` rises."""

    predicted: tuple[float, ...]
    calibrated: tuple[float, ...]

    def apply(self, raw: float) -> float:
        """The calibrated value, never decreasing."""
        at, values = self.predicted, self.calibrated
        if len(at) == 1:
            return values[0]
        within = min(max(raw, at[0]), at[-1])
        left = min(max(bisect_right(at, within) - 1, 0), len(at) - 2)
        low, high = values[left], values[left + 1]
        share = (within - at[left]) / (at[left + 1] - at[left])
        return min(low + share * (high - low), high)


class Line(Struct, frozen=True, forbid_unknown_fields=True, tag_field="method", tag="line"):
    """A line of outcomes on predictions, kept within what a float holds."""

    intercept: float
    slope: float

    def apply(self, raw: float) -> float:
        """The calibrated value."""
        moved = self.intercept + self.slope * raw
        return moved if -inf < moved < inf else max(min(moved, float_info.max), -float_info.max)


Calibrator = Platt | Beta | Isotonic | Line


def _inside(probability: float) -> float:
    return min(max(probability, _LEAST), _MOST)


def _logistic(form: float) -> float:
    return _inside(0.5 * (1.0 + tanh(form / 2.0)))
