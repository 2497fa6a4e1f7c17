"""LightGBM's model text, read as tables of trees."""

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

from model_refresh.algorithms.tree_tables import TreeTables
from model_refresh.errors import FitError
from model_refresh.scorer.formula.trees import CATEGORICAL, MOST, ZERO, Trees

Number = TypeVar("Number", int, float)
_END = "end of trees"
_BELOW_ZERO = math.nextafter(-ZERO, -math.inf)


def read_trees(text: str) -> tuple[Trees, ...]:
    """The trees of each output: one, or one a class; each in the order of LightGBM's own sum.

    A forest's trees are summed too: it divides by their number. Raises FitError where the text
    holds what tables can't say (trees with linear leaves) or isn't LightGBM's.
    """
    head, *blocks = text.partition(_END)[0].split("\nTree=")
    about = _fields(head)
    try:
        outputs, columns = int(about["num_tree_per_iteration"]), int(about["max_feature_idx"]) + 1
        tables = [_Tables(columns) for _ in range(outputs)]
        for i, block in enumerate(blocks):
            tables[i % outputs].add(_fields(block))
    except (KeyError, ValueError, IndexError) as error:
        raise FitError(f"this is no model text of LightGBM that can be read: {error!r}") from error
    return tuple(each.made() for each in tables)


class _Tables(TreeTables):
    """The tables of one output, read from its format."""

    def add(self, tree: dict[str, str]) -> None:
        """One tree more; the places of its nodes, leaves and sets follow those before."""
        if tree.get("is_linear", "0") != "0":
            raise FitError("a tree with linear leaves has no tables: fit without linear_tree")
        node, leaf = len(self.feature), len(self.leaves)
        values = list(_numbers(float, tree["leaf_value"]))
        if not all(map(math.isfinite, values)):
            raise FitError("a leaf of LightGBM's text is not finite")
        self.leaves += values
        if len(values) == 1:
            self.roots.append(~leaf)
            self.leaf_covers.append(0.0)
            return
        self.roots.append(node)
        self.leaf_covers += _numbers(float, tree["leaf_count"])
        self.node_covers += _numbers(float, tree["internal_count"])
        self._add_splits(tree, node, leaf)

    def _add_splits(self, tree: dict[str, str], node: int, leaf: int) -> None:
        flags = [kind & 15 for kind in _numbers(int, tree["decision_type"])]
        sets = len(self.set_starts) - 1
        thresholds = zip(_numbers(float, tree["threshold"]), flags, strict=True)
        self.threshold += [
            threshold + sets if kind & CATEGORICAL else _threshold(threshold)
            for threshold, kind in thresholds
        ]
        self.flags += [CATEGORICAL if kind & CATEGORICAL else kind for kind in flags]
        self.feature += _numbers(int, tree["split_feature"])
        for places, name in ((self.left, "left_child"), (self.right, "right_child")):
            places += [
                place + node if place >= 0 else place - leaf for place in _numbers(int, tree[name])
            ]
        if int(tree["num_cat"]):
            words = len(self.set_words)
            self.set_starts += [
                end + words for end in list(_numbers(int, tree["cat_boundaries"]))[1:]
            ]
            self.set_words += _numbers(int, tree["cat_threshold"])


def _fields(block: str) -> dict[str, str]:
    """The lines `name=values` of a tree, or of the text's head."""
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _numbers(kind: Callable[[str], Number], values: str) -> Iterator[Number]:
    return map(kind, values.split())


def _threshold(threshold: float) -> float:
    """The threshold that sends values to the same sides, without a step before the trees.

    LightGBM takes a value no further than ZERO from 0 for 0 before it looks at any tree, and an
    infinite threshold parts numbers from missing values.
    """
    if not math.isfinite(threshold):
        if threshold > 0:
            return MOST
        raise ValueError(f"a threshold is {threshold}")
    if 0.0 <= threshold < ZERO:
        return ZERO
    return _BELOW_ZERO if -ZERO <= threshold < 0.0 else threshold
