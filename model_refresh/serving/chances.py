"""Whether scores can be chances: each within [0, 1], those of a row's classes 1 in all."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

_SUM_TOLERANCE = 1e-6
"""XGBoost's shares of a row are of single precision."""


def outside(scores: NDArray[np.float64]) -> Flags:
    """Which scores are not within [0, 1]; one that is no number is not said to be outside."""
    return np.asarray((scores < 0) | (scores > 1))


def not_one_in_all(scores: NDArray[np.float64]) -> Flags:
    """Which rows' scores, of shape (rows, classes), don't sum to 1."""
    return np.asarray(np.abs(scores.sum(axis=1) - 1) > _SUM_TOLERANCE)
