"""Restricted cubic splines: curves through a few knots, straight lines beyond the outer ones.

Stone and Koo (1985), "Additive splines in statistics"; the basis is that of Harrell, "Regression
Modeling Strategies", section 2.4.5: as many columns beside the straight line as inner knots.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.records import Record

Vector = NDArray[np.float64]

_OUTER = 0.05
"""The outer knots lie at this quantile and at its counterpart."""


class Spline(Record):
    """The curved part of a column's term, standardised on the rows that it was made from.

    `knots` rise, in the column's standard deviations. `centres`, `scales` and `weights` have one
    value a column of the basis, two fewer than the knots.
    """

    knots: tuple[float, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...] = ()

    @classmethod
    def through(cls, values: Vector, knots: int) -> Self | None:
        """A spline with so many knots at quantiles of values, shape (rows,), none missing.

        A quantile is one of the values, and equal ones count as one knot; None where there are
        not three, or no curve.
        """
        if values.size == 0:
            return None
        spread = np.linspace(_OUTER, 1 - _OUTER, knots)
        places = np.unique(np.quantile(values, spread, method="lower"))
        if places.size < 3:
            return None
        columns = _basis(values, places.tolist())
        scales = [float(column.std()) for column in columns]
        if min(scales) <= 0:
            return None
        centres = tuple(float(column.mean()) for column in columns)
        return cls(knots=tuple(places.tolist()), centres=centres, scales=tuple(scales))

    def columns(self, values: Vector) -> list[Vector]:
        """The basis on values of shape (rows,), standardised: so many arrays of that shape."""
        basis = _basis(values, self.knots)
        parts = zip(basis, self.centres, self.scales, strict=True)
        return [(column - centre) / scale for column, centre, scale in parts]


def _basis(values: Vector, knots: tuple[float, ...] | list[float]) -> list[Vector]:
    first, before, last = knots[0], knots[-2], knots[-1]
    width = last - before
    late, latest = _cubed(values - before), _cubed(values - last)
    unit = (last - first) ** 2
    return [
        (
            _cubed(values - knot)
            - late * ((last - knot) / width)
            + latest * ((before - knot) / width)
        )
        / unit
        for knot in knots[:-2]
    ]


def _cubed(beyond: Vector) -> Vector:
    """The third power where it is positive, else 0."""
    positive = np.maximum(beyond, 0.0)
    return positive * positive * positive
