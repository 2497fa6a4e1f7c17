"""XGBoost's model in JSON, read as tables of trees.

Its own rules become those of the tables: a number goes left where it is *below* a threshold, and a
category goes *right* where the node names it. All of it in single precision, which it computes in.
"""

import json
import math
from collections.abc import Iterable

import msgspec
import numpy as np
from msgspec import Struct

from model_refresh.algorithms.tree_tables import TreeTables
from model_refresh.errors import FitError
from model_refresh.scorer.formula.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MOST, Trees

_WORD = 32
_LEAF = -1
_LARGEST = float(np.finfo(np.float32).max)


class _Tree(Struct, frozen=True):
    left_children: tuple[int, ...]
    right_children: tuple[int, ...]
    split_indices: tuple[int, ...]
    split_conditions: tuple[float, ...]
    split_type: tuple[int, ...]
    default_left: tuple[int, ...]
    sum_hessian: tuple[float, ...]
    categories: tuple[int, ...]
    categories_nodes: tuple[int, ...]
    categories_segments: tuple[int, ...]
    categories_sizes: tuple[int, ...]

    def named(self) -> dict[int, tuple[int, ...]]:
        """By categorical node the categories that go right."""
        segments = zip(self.categories_segments, self.categories_sizes, strict=True)
        each = [self.categories[start : start + size] for start, size in segments]
        return dict(zip(self.categories_nodes, each, strict=True))


class _Grown(Struct, frozen=True):
    trees: tuple[_Tree, ...]
    tree_info: tuple[int, ...]


class _Booster(Struct, frozen=True):
    model: _Grown


class _Parameters(Struct, frozen=True):
    base_score: str
    num_feature: str


class _Learner(Struct, frozen=True):
    gradient_booster: _Booster
    learner_model_param: _Parameters


class _Model(Struct, frozen=True):
    learner: _Learner


def read_trees(text: str, *, log_odds: bool) -> tuple[Trees, ...]:
    """The trees of each output: one, or one a class.

    `log_odds`: the text's base score is a probability, and the trees add to its log odds. Raises
    FitError where the text isn't XGBoost's.
    """
    try:
        learner = msgspec.convert(json.loads(text), _Model).learner
        starts = _starts(learner.learner_model_param.base_score, log_odds=log_odds)
        columns = int(learner.learner_model_param.num_feature)
        tables = [_Tables(columns, start, single=True) for start in starts]
        grown = learner.gradient_booster.model
        for tree, output in zip(grown.trees, grown.tree_info, strict=True):
            tables[output].add(tree)
    except (ValueError, IndexError) as error:
        raise FitError(f"this is no model of XGBoost that can be read: {error!r}") from error
    return tuple(each.made() for each in tables)


class _Tables(TreeTables):
    """The tables of one output, read from its format."""

    def add(self, tree: _Tree) -> None:
        """One tree more; the places of its nodes, leaves and sets follow those before."""
        places: list[int] = []
        nodes, leaves = len(self.feature), len(self.leaves)
        for child in tree.left_children:
            places.append(~leaves if child == _LEAF else nodes)
            leaves, nodes = leaves + (child == _LEAF), nodes + (child != _LEAF)
        named = tree.named()
        self.roots.append(places[0])
        for node, place in enumerate(places):
            if place < 0:
                self.leaves.append(_single(tree.split_conditions[node]))
                self.leaf_covers.append(tree.sum_hessian[node])
                continue
            self._add_split(tree, node, named)
            ways = [tree.left_children[node], tree.right_children[node]]
            left, right = reversed(ways) if node in named else ways
            self.left.append(places[left])
            self.right.append(places[right])

    def _add_split(self, tree: _Tree, node: int, named: dict[int, tuple[int, ...]]) -> None:
        self.feature.append(tree.split_indices[node])
        self.node_covers.append(tree.sum_hessian[node])
        default_left = bool(tree.default_left[node])
        if node in named:
            self.threshold.append(float(len(self.set_starts) - 1))
            self.flags.append(CATEGORICAL | (0 if default_left else DEFAULT_LEFT))
            self.set_words += _words(named[node])
            self.set_starts.append(len(self.set_words))
        else:
            self.threshold.append(_below(tree.split_conditions[node]))
            self.flags.append(MISSING_NAN | (DEFAULT_LEFT if default_left else 0))


def _starts(base_score: str, *, log_odds: bool) -> list[float]:
    """What each output's trees add to; written as `5E-1`, or `[1E-1,2E-1]` of several."""
    scores = [np.float32(each) for each in base_score.strip("[]").split(",")]
    if not log_odds:
        return [float(score) for score in scores]
    odds = [float(np.float32(1) / score - np.float32(1)) for score in scores]
    return [-_single(math.log(each)) for each in odds]


def _below(threshold: float) -> float:
    """The largest number in single precision below the threshold; of infinity what all are below.

    A column whose values are near the largest has an infinite one, which only NaN is not below.
    """
    if threshold > _LARGEST:
        return MOST
    return float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))


def _single(value: float) -> float:
    return float(np.float32(value))


def _words(categories: Iterable[int]) -> list[int]:
    """A set as bits, 32 a word."""
    bits = sum(1 << category for category in set(categories))
    words = -(-bits.bit_length() // _WORD)
    return [bits >> _WORD * i & (1 << _WORD) - 1 for i in range(words)]
