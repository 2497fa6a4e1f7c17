"""What samples differ by without any shift, as squares of distances: the 99 of 100 that stay below.

`sizes` is 1/n + 1/m of n rows of the reference and m of current, of any shape.
"""

import numpy as np

from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.allowance import CHANCE


def stability_chance(bins: int, sizes: Floats) -> Floats:
    """Of the stability index: chi-square with bins - 1 degrees of freedom times `sizes`.

    Yurdakul (2018), Statistical properties of the population stability index.
    """
    from scipy.special import chdtri  # here: for the command line

    most = float(chdtri(bins - 1, CHANCE)) if bins > 1 else 0.0
    return np.asarray(most * sizes)


def divergence_chance(bins: int, sizes: Floats) -> Floats:
    """Of Jensen-Shannon in bits: the stability index over 8 ln 2, which it is near zero."""
    return np.asarray(stability_chance(bins, sizes) / (8 * np.log(2)))


def wasserstein_chance(reference: Floats, levels: Floats, sizes: Floats) -> Floats:
    """Of Wasserstein's distance: that of a Brownian bridge, as if all of it went one way.

    At each level both distributions differ by at most z sqrt(F (1 - F) sizes); the area below
    that is the bound (del Barrio, Gine and Matran 1999 for the limit itself). Counts of shape
    (levels,); in the levels' unit.
    """
    below = (np.cumsum(reference) / reference.sum())[:-1]
    area = float((np.sqrt(np.maximum(below * (1 - below), 0.0)) * np.diff(levels)).sum())
    return np.asarray(np.square(_z() * area) * sizes)


def share_chance(share: float, sizes: Floats, *, sides: int = 1) -> Floats:
    """Of the difference of two shares: the binomial's; of its absolute value with two `sides`."""
    return np.asarray(_z(sides=sides) ** 2 * share * (1 - share) * sizes)


def mean_chance(sizes: Floats) -> Floats:
    """Of the absolute difference of two means in standard deviations."""
    return np.asarray(_z(sides=2) ** 2 * sizes)


def area_chance(reference: float, current: float) -> float:
    """Of the ROC AUC of so many rows: Mann and Whitney's variance without a difference (1947).

    As the square of a gap between bell curves, which near 0.5 is (AUC - 0.5)^2 times 4 pi.
    """
    variance = (reference + current + 1) / (12 * reference * current)
    return float(_z() ** 2 * variance * 4 * np.pi)


def _z(*, sides: int = 1) -> float:
    """The normal quantile; of an absolute difference both sides count."""
    from scipy.special import ndtri  # here: for the command line

    return float(ndtri(1 - CHANCE / sides))
