"""Where rows stand in the ranking, in tenths, and who moves between two of them."""

import math

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.ranks import Ranked

_FAR = 2


def tenths(score: Floats) -> NDArray[np.intp]:
    """The tenth of each row by rank, from 0, the lowest; rows that tie share one."""
    one = np.ones(len(score))
    below = Ranked.of(score).below(one)
    return np.minimum((10.0 * below / max(len(score), 1)).astype(np.intp), 9)


def moves(one: Floats, other: Floats) -> NDArray[np.intp]:
    """The migration matrix of two scores of the same rows: shape (10, 10).

    [i, j] counts the rows that the first has in tenth i and the second in tenth j.
    """
    counted = np.zeros((10, 10), dtype=np.intp)
    np.add.at(counted, (tenths(one), tenths(other)), 1)
    return counted


def far_share(moved: NDArray[np.intp], *, tenths_apart: int = _FAR) -> float:
    """The share of a migration matrix's rows that move by so many tenths or more; nan of none."""
    place = np.arange(len(moved))
    far = np.abs(place[:, None] - place[None, :]) >= tenths_apart
    total = int(moved.sum())
    return float(moved[far].sum() / total) if total else math.nan


def top_overlap(one: Floats, other: Floats) -> float:
    """The share of the top tenth of either score that both have: 1.0 where it is the same rows.

    The top tenth is a tenth of the rows, at least one, and whatever ties with its last; the share
    is of the larger of both. nan where there are no rows.
    """
    if not len(one):
        return math.nan
    first, second = _top(one), _top(other)
    return float((first & second).sum() / max(first.sum(), second.sum()))


def _top(score: Floats) -> NDArray[np.bool_]:
    count = max(1, len(score) // 10)
    last = np.partition(score, len(score) - count)[len(score) - count]
    return np.asarray(score >= last)
