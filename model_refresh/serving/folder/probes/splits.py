"""Probes at the thresholds of trees, each on a real row that comes to the split."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.tree_sums import TreesForm
from model_refresh.scorer.formula.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING,
    MISSING_NAN,
    MISSING_NONE,
    MOST,
    ZERO,
    Trees,
)
from model_refresh.serving.folder.probes.near import Column, columns_of
from model_refresh.serving.folder.probes.probe import Probe, Unit
from model_refresh.serving.folder.probes.raw import Raw, RawRow

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

_KEPT = 16
"""Rows of each split that are remembered: enough to find one that comes to many alike."""


@dataclass
class _Met:
    """A column's thresholds, each with rows that come to its splits; `single` as `Trees` has it."""

    single: bool = False
    rows: dict[float, list[Places]] = field(default_factory=lambda: defaultdict(list))


def split_probes(
    formula: Formula, matrices: Sequence[Floats], rows: Sequence[RawRow]
) -> tuple[list[list[Unit]], list[list[Unit]]]:
    """By column, rising, what stands at each threshold and one step to either side.

    First once a threshold, then again on other rows, for splits with that threshold to which the
    first row does not come. `matrices` are those of the rows, one an encoding of the formula.
    """
    columns = [columns_of(encoding) for encoding in formula.encodings]
    met: dict[Column, _Met] = defaultdict(_Met)
    for member in formula.members:
        if not isinstance(member.form, TreesForm):
            continue
        for each in member.form.sums:
            _note(each.trees, columns[member.encoding], matrices[member.encoding], met)
    units = [_units(column, met[column], rows) for column in met]
    return [first for first, _ in units], [again for _, again in units]


def _note(
    trees: Trees, columns: Sequence[Column | None], matrix: Floats, met: Mapping[Column, _Met]
) -> None:
    """Add the thresholds of these trees to what was met."""
    coming = comers(trees, matrix)
    for node, feature in enumerate(trees.feature):
        column, threshold = columns[feature], trees.threshold[node]
        if column is None or trees.flags[node] & CATEGORICAL or threshold == MOST:
            continue
        met[column].single |= trees.single
        known = coming[node][~np.isnan(matrix[coming[node], feature])]
        met[column].rows[threshold].append(known if len(known) else coming[node])


def _units(column: Column, met: _Met, rows: Sequence[RawRow]) -> tuple[list[Unit], list[Unit]]:
    """The probes of each threshold on one row, and those on others that it takes beside it."""
    first: list[Unit] = []
    again: list[Unit] = []
    asked: set[tuple[int, type, Raw]] = set()
    for threshold, coming in sorted(met.rows.items()):
        for number, base in enumerate(_covering(coming) or [len(first) % len(rows)]):
            values = column.around(threshold, rows[base][column.name], single=met.single)
            new = [value for value in values if (base, type(value), value) not in asked]
            asked.update((base, type(value), value) for value in new)
            note = f"a threshold of {column.title} is {threshold!r}"
            unit = [Probe("threshold", note, base, {column.name: value}) for value in new]
            (again if number else first).append(unit)
    return [unit for unit in first if unit], [unit for unit in again if unit]


def _covering(coming: Sequence[Places]) -> list[int]:
    """Few rows of which one comes to each split that any comes to; first to the most."""
    left = [rows for rows in coming if len(rows)]
    chosen = []
    while left:
        base = int(np.bincount(np.concatenate(left)).argmax())
        chosen.append(base)
        left = [rows for rows in left if base not in rows]
    return chosen


def comers(trees: Trees, matrix: Floats) -> list[Places]:
    """By node at most a few of the rows that come to it, spread over those that do."""
    if trees.single:
        matrix = matrix.astype(np.float32).astype(np.float64)
    coming = [np.empty(0, dtype=np.intp)] * len(trees.feature)
    for root in trees.roots:
        for node, rows in _walk(trees, root, matrix):
            coming[node] = rows[:: max(1, len(rows) // _KEPT)]
    return coming


def _walk(trees: Trees, root: int, matrix: Floats) -> Iterator[tuple[int, Places]]:
    """Each node of a tree that rows come to, with those rows."""
    waiting = [(root, np.arange(len(matrix)))]
    while waiting:
        node, rows = waiting.pop()
        if node < 0 or not len(rows):
            continue
        yield node, rows
        left = _goes_left(trees, node, matrix[rows, trees.feature[node]])
        waiting += [(trees.right[node], rows[~left]), (trees.left[node], rows[left])]


def _goes_left(trees: Trees, node: int, values: Floats) -> NDArray[np.bool_]:
    """As `Trees.goes_left`, of many values."""
    flags, threshold = trees.flags[node], trees.threshold[node]
    blank = np.isnan(values)
    default = bool(flags & DEFAULT_LEFT)
    if flags & CATEGORICAL:
        return np.where(blank, default, np.isin(values, trees.categories(node)))
    known = np.where(blank, 0.0, values)
    left = (known <= threshold) | (threshold == MOST)
    missing = flags & MISSING
    if missing == MISSING_NONE:
        return left
    gaps = blank if missing == MISSING_NAN else np.abs(known) <= ZERO
    return np.where(gaps, default, left)
