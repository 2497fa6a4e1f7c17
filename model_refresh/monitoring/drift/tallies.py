"""One feature counted: in each frame of the reference and, last, in the frame that is measured.

Counts add up, so that every frame can be held against all others without looking at rows again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.drift import quantile_cuts
from model_refresh.features.categories import category_text
from model_refresh.features.columns import PlainFeature
from model_refresh.features.kinds import CategoryFeature, MomentFeature
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.reading import Sample

_BINS = 10
_LEVELS = 256
_CATEGORIES = 30
"""So many get a bin of their own; the others share one."""
_LEAST_SHARE = 0.005
"""Of the reference's rows, below which a category shares a bin."""
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Tally:
    """Counts of one feature; the first axis of each is the frames, the measured one last.

    `bins`: rows by bin, of which missing values are one where there are any; `missing` and `rows`
    have shape (frames,). Of numbers and dates `fine` counts rows on `levels`, which rise and are
    quantiles of the reference: what lies beyond the outermost counts as these. Of categories
    `categories` counts each.
    """

    name: str
    bins: Floats
    missing: Floats
    rows: Floats
    levels: Floats | None = None
    fine: Floats | None = None
    categories: Floats | None = None


def tally(feature: PlainFeature, samples: Sequence[Sample]) -> Tally:
    """Count a feature in the reference's samples and the measured one, which is last."""
    if isinstance(feature, CategoryFeature):
        return _of_categories(feature, samples)
    return number_tally(feature.name, [numbers(feature, each) for each in samples])


def beside(counts: Floats) -> tuple[Floats, Floats]:
    """What each frame is held against, and itself: all others of the reference.

    The measured frame, the last, is held against all of them. Of a reference of one frame only
    that is left. Both of shape (comparisons, ...).
    """
    reference = counts[:-1]
    together = reference.sum(axis=0)
    if len(reference) < 2:
        return together[None], counts[-1:]
    return np.concatenate([together - reference, together[None]]), counts


def numbers(feature: PlainFeature, sample: Sample) -> Floats:
    """The values as floats, nan where missing; of a date the days until the frame's instant.

    A date stands for an age here: the calendar itself moves on with every frame.
    """
    column = pl.col(feature.name)
    if isinstance(feature, MomentFeature):
        instant = pl.lit(sample.as_of.replace(tzinfo=None)).cast(pl.Datetime("us"))
        age = (instant - column.cast(pl.Datetime("us"))).dt.total_microseconds()
        column = age / (_DAY / dt.timedelta(microseconds=1))
    found = sample.table.select(column.cast(pl.Float64).fill_null(float("nan")))
    return found.to_series().to_numpy()


def number_tally(name: str, values: Sequence[Floats]) -> Tally:
    """Count numbers, nan where missing; one array a frame, the measured one last."""
    known = [each[~np.isnan(each)] for each in values]
    reference = np.concatenate(known[:-1])
    finite = reference[np.isfinite(reference)]
    rows = np.array([len(each) for each in values], dtype=np.float64)
    missing = rows - np.array([len(each) for each in known])
    if not len(finite):
        found = rows - missing
        return Tally(name, _with_missing(found[:, None], missing), missing, rows)
    cuts = quantile_cuts(finite, _BINS)
    binned = _counted(known, cuts)
    steps = (np.arange(_LEVELS) + 0.5) / _LEVELS
    levels = np.unique(np.quantile(finite, steps, method="inverted_cdf"))
    fine = _counted(known, (levels[1:] + levels[:-1]) / 2)
    return Tally(name, _with_missing(binned, missing), missing, rows, levels=levels, fine=fine)


def _counted(values: list[Floats], cuts: Floats) -> Floats:
    counts = [
        np.bincount(np.searchsorted(cuts, each, side="left"), minlength=len(cuts) + 1)
        for each in values
    ]
    return np.array(counts, dtype=np.float64)


def _with_missing(binned: Floats, missing: Floats) -> Floats:
    """Bins and one of missing values; none where nothing ever is."""
    return np.column_stack([binned, missing]) if missing.any() else binned


def _of_categories(feature: CategoryFeature, samples: Sequence[Sample]) -> Tally:
    rows = np.array([each.table.height for each in samples], dtype=np.float64)
    counts = category_counts(feature, samples)
    missing = rows - counts.sum(axis=1)
    return Tally(
        feature.name, _with_missing(_binned(counts), missing), missing, rows, categories=counts
    )


def category_counts(feature: CategoryFeature, samples: Sequence[Sample]) -> Floats:
    """Rows by category, the most frequent of all first; shape (samples, categories)."""
    texts = pl.concat(
        each.table.select(value=category_text(feature).cast(pl.String), frame=pl.lit(place))
        for place, each in enumerate(samples)
    )
    counted = texts.drop_nulls("value").group_by("value", "frame").len()
    order = counted.group_by("value").agg(pl.col("len").sum())
    order = order.sort(["len", "value"], descending=[True, False]).with_row_index("place")
    placed = counted.join(order.select("value", "place"), on="value")
    counts = np.zeros((len(samples), order.height))
    counts[placed["frame"].to_numpy(), placed["place"].to_numpy()] = placed["len"].to_numpy()
    return counts


def _binned(counts: Floats) -> Floats:
    """The reference's frequent categories each for itself, then one bin of all others."""
    reference = counts[:-1].sum(axis=0)
    least = max(_LEAST_SHARE * float(reference.sum()), 1.0)
    frequent = np.argsort(-reference, kind="stable")[:_CATEGORIES]
    frequent = frequent[reference[frequent] >= least]
    rest: NDArray[np.float64] = counts.sum(axis=1) - counts[:, frequent].sum(axis=1)
    return np.column_stack([counts[:, frequent], rest])
