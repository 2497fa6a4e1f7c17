"""The population stability index of counts."""

import numpy as np

from model_refresh.metrics.protocol import Floats

_SMOOTHING = 0.5


def counted_stability(reference: Floats, current: Floats) -> Floats:
    """The sum over bins of (q - p) ln(q / p) as in `population_stability`, for rows in bins.

    Both are counts of shape (..., bins), and the answer has shape (...). Half a row is added to
    each bin, so that an empty one is finite.
    """
    p, q = _shares(reference), _shares(current)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1), dtype=np.float64)


def _shares(counts: Floats) -> Floats:
    smoothed = counts + _SMOOTHING
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True), dtype=np.float64)
