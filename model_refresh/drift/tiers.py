"""Who crosses a declared cut between two scores."""

import math
from collections.abc import Sequence

import numpy as np

from model_refresh.metrics.protocol import Floats


def tier_flips(one: Floats, other: Floats, tiers: Sequence[float]) -> float:
    """The share of rows that two scores put into other tiers; `tiers` are rising scores.

    A score that equals a cut lies below it. nan where there are no rows.
    """
    if not len(one):
        return math.nan
    cuts = np.asarray(tiers, dtype=np.float64)
    before, after = (np.searchsorted(cuts, each) for each in (one, other))
    return float((before != after).mean())
