"""The divergence of Jensen and Shannon."""

import numpy as np

from model_refresh.metrics.protocol import Floats


def jensen_shannon(reference: Floats, current: Floats) -> Floats:
    """How much a row tells of which sample it comes from, in bits: 0 nothing, 1 everything.

    The mean relative entropy of both distributions to their mean: Lin (1991), Divergence measures
    based on the Shannon entropy, IEEE Trans. Inf. Theory 37(1). Unlike the stability index it is
    bounded, and an empty bin needs no care. Where both are near each other it is the stability
    index over 8 ln 2.

    Both are counts of shape (..., bins), each with a row at least; the answer has shape (...).
    """
    p, q = (each / each.sum(axis=-1, keepdims=True) for each in (reference, current))
    middle = (p + q) / 2
    return np.asarray((_relative(p, middle) + _relative(q, middle)) / 2, dtype=np.float64)


def _relative(share: Floats, middle: Floats) -> Floats:
    ratio = np.divide(share, middle, out=np.ones_like(share), where=share > 0)
    return np.asarray((share * np.log2(ratio)).sum(axis=-1))
