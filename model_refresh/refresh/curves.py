"""What pictures of a comparison are drawn from: reliability, gains, scores, and who moved.

Predictions of classes, shape (rows, classes), are looked at as one number a row: the probability
of the most likely class, and whether that class is what happened.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.drift import tenths, tier_flips
from model_refresh.metrics import Holdout, metric
from model_refresh.metrics.intervals import value_interval
from model_refresh.metrics.protocol import Floats, mean
from model_refresh.metrics.ranks import Ranked
from model_refresh.records import (
    Curves,
    HistogramBin,
    Migration,
    MoverProfile,
    ReliabilityBin,
    Task,
)

_BINS = 10
_SCORE_BINS = 24
_GAIN_POINTS = 20
_FAR = 2
"""Tenths by which a row has moved to be called a riser or a faller."""
_PROFILES = 8


def draw_curves(
    task: Task,
    holdout: Holdout,
    prediction: Floats,
    *,
    span: tuple[float, float],
    confidence: float,
) -> Curves:
    """The curves of one version; `span` is the range of scores that all versions share.

    Empty where a prediction is not finite: there is nothing true to draw.
    """
    target, score = _one_number(holdout.target, prediction)
    if len(target) == 0 or not np.isfinite(score).all():
        return Curves(reliability=(), gains=(), scores=())
    judged = Holdout(target=target, group=holdout.group, as_of=holdout.as_of)
    return Curves(
        reliability=_reliability(task, judged, score, confidence),
        gains=_gains(target, score),
        scores=_histogram(score, span),
    )


def span_of(*predictions: Floats | None) -> tuple[float, float]:
    """The range of the finite scores of all versions; (0, 1) where there are none."""
    scores = [score_of(each).ravel() for each in predictions if each is not None]
    finite = np.concatenate([each[np.isfinite(each)] for each in scores]) if scores else np.empty(0)
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def score_of(prediction: Floats) -> Floats:
    """One number a row: the prediction, or the probability of the most likely class."""
    return prediction if prediction.ndim == 1 else np.asarray(prediction.max(axis=1))


def compare_ranks(
    old: Floats, new: Floats, *, tiers: tuple[float, ...], table: pl.DataFrame
) -> Migration | None:
    """How the new version ranks the old one's rows; None where a prediction is not finite.

    For predictions of classes the moves are between most likely classes, and the correlation is
    the mean over classes. `table` holds the features of which the movers are profiled.
    """
    if len(old) == 0 or not (np.isfinite(old).all() and np.isfinite(new).all()):
        return None
    before, after = _places(old), _places(new)
    size = 10 if old.ndim == 1 else old.shape[1]
    moves = np.zeros((size, size), dtype=np.intp)
    np.add.at(moves, (before, after), 1)
    moved = after.astype(np.int64) - before
    risers, fallers = (moved >= _FAR, moved <= -_FAR) if old.ndim == 1 else (moved > 0, moved < 0)
    crossed = None
    if tiers and old.ndim == 1:
        crossed = tier_flips(old, new, tiers)
    return Migration(
        moves=tuple(tuple(int(n) for n in row) for row in moves),
        decile_share=float((moved != 0).mean()),
        tiers=tiers,
        tier_share=crossed,
        correlation=_correlation(old, new),
        risers=int(risers.sum()),
        fallers=int(fallers.sum()),
        profiles=_profiles(table, risers, fallers),
    )


def _one_number(target: Floats, prediction: Floats) -> tuple[Floats, Floats]:
    if prediction.ndim == 1:
        return target, prediction
    right = prediction.argmax(axis=1) == target
    return right.astype(np.float64), score_of(prediction)


def _places(prediction: Floats) -> NDArray[np.intp]:
    return tenths(prediction) if prediction.ndim == 1 else np.asarray(prediction.argmax(axis=1))


def _correlation(old: Floats, new: Floats) -> float:
    rank = metric("spearman")
    if old.ndim == 1:
        return rank.value(old, new)
    return float(np.mean([rank.value(old[:, k], new[:, k]) for k in range(old.shape[1])]))


def _reliability(
    task: Task, holdout: Holdout, score: Floats, confidence: float
) -> tuple[ReliabilityBin, ...]:
    """Tenths of the rows by prediction, each with the bounds of its mean outcome.

    A mean outcome is a mean over rows, as the mean absolute error is: that metric says how rows
    are counted.
    """
    place, bins = tenths(score), []
    for number in range(_BINS):
        inside = place == number
        if not inside.any():
            continue
        rows = holdout.taken(inside)
        bounds = value_interval(metric("mae"), rows, mean(rows.target), confidence=confidence)
        low, high = bounds.lower, bounds.upper
        if task != "regression":
            low, high = max(low, 0.0), min(high, 1.0)
        bins.append(
            ReliabilityBin(
                rows=int(inside.sum()),
                predicted=float(score[inside].mean()),
                actual=bounds.estimate,
                lower=low,
                upper=high,
            )
        )
    return tuple(bins)


def _gains(target: Floats, score: Floats) -> tuple[tuple[float, float], ...]:
    """Cumulative gains from the highest score down; empty where there is nothing to find."""
    total = float(target.sum())
    if total <= 0.0 or target.min() < 0.0:
        return ()
    ranked = Ranked.of(score)
    one = np.ones(len(score))
    average = ranked.tied(target) / ranked.tied(one)
    order = np.argsort(-score, kind="stable")
    found = np.concatenate([[0.0], np.cumsum(average[order])]) / total
    at = np.linspace(0.0, 1.0, _GAIN_POINTS + 1)
    values = np.interp(at * len(score), np.arange(len(score) + 1), found)
    return tuple((float(x), float(min(y, 1.0))) for x, y in zip(at, values, strict=True))


def _histogram(score: Floats, span: tuple[float, float]) -> tuple[HistogramBin, ...]:
    low, high = span
    counts, edges = np.histogram(
        score, bins=_SCORE_BINS, range=(low, high if high > low else low + 1)
    )
    return tuple(
        HistogramBin(low=float(a), high=float(b), share=float(n) / len(score))
        for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    )


def _profiles(
    table: pl.DataFrame, risers: NDArray[np.bool_], fallers: NDArray[np.bool_]
) -> tuple[MoverProfile, ...]:
    """The features in which risers and fallers differ most, by their medians."""
    if not risers.any() and not fallers.any():
        return ()
    found = []
    for name, kind in table.schema.items():
        if not (kind.is_numeric() or kind == pl.Boolean):
            continue
        values = table[name].cast(pl.Float64).fill_nan(None)
        spread = values.std()
        middle = [_median(values), _median(values.filter(risers)), _median(values.filter(fallers))]
        known = [each for each in middle if each is not None]
        distance = (
            (max(known) - min(known)) / spread
            if known and isinstance(spread, float) and spread
            else 0.0
        )
        profile = MoverProfile(
            feature=name, everybody=middle[0], risers=middle[1], fallers=middle[2]
        )
        found.append((-distance, name, profile))
    return tuple(profile for _, _, profile in sorted(found, key=lambda f: f[:2])[:_PROFILES])


def _median(values: pl.Series) -> float | None:
    middle = values.median()
    return float(middle) if isinstance(middle, int | float) else None
