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
from model_refresh.records import ScoreShift, Task

Floats = NDArray[np.float64]

_BLUR = 0.25
"""In standard deviations: a move of less hardly counts in the stability index, however many rows
of one score it takes across a bin's edge; the mean move is Wasserstein's to tell."""
_LEAST_CHANCE = 1e-9


def shifts(
    columns: Sequence[str],
    before: Floats,
    after: Floats,
    *,
    task: Task,
    tiers: Sequence[float] = (),
) -> tuple[ScoreShift, ...]:
    """The figures of every column of the same rows, scored twice.

    Scores have shape (rows,), or (rows, columns), and are finite. The stability index is blurred
    by a quarter of the old scores' standard deviation, chances on the scale of log odds.
    """
    kept = _distinct(before, after)
    scale = np.asarray if task == "regression" else log_odds
    pairs = zip(columns, by_column(before), by_column(after), strict=True)
    told = []
    for name, old, new in pairs:
        line = _paired(name, old, new, kept=kept, tiers=tiers)
        psi = _stability(scale(old[kept]), scale(new[kept]))
        told.append(line.model_copy(update={"psi": psi}))
    return tuple(told)


def log_odds(chance: Floats | float) -> Floats:
    """Of chances, kept off 0 and 1."""
    kept = np.clip(chance, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


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
        "correlation": rank_correlation(old, new),
        "far_moves": far_share(moves(old, new)),
        "top_overlap": top_overlap(old, new),
        "tier_flips": tier_flips(before, after, tiers) if tiers else None,
        "moves": tuple(tuple(int(count) for count in row) for row in moved),
    }
    return _told(column, before, after).model_copy(update=beside)


def _stability(old: Floats, new: Floats) -> float:
    return population_stability(old, new, blur=_BLUR * float(old.std()))


def _distinct(before: Floats, after: Floats) -> NDArray[np.intp]:
    """One row of each pair of scores, in order."""
    both = pl.DataFrame(
        [pl.Series(str(i), each) for i, each in enumerate((*by_column(before), *by_column(after)))]
    )
    first = both.with_row_index("row").unique(both.columns, keep="first", maintain_order=True)
    return first["row"].to_numpy().astype(np.intp)
