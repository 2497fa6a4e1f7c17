"""Whether a faster way to sum trees gives what `Trees.total` gives, to the bit."""

import math
import random
from array import array
from collections.abc import Iterator, Sequence
from typing import Protocol

from model_refresh.scorer.formula.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_NONE,
    MISSING_ZERO,
    Trees,
)

_ROWS = 8
_TOLD_ROWS = 1
_NEAR = 1e-9
_WIDTHS = (0, 1, 2)
_ODD = (math.nan, 0.0, -0.0, 1e-35, -1e-36, -1.0, -0.5, 0.5, 3e9, 1e300, -1e300)


class Sums(Protocol):
    """The faster way."""

    def total_row(self, row: Sequence[float]) -> float:
        """As `Trees.total`."""
        ...

    def shapley_row(self, row: Sequence[float]) -> list[float]:
        """As `Trees.shapley`."""
        ...

    def totals(self, values: int, rows: int, out: int, *, width: int) -> None:
        """The same for rows at an address; see kernel."""
        ...


def is_right(trees: Trees, sums: Sums, *, rows: int = _ROWS) -> bool:
    """Whether it gives the same bits on rows at the trees' own thresholds, and on odd values."""
    asked = list(_rows(trees, rows))
    expected = array("d", map(trees.total, asked)).tobytes()
    if array("d", map(sums.total_row, asked)).tobytes() != expected:
        return False
    values = array("d", [value for row in asked for value in row] or [0.0])
    for width in _WIDTHS:
        out = array("d", [math.nan] * rows)
        sums.totals(values.buffer_info()[0], rows, out.buffer_info()[0], width=width)
        if out.tobytes() != expected:
            return False
    return True


def tells_right(trees: Trees, sums: Sums) -> bool:
    """Whether it tells what columns add as `Trees.shapley` does, within 1e-9."""
    return all(
        math.isclose(told, expected, rel_tol=_NEAR, abs_tol=_NEAR)
        for row in _rows(trees, _TOLD_ROWS)
        for told, expected in zip(sums.shapley_row(row), trees.shapley(row), strict=True)
    )


def samples() -> Iterator[Trees]:
    """Trees with nodes of every kind, single leaves, and one that is too large for masks."""
    kinds = [
        missing | default
        for missing in (MISSING_NONE, MISSING_ZERO, MISSING_NAN)
        for default in (0, DEFAULT_LEFT)
    ]
    kinds += [CATEGORICAL, CATEGORICAL | DEFAULT_LEFT]
    for nodes in (1, 8, 600):
        for single in (False, True):
            yield _chain([kinds[i % len(kinds)] for i in range(nodes)], single=single)


def _chain(flags: list[int], *, single: bool) -> Trees:
    """Three trees: a leaf, a node at the end of each other's left or right side, a leaf."""
    nodes = len(flags)
    below = [i + 1 if i + 1 < nodes else ~(nodes + 1) for i in range(nodes)]
    ends = [~(i + 1) for i in range(nodes)]
    sets = sum(kind & CATEGORICAL for kind in flags)
    number = iter(range(sets))
    values = [math.sin(i) for i in range(nodes + 3)]
    return Trees(
        columns=4,
        roots=(~0, 0, ~(nodes + 2)),
        feature=tuple((3 if kind & CATEGORICAL else i % 3) for i, kind in enumerate(flags)),
        threshold=tuple(
            float(next(number)) if kind & CATEGORICAL else math.sin(i) * 1.5
            for i, kind in enumerate(flags)
        ),
        left=tuple(below[i] if i % 2 else ends[i] for i in range(nodes)),
        right=tuple(ends[i] if i % 2 else below[i] for i in range(nodes)),
        flags=tuple(flags),
        leaves=tuple(values),
        node_covers=(1.0,) * nodes,
        leaf_covers=(1.0,) * len(values),
        set_starts=tuple(range(0, 2 * sets + 2, 2))[: sets + 1],
        set_words=tuple((0x9E3779B9 * (i + 1)) & 0xFFFFFFFF for i in range(2 * sets)),
        start=0.1,
        single=single,
    )


def _rows(trees: Trees, count: int) -> Iterator[list[float]]:
    """Rows at thresholds and one step beside them, at categories, and with odd values."""
    chosen = random.Random(0)  # noqa: S311  (which rows are tried, always the same)
    known: dict[int, list[float]] = {column: list(_ODD) for column in range(trees.columns)}
    for node, column in enumerate(trees.feature):
        if trees.flags[node] & CATEGORICAL:
            known[column] += map(float, range(40))
        else:
            at = trees.threshold[node]
            known[column] += (at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf))
    for _ in range(count):
        yield [chosen.choice(known[column]) for column in range(trees.columns)]
