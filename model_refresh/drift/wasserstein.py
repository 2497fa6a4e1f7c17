"""The Wasserstein distance of two samples."""

import math

import numpy as np

from model_refresh.metrics.protocol import Floats


def wasserstein(reference: Floats, current: Floats) -> float:
    """How far values must move on average to turn one distribution into the other.

    Wasserstein's distance of order 1 (the earth mover's), the area between both cumulative
    distributions, in the reference's standard deviations: 0.1 is a tenth of its spread. Of a
    constant reference it is 0 where current is the same constant, and infinite elsewhere.

    Both have shape (rows,), of any lengths; nan where either is empty or not finite.
    """
    if not (reference.size and current.size):
        return math.nan
    if not (np.isfinite(reference).all() and np.isfinite(current).all()):
        return math.nan
    distance, spread = _area(reference, current), float(reference.std())
    if spread == 0.0 or np.ptp(reference) == 0.0:
        return 0.0 if distance == 0.0 else math.inf
    return distance / spread


def _area(reference: Floats, current: Floats) -> float:
    ours, theirs = np.sort(reference), np.sort(current)
    if len(ours) == len(theirs):
        return float(np.abs(ours - theirs).mean())
    both = np.sort(np.concatenate([ours, theirs]))
    at = both[:-1]
    below = np.searchsorted(ours, at, side="right") / len(ours)
    beneath = np.searchsorted(theirs, at, side="right") / len(theirs)
    return float((np.abs(below - beneath) * np.diff(both)).sum())
