"""Where the bins of a sample lie."""

import numpy as np

from model_refresh.metrics.protocol import Floats


def quantile_cuts(reference: Floats, bins: int) -> Floats:
    """Inner edges at the reference's quantiles; values that repeat leave fewer.

    Each lies in the middle of the gap above a quantile, so that values that repeat don't change
    bins when they move a little. A constant has two: below and at its value. Finite, not empty.
    """
    levels = np.unique(reference)
    if len(levels) == 1:
        return np.array([np.nextafter(levels[0], -np.inf), levels[0]])
    inner = np.quantile(reference, np.arange(1, bins) / bins, method="inverted_cdf")
    below = np.unique(np.minimum(np.searchsorted(levels, inner), len(levels) - 2))
    return np.asarray(levels[below] + (levels[below + 1] - levels[below]) / 2)
