"""Trees to sum, and rows that look for mistakes: boosted ones by LightGBM, and random tables."""

import math
from dataclasses import dataclass

import lightgbm
import msgspec
import numpy as np
from numpy.typing import NDArray

from model_refresh.scorer.formula.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_NONE,
    MISSING_ZERO,
    MOST,
    Trees,
)

FLAGS = (
    MISSING_NONE,
    MISSING_ZERO,
    MISSING_ZERO | DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_NAN | DEFAULT_LEFT,
    CATEGORICAL,
    CATEGORICAL | DEFAULT_LEFT,
)
ODD = (np.nan, 0.0, -0.0, 1e-35, -1e-35, 1e-36, 5e-324, -1.0, -0.5, 2.7, 253.0, 254.0, 255.0,
       256.0, 1e6, 2.0**31 - 1, 2.0**31, 1e12, -1e12, 1e300, -1e300, np.inf, -np.inf)  # fmt: skip


@dataclass(frozen=True)
class Boosted:
    """A booster, its text, and as many columns as it has."""

    booster: lightgbm.Booster
    text: str
    columns: int


def make_boosted(seed: int = 0, **settings: object) -> Boosted:
    """Grown on numbers with missing values and zeros, whole numbers, and two categories."""
    rng, rows = np.random.default_rng(seed), int(str(settings.pop("rows", 600)))
    classes = int(str(settings.get("num_class", 2)))
    values = rng.normal(size=(rows, 6))
    values[:, 1] = np.round(values[:, 1])
    values[:, 4], values[:, 5] = rng.integers(0, 9, rows), rng.integers(0, 200, rows)
    values[rng.random((rows, 6)) < 0.1] = np.nan
    score = np.nan_to_num(values[:, 0] * 2 + values[:, 4] % 3 + values[:, 5] % 2)
    label = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    used = {
        "objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "learning_rate": 0.3,
        "min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 2, "verbosity": -1,
        "seed": seed, "num_threads": 1, **settings,
    }  # fmt: skip
    rounds = int(str(used.pop("rounds", 12)))
    table = lightgbm.Dataset(
        values, label.astype(float) if "label" not in used else np.full(rows, used.pop("label")),
        categorical_feature=[4, 5], params=used,
    )  # fmt: skip
    text = lightgbm.train(used, table, num_boost_round=rounds).model_to_string()
    return Boosted(lightgbm.Booster(model_str=text), text, 6)


def make_trees(seed: int = 0, trees: int = 5, nodes: int = 20, *, single: bool = False) -> Trees:
    """Tables with nodes of every kind, some of them single leaves, in no order that means much."""
    rng, grown = np.random.default_rng(seed), _Grown(np.random.default_rng(seed), columns=5)
    for _ in range(trees):
        grown.add(int(rng.integers(0, nodes + 1)))
    return grown.made(start=float(np.float32(rng.normal())), single=single)


def covered(trees: Trees) -> Trees:
    """The same with covers that add up: leaf i has i % 3 + 1 rows."""
    leaves = [float(i % 3 + 1) for i in range(len(trees.leaves))]
    nodes = [0.0] * len(trees.feature)

    def cover(place: int) -> float:
        if place < 0:
            return leaves[~place]
        nodes[place] = cover(trees.left[place]) + cover(trees.right[place])
        return nodes[place]

    for root in trees.roots:
        cover(root)
    return msgspec.structs.replace(trees, node_covers=tuple(nodes), leaf_covers=tuple(leaves))


def rows_for(trees: Trees, seed: int = 0, rows: int = 150) -> NDArray[np.float64]:
    """Rows at thresholds and one step beside them, at categories, and at odd values."""
    rng = np.random.default_rng(seed)
    values = np.empty((rows, trees.columns))
    for column in range(trees.columns):
        at = [
            each
            for node, each in enumerate(trees.threshold)
            if trees.feature[node] == column and not trees.flags[node] & CATEGORICAL
        ]
        beside = [math.nextafter(each, side) for each in at for side in (math.inf, -math.inf)]
        known = [*at, *beside, *map(float, range(12)), *ODD]
        values[:, column] = rng.choice(known, rows)
    return values


class _Grown:
    """Random trees as they grow."""

    def __init__(self, rng: np.random.Generator, *, columns: int) -> None:
        self.rng, self.columns = rng, columns
        self.roots: list[int] = []
        self.nodes: list[tuple[int, float, int, int, int]] = []
        self.leaves: list[float] = []
        self.starts, self.words = [0], list[int]()

    def add(self, nodes: int) -> None:
        self.roots.append(self._grow(nodes))

    def _grow(self, nodes: int) -> int:
        """The place of a subtree of so many nodes."""
        if not nodes:
            self.leaves.append(float(np.float32(self.rng.normal())))
            return ~(len(self.leaves) - 1)
        place, flags = len(self.nodes), int(self.rng.choice(FLAGS))
        self.nodes.append((0, 0.0, 0, 0, 0))
        left = int(self.rng.integers(0, nodes))
        one, other = self._grow(left), self._grow(nodes - 1 - left)
        column = self.columns - 1 if flags & CATEGORICAL else int(self.rng.integers(self.columns))
        at = self._set() if flags & CATEGORICAL else self._threshold()
        self.nodes[place] = (column, float(at), one, other, flags)
        return place

    def _threshold(self) -> float:
        chosen = self.rng.choice(
            [self.rng.normal(), 0.0, 1e-35, 3.0, MOST], p=[0.8, 0.05, 0.05, 0.05, 0.05]
        )
        return float(chosen)

    def _set(self) -> int:
        size = int(self.rng.choice([0, 1, 2, 8, 9], p=[0.05, 0.4, 0.4, 0.1, 0.05]))
        self.words += map(int, self.rng.integers(0, 2**32, size))
        self.starts.append(len(self.words))
        return len(self.starts) - 2

    def made(self, *, start: float, single: bool) -> Trees:
        feature, threshold, left, right, flags = (
            zip(*self.nodes, strict=True) if self.nodes else ((),) * 5
        )
        return Trees(
            columns=self.columns, roots=tuple(self.roots), feature=feature, threshold=threshold,
            left=left, right=right, flags=flags, leaves=tuple(self.leaves),
            node_covers=(2.0,) * len(feature), leaf_covers=(1.0,) * len(self.leaves),
            set_starts=tuple(self.starts), set_words=tuple(self.words), start=start, single=single,
        )  # fmt: skip
