"""Sizes as shares of their sum."""

import numpy as np
from numpy.typing import NDArray


def shares(sizes: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Sizes, none below 0, divided by their sum; None where that is 0 or not finite."""
    total = float(sizes.sum())
    return sizes / total if 0.0 < total < np.inf else None
