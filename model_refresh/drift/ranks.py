"""Whether two scores put the same rows into the same order."""

import math

import numpy as np

from model_refresh.metrics import metric
from model_refresh.metrics.protocol import Floats


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's correlation of two scores of the same rows, shape (rows,).

    1.0 where both are constant: there is no order to lose; nan where only one is, there are
    fewer than two rows, or a score is not finite.
    """
    if len(one) < 2 or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return math.nan
    if np.ptp(one) == 0 and np.ptp(other) == 0:
        return 1.0
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return metric("spearman").value(one, other)
