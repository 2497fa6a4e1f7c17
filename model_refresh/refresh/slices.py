"""Slices: parts of the rows that a person named, or on which the winner did badly before.

Bad ones are looked for on validation rows and only then tested on the holdout, so that the holdout
never judges what it has itself suggested.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from itertools import combinations, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.metrics import Holdout, Metric, Predicted, evaluate, paired
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Clause, Slice, SliceComparison, Task

Mask = NDArray[np.bool_]

_MOST_VALUES = 12
"""Of a column with names; the rarer ones are pooled."""
_LEAST_ROWS = 50
_LEAST_SHARE = 0.02
_PARTS = 4
"""A column of numbers is cut into so many parts, of equal numbers of rows."""
_PAIRED_OF = 8
"""Slices of two clauses are made of so many of the worst of one."""
_KEPT = 64
"""So many candidates are kept, each a mask of all rows: a table may have 1,000 columns."""
_MOST_ALIKE = 0.5
"""Of two slices that share more of their rows than this, the worse one is enough."""


@dataclass(frozen=True)
class Sides:
    """The holdout's rows and what both versions predict of them."""

    holdout: Holdout
    challenger: Predicted
    incumbent: Predicted | None


def mask_of(part: Slice, table: pl.DataFrame) -> Mask:
    """Which rows meet every clause; for slices with clauses, which a pooled one has not."""
    inside = np.ones(table.height, dtype=np.bool_)
    for clause in part.clauses:
        inside &= _met(clause, table[clause.column])
    return inside


def declared_slices(columns: Sequence[str], table: pl.DataFrame) -> list[tuple[Slice, Mask]]:
    """The slices of each declared column, small ones pooled into one."""
    return [part for column in columns for part in _parts_of(column, table[column])]


def weak_slices(
    table: pl.DataFrame, excess: Floats, *, columns: Sequence[str], most: int
) -> tuple[Slice, ...]:
    """The slices of one or two clauses on which the mean of `excess` is surest above the rest's.

    `excess` is how much worse each row went than the model itself expected, shape (rows,).
    """
    least = max(_LEAST_ROWS, int(_LEAST_SHARE * len(excess)))
    singles = _ranked(
        (((clause,), _met(clause, table[column]))
         for column in columns for clause in _clauses(column, table[column], least=least)),
        excess, least,
    )  # fmt: skip
    doubles = (
        ((one.clauses[0], two.clauses[0]), one.inside & two.inside)
        for one, two in combinations(singles[:_PAIRED_OF], 2)
        if one.clauses[0].column != two.clauses[0].column
    )
    worst: list[_Weak] = []
    for each in sorted([*singles, *_ranked(doubles, excess, least)], key=lambda w: -w.score):
        if each.score > 0.0 and len(worst) < most and not any(map(each.is_like, worst)):
            worst.append(each)
    return tuple(Slice(source="discovered", clauses=each.clauses) for each in worst)


def excess_loss(task: Task, target: Floats, prediction: Floats) -> Floats:
    """How much worse each row went than predicted: log loss less entropy, or squared error.

    Where predictions are right, log loss less the prediction's own entropy has mean 0 everywhere:
    so slices are found that surprise the model, not those that are merely hard.
    """
    if task == "regression":
        return np.square(target - prediction)
    chance = prediction if prediction.ndim == 2 else np.column_stack([1.0 - prediction, prediction])
    chance = np.clip(chance, 1e-12, 1.0)
    happened = chance[np.arange(len(target)), target.astype(np.intp)]
    return np.asarray(-np.log(happened) + (chance * np.log(chance)).sum(axis=1))


def compare_slices(
    parts: Sequence[tuple[Slice, Mask]], sides: Sides, *, metric: Metric, confidence: float
) -> tuple[SliceComparison, ...]:
    """One metric of both versions on each slice that has rows."""
    return tuple(
        _compared(part, inside, sides, metric=metric, confidence=confidence)
        for part, inside in parts
        if inside.any()
    )


def _parts_of(column: str, values: pl.Series) -> Iterator[tuple[Slice, Mask]]:
    """A column's slices; what is small or in none of them is one slice together."""
    rest = np.ones(len(values), dtype=np.bool_)
    for clause in _clauses(column, values, least=1):
        inside = _met(clause, values)
        if inside.sum() >= _LEAST_ROWS:
            rest &= ~inside
            yield Slice(source="declared", clauses=(clause,)), inside
    if rest.any():
        yield Slice(source="declared", pool=column), rest


@dataclass(frozen=True)
class _Weak:
    clauses: tuple[Clause, ...]
    inside: Mask
    score: float

    def is_like(self, other: "_Weak") -> bool:
        both = int((self.inside & other.inside).sum())
        return both > _MOST_ALIKE * int((self.inside | other.inside).sum())


def _ranked(
    parts: Iterator[tuple[tuple[Clause, ...], Mask]], excess: Floats, least: int
) -> list[_Weak]:
    """The worst first, by the t of the difference between inside and outside."""
    found = (_weak(clauses, inside, excess, least) for clauses, inside in parts)
    return nlargest(_KEPT, filter(None, found), key=lambda weak: weak.score)


def _weak(clauses: tuple[Clause, ...], inside: Mask, excess: Floats, least: int) -> _Weak | None:
    ours, others = excess[inside], excess[~inside]
    if len(ours) < least or len(others) < least:
        return None
    error = np.sqrt(ours.var() / len(ours) + others.var() / len(others))
    if not error > 0.0:
        return None
    return _Weak(clauses, inside, float((ours.mean() - others.mean()) / error))


def _clauses(column: str, values: pl.Series, *, least: int) -> Iterator[Clause]:
    """The clauses into which a column's values fall; `least` rows each, for named values."""
    if values.null_count():
        yield Clause(column=column)
    known = values.drop_nulls().rename("__value__")
    if known.dtype.is_numeric() and known.n_unique() > _MOST_VALUES:
        yield from _ranges(column, known.cast(pl.Float64))
    else:
        known = _as_text(known)
        counts = known.value_counts(sort=True, name="count")
        often = counts.sort("count", known.name, descending=[True, False]).head(_MOST_VALUES)
        for name, count in often.iter_rows():
            if count >= least:
                yield Clause(column=column, values=(name,))


def _ranges(column: str, known: pl.Series) -> Iterator[Clause]:
    finite = known.filter(known.is_finite()).to_numpy()
    if not finite.size:
        return
    cuts = np.unique(np.quantile(finite, np.arange(1, _PARTS) / _PARTS))
    edges: list[float | None] = [None, *[float(cut) for cut in cuts], None]
    for low, high in pairwise(edges):
        if low is not None or high is not None:
            yield Clause(column=column, low=low, high=high)


def _as_text(values: pl.Series) -> pl.Series:
    """Names as a clause has them: whole numbers without a point, dates by their month."""
    if values.dtype in (pl.Date, pl.Datetime):
        return values.dt.strftime("%Y-%m")
    text = values.cast(pl.String)
    return text.str.strip_suffix(".0") if values.dtype.is_float() else text


def _met(clause: Clause, values: pl.Series) -> Mask:
    if clause.values:
        met = _as_text(values).is_in(list(clause.values))
    elif clause.low is None and clause.high is None:
        met = values.is_null()
    else:
        numbers = values.cast(pl.Float64).fill_nan(None)
        met = numbers.is_not_null()
        if clause.low is not None:
            met &= numbers >= clause.low
        if clause.high is not None:
            met &= numbers < clause.high
    return met.fill_null(False).to_numpy()


def _compared(
    part: Slice, inside: Mask, sides: Sides, *, metric: Metric, confidence: float
) -> SliceComparison:
    whole = sides.holdout
    rows = whole.taken(inside)
    ours = replace(sides.challenger, values=sides.challenger.values[inside])
    theirs = sides.incumbent and replace(sides.incumbent, values=sides.incumbent.values[inside])
    return SliceComparison(
        slice=part,
        metric=metric.name,
        rows=int(inside.sum()),
        challenger=evaluate(metric, rows, ours),
        incumbent=None if theirs is None else evaluate(metric, rows, theirs),
        gain=None if theirs is None else paired(metric, rows, ours, theirs, confidence=confidence),
    )
