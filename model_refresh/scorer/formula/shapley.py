"""TreeSHAP on the path of one row: algorithm 2 of arXiv:1802.03888."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_refresh.scorer.formula.trees import Trees


class Walk:
    """Adds to `told`, one value a column, what the columns of one row add to trees.

    A step of the path is a column, the share of rows that follow it if its value is unknown, and
    1 or 0: whether this row does. Weights say how many of the orders in which columns become known
    have so many of the path's before them.
    """

    def __init__(self, trees: "Trees", row: Sequence[float], told: list[float]) -> None:
        self._trees, self._row, self._told = trees, row, told

    def add(self, root: int) -> None:
        """The columns' part in one tree, whose root is a node."""
        self._descend(root, _Path(), (-1, 1.0, 1.0))

    def _descend(self, place: int, path: "_Path", step: tuple[int, float, float]) -> None:
        path = path.extended(*step)
        trees = self._trees
        if place < 0:
            value = trees.leaves[~place]
            for i in range(1, len(path.columns)):
                share = path.unwound_sum(i) * (path.ones[i] - path.zeros[i])
                self._told[path.columns[i]] += share * value
            return
        column = trees.feature[place]
        zero, one = 1.0, 1.0
        if column in path.columns:
            met = path.columns.index(column)
            zero, one = path.zeros[met], path.ones[met]
            path = path.without(met)
        hot, cold = trees.left[place], trees.right[place]
        if not trees.goes_left(place, self._row[column]):
            hot, cold = cold, hot
        whole = trees.cover(place)
        self._descend(hot, path, (column, trees.cover(hot) / whole * zero, one))
        self._descend(cold, path, (column, trees.cover(cold) / whole * zero, 0.0))


class _Path:
    """The steps so far; `weights` go with how many of them are known."""

    def __init__(
        self,
        columns: tuple[int, ...] = (),
        zeros: tuple[float, ...] = (),
        ones: tuple[float, ...] = (),
        weights: tuple[float, ...] = (),
    ) -> None:
        self.columns, self.zeros, self.ones, self.weights = columns, zeros, ones, weights

    def extended(self, column: int, zero: float, one: float) -> "_Path":
        depth = len(self.columns)
        weights = [*self.weights, 0.0 if depth else 1.0]
        for i in range(depth - 1, -1, -1):
            weights[i + 1] += one * weights[i] * (i + 1) / (depth + 1)
            weights[i] = zero * weights[i] * (depth - i) / (depth + 1)
        return _Path(
            (*self.columns, column), (*self.zeros, zero), (*self.ones, one), tuple(weights)
        )

    def without(self, met: int) -> "_Path":
        last = len(self.columns) - 1
        one, zero, weights = self.ones[met], self.zeros[met], list(self.weights)
        after = weights[last]
        for i in range(last - 1, -1, -1):
            if one:
                before = weights[i]
                weights[i] = after * (last + 1) / ((i + 1) * one)
                after = before - weights[i] * zero * (last - i) / (last + 1)
            else:
                weights[i] = weights[i] * (last + 1) / (zero * (last - i))
        return _Path(
            self.columns[:met] + self.columns[met + 1 :],
            self.zeros[:met] + self.zeros[met + 1 :],
            self.ones[:met] + self.ones[met + 1 :],
            tuple(weights[:last]),
        )

    def unwound_sum(self, met: int) -> float:
        """The weights' sum without this step."""
        last = len(self.columns) - 1
        one, zero = self.ones[met], self.zeros[met]
        after, total = self.weights[last], 0.0
        for i in range(last - 1, -1, -1):
            if one:
                weight = after * (last + 1) / ((i + 1) * one)
                total += weight
                after = self.weights[i] - weight * zero * ((last - i) / (last + 1))
            else:
                total += self.weights[i] / zero / ((last - i) / (last + 1))
        return total
