"""How far two batches of scores stand apart: the figures, one line a column of scores."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.drift import (
    far_share,
    moves,
    population_stability,
    rank_correlation,
    tier_flips,
    top_overlap,
    wasserstein,
)
from model_refresh.records import ScoreShift

Floats = NDArray[np.float64]


def shifts(
    columns: Sequence[str], before: Floats, after: Floats, *, tiers: Sequence[float] = ()
) -> tuple[ScoreShift, ...]:
    """The figures of every column of the same rows, scored twice.

    Scores have shape (rows,), or (rows, columns), and are finite.
    """
    kept = _distinct(before, after)
    pairs = zip(columns, by_column(before), by_column(after), strict=True)
    return tuple(_paired(name, *each, kept=kept, tiers=tiers) for name, *each in pairs)


def population(columns: Sequence[str], before: Floats, after: Floats) -> tuple[ScoreShift, ...]:
    """The figures of every column of other rows: what can be told of their distributions."""
    pairs = zip(columns, by_column(before), by_column(after), strict=True)
    return tuple(_told(name, *each) for name, *each in pairs)


def by_column(scores: Floats) -> list[Floats]:
    """Scores of shape (rows,) or (rows, columns) as columns."""
    return [scores] if scores.ndim == 1 else list(np.ascontiguousarray(scores.T))


def _told(column: str, before: Floats, after: Floats) -> ScoreShift:
    return ScoreShift(
        column=column,
        rows=len(after),
        distinct=len(after),
        mean_before=float(before.mean()),
        mean_after=float(after.mean()),
        psi=population_stability(before, after),
        wasserstein=wasserstein(before, after),
    )


def _paired(
    column: str,
    before: Floats,
    after: Floats,
    *,
    kept: NDArray[np.intp],
    tiers: Sequence[float],
) -> ScoreShift:
    old, new, moved = before[kept], after[kept], moves(before, after)
    beside = {
        "distinct": len(kept),
        "psi": population_stability(old, new),
        "correlation": rank_correlation(old, new),
        "far_moves": far_share(moves(old, new)),
        "top_overlap": top_overlap(old, new),
        "tier_flips": tier_flips(before, after, tiers) if tiers else None,
        "moves": tuple(tuple(int(count) for count in row) for row in moved),
    }
    return _told(column, before, after).model_copy(update=beside)


def _distinct(before: Floats, after: Floats) -> NDArray[np.intp]:
    """One row of each pair of scores, in order."""
    both = pl.DataFrame(
        [pl.Series(str(i), each) for i, each in enumerate((*by_column(before), *by_column(after)))]
    )
    first = both.with_row_index("row").unique(both.columns, keep="first", maintain_order=True)
    return first["row"].to_numpy().astype(np.intp)
