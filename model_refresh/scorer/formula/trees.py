"""Trees as tables, and their sum on one row in pure Python: the reference of every faster way."""

import math
import struct
import sys
from collections.abc import Iterator, Sequence

from msgspec import Struct

from model_refresh.scorer.formula.shapley import Walk

CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of a node's `flags`, as in LightGBM's `decision_type`."""
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 4, 8
"""The kinds of a missing value, under `MISSING` of `flags`."""
MISSING = 12
ZERO = float.fromhex("0x1.a95a5cp-117")
"""1e-35 in single precision: what is no further from 0 counts as 0 where 0 is missing."""
MOST = sys.float_info.max
"""As a threshold: no number is beyond it, infinity included."""
MOST_CATEGORY = (1 << 31) - 1


class Trees(Struct, frozen=True, forbid_unknown_fields=True):
    """Trees of one output, their nodes side by side in the order of the sum.

    A place of a node is at least 0; a negative one is a leaf, `~place` its place in `leaves`. A
    tree may be a single leaf. A node looks at column `feature`: numeric ones go left where the
    value is at most `threshold`, categorical ones where it is in the set number `threshold`.

    Sets are bits, as LightGBM has them: category c is in set s where bit `c % 32` of word
    `set_starts[s] + c // 32` is 1, and that word is before `set_starts[s + 1]`. Covers are the
    training rows of a node and of a leaf, which Shapley values need. `single` says that columns are
    rounded to single precision first, and the sum after each tree, as XGBoost does.
    """

    columns: int
    roots: tuple[int, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    flags: tuple[int, ...]
    leaves: tuple[float, ...]
    node_covers: tuple[float, ...]
    leaf_covers: tuple[float, ...]
    set_starts: tuple[int, ...] = (0,)
    set_words: tuple[int, ...] = ()
    start: float = 0.0
    single: bool = False

    def total(self, row: Sequence[float]) -> float:
        """`start` and the leaf of each tree, added one after the other; NaN is a missing value."""
        if not self.single:
            total = self.start
            for root in self.roots:
                total += self.leaves[~self.leaf(root, row)]
            return total
        row, total = [rounded(value) for value in row], rounded(self.start)
        for root in self.roots:
            total = rounded(total + self.leaves[~self.leaf(root, row)])
        return total

    def leaf(self, root: int, row: Sequence[float]) -> int:
        """The place, below 0, of the leaf that the row reaches from this root."""
        place, feature = root, self.feature
        while place >= 0:
            goes_left = self.goes_left(place, row[feature[place]])
            place = self.left[place] if goes_left else self.right[place]
        return place

    def goes_left(self, node: int, value: float) -> bool:
        """The way of this value at a node, whichever way the row came there."""
        flags, threshold = self.flags[node], self.threshold[node]
        if flags & CATEGORICAL:
            if math.isnan(value):
                return bool(flags & DEFAULT_LEFT)
            return self._is_in_set(int(threshold), value)
        missing = flags & MISSING
        if value != value and missing != MISSING_NAN:  # noqa: PLR0124  (NaN, quickly)
            value = 0.0
        if missing and (value != value if missing == MISSING_NAN else -ZERO <= value <= ZERO):  # noqa: PLR0124
            return bool(flags & DEFAULT_LEFT)
        return value <= threshold or threshold == MOST

    def categories(self, node: int) -> tuple[int, ...]:
        """The categories that go left at a categorical node, in order."""
        first, end = self._set_words(int(self.threshold[node]))
        words = self.set_words[first:end]
        return tuple(32 * i + bit for i, word in enumerate(words) for bit in _bits(word))

    def shapley(self, row: Sequence[float]) -> list[float]:
        """What each column adds to the total, and last the base; their sum is the total.

        Path-dependent TreeSHAP with covers, as LightGBM's `pred_contrib`: Lundberg, Erion and Lee
        (2018), "Consistent individualized feature attribution for tree ensembles",
        arXiv:1802.03888.
        """
        if self.single:
            row = [rounded(value) for value in row]
        told = [0.0] * self.columns
        walk = Walk(self, row, told)
        for root in self.roots:
            if root >= 0:
                walk.add(root)
        return [*told, self.base()]

    def base(self) -> float:
        """The mean of the total over the training rows, as the covers tell it."""
        base = self.start
        for root in self.roots:
            base += self.expected(root)
        return base

    def expected(self, root: int) -> float:
        """The mean of a tree's leaves, each as often as training rows came there."""
        if root < 0:
            return self.leaves[~root]
        whole = self.node_covers[root]
        return sum(
            self.leaf_covers[leaf] / whole * self.leaves[leaf] for leaf in self._leaves_below(root)
        )

    def cover(self, place: int) -> float:
        """The training rows of a node or a leaf."""
        return self.node_covers[place] if place >= 0 else self.leaf_covers[~place]

    def _leaves_below(self, root: int) -> list[int]:
        found, waiting = [], [root]
        while waiting:
            place = waiting.pop()
            if place < 0:
                found.append(~place)
            else:
                waiting += (self.left[place], self.right[place])
        return sorted(found)

    def _is_in_set(self, number: int, value: float) -> bool:
        if not -1 < value <= MOST_CATEGORY:
            return False
        category = int(value)
        first, end = self._set_words(number)
        word = first + (category >> 5)
        return word < end and bool(self.set_words[word] >> (category & 31) & 1)

    def _set_words(self, number: int) -> tuple[int, int]:
        return self.set_starts[number], self.set_starts[number + 1]


def rounded(value: float) -> float:
    """The value in single precision; infinite where it is too large for that."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _bits(word: int) -> Iterator[int]:
    return (bit for bit in range(32) if word >> bit & 1)
