"""The Wasserstein distance of counts on a scale."""

import numpy as np

from model_refresh.metrics.protocol import Floats


def counted_wasserstein(reference: Floats, current: Floats, levels: Floats) -> Floats:
    """The area between both cumulative distributions of rows on rising `levels`, in their unit.

    It is Wasserstein's distance of order 1 as in `wasserstein`, for values that were rounded to
    levels. Counts have shape (..., levels), each with a row at least; the answer has shape (...).
    """
    below, beneath = (
        np.cumsum(each, axis=-1) / each.sum(axis=-1, keepdims=True) for each in (reference, current)
    )
    gaps = np.abs(below - beneath)[..., :-1] * np.diff(levels)
    return np.asarray(gaps.sum(axis=-1), dtype=np.float64)
