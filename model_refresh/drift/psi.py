"""The population stability index."""

import math

import numpy as np

from model_refresh.drift.bins import quantile_cuts
from model_refresh.drift.counted import counted_stability
from model_refresh.metrics.protocol import Floats


def population_stability(
    reference: Floats, current: Floats, *, bins: int = 10, blur: float = 0.0
) -> float:
    """The sum over bins of (q - p) ln(q / p), p of the reference and q of current; at least 0.

    It is the symmetric Kullback-Leibler divergence of Jeffreys (1946), which credit scoring knows
    by this name (Siddiqi 2006). Bins are cut at the reference's quantiles; values that repeat
    leave fewer, and a constant reference two cuts: below, at and above its value. Half a row is
    added to each bin, so that an empty one is finite. Without a shift samples of n and m
    independent rows have about (bins - 1)(1/n + 1/m) by chance (Yurdakul 2018).

    With `blur` each value counts as a bell curve of that standard deviation around it: where many
    rows share few values, a small move of one of them doesn't carry all its rows into another bin.

    Both have shape (rows,); nan where either is empty or not finite.
    """
    if not (reference.size and current.size):
        return math.nan
    if not (np.isfinite(reference).all() and np.isfinite(current).all()):
        return math.nan
    cuts = quantile_cuts(reference, bins)
    return float(counted_stability(*(_counts(each, cuts, blur) for each in (reference, current))))


def _counts(values: Floats, cuts: Floats, blur: float) -> Floats:
    if blur > 0:
        return _blurred(values, cuts, blur)
    places = np.searchsorted(cuts, values, side="left")
    return np.bincount(places, minlength=len(cuts) + 1).astype(np.float64)


def _blurred(values: Floats, cuts: Floats, blur: float) -> Floats:
    from scipy.special import ndtr  # here: for the command line

    below = [float(ndtr((cut - values) / blur).sum()) for cut in cuts]
    return np.diff([0.0, *below, float(values.size)])
