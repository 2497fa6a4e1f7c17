"""Trees as tables: their sum, their sets and their Shapley values."""

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.lightgbm_text import read_trees
from model_refresh.scorer.formula.trees import (
    CATEGORICAL,
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_NONE,
    MISSING_ZERO,
    MOST,
    ZERO,
    Trees,
    rounded,
)
from model_refresh_tests.scorer.forests import covered, make_boosted, make_trees, rows_for


def stump(flags: int = MISSING_NONE, threshold: float = 1.0, **changes: object) -> Trees:
    """One node: 10 on the left, 20 on the right."""
    known = {
        "columns": 1, "roots": (0,), "feature": (0,), "threshold": (threshold,), "left": (~0,),
        "right": (~1,), "flags": (flags,), "leaves": (10.0, 20.0), "node_covers": (4.0,),
        "leaf_covers": (1.0, 3.0),
    }  # fmt: skip
    return msgspec.convert(known | changes, Trees)


def side(trees: Trees, value: float) -> str:
    return {10.0: "left", 20.0: "right"}[trees.total([value])]


@pytest.mark.parametrize(
    ("flags", "value", "expected"),
    [
        (MISSING_NONE, 1.0, "left"),
        (MISSING_NONE, math.nextafter(1.0, 2.0), "right"),
        (MISSING_NONE, math.nan, "left"),  # counts as 0
        (MISSING_ZERO, 0.0, "right"),
        (MISSING_ZERO, math.nan, "right"),
        (MISSING_ZERO, ZERO, "right"),
        (MISSING_ZERO, math.nextafter(ZERO, 1.0), "left"),
        (MISSING_ZERO | DEFAULT_LEFT, -ZERO, "left"),
        (MISSING_NAN, 0.0, "left"),
        (MISSING_NAN, math.nan, "right"),
        (MISSING_NAN | DEFAULT_LEFT, math.nan, "left"),
        (MISSING_NAN | DEFAULT_LEFT, 2.0, "right"),
    ],
)
def test_a_numeric_node_sends_values_at_most_its_threshold_left(
    flags: int, value: float, expected: str
) -> None:
    assert side(stump(flags), value) == expected


def test_the_largest_threshold_only_parts_numbers_from_missing_values() -> None:
    trees = stump(MISSING_NAN, MOST)
    assert [side(trees, value) for value in (-math.inf, 0.0, math.inf)] == ["left"] * 3
    assert side(trees, math.nan) == "right"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "left"), (35, "left"), (35.9, "left"), (0, "right"), (2, "right"), (-0.5, "right"),
        (-1, "right"), (64, "right"), (1e12, "right"), (math.inf, "right"), (-math.inf, "right"),
        (math.nan, "right"),
    ],
)  # fmt: skip
def test_a_categorical_node_sends_its_set_left_and_all_else_right(
    value: float, expected: str
) -> None:
    trees = stump(CATEGORICAL, 0.0, set_starts=(0, 2), set_words=(2, 8))
    assert trees.categories(0) == (1, 35)
    assert side(trees, value) == expected


def test_a_missing_category_follows_the_default() -> None:
    trees = stump(CATEGORICAL | DEFAULT_LEFT, 0.0, set_starts=(0, 1), set_words=(2,))
    assert [side(trees, value) for value in (math.nan, 1.0, 0.0)] == ["left", "left", "right"]


def test_single_precision_rounds_columns_first_and_the_sum_after_each_tree() -> None:
    at = float(np.float32(0.1))
    trees = stump(MISSING_NAN, at, leaves=(1e-9, 20.0), start=1.0, single=True)
    assert trees.total([0.1]) == 1.0
    assert msgspec.structs.replace(trees, single=False).total([0.1]) == 1.0 + 1e-9
    assert rounded(1e300) == math.inf
    assert rounded(-1e300) == -math.inf


@given(st.integers(0, 10_000))
def test_trees_survive_json_to_the_bit(seed: int) -> None:
    trees = make_trees(seed)
    again = msgspec.json.decode(msgspec.json.encode(trees), type=Trees)
    assert again == trees
    rows = rows_for(trees, seed, rows=10).tolist()
    assert [again.total(row) for row in rows] == [trees.total(row) for row in rows]


@given(st.integers(0, 10_000))
def test_shapley_values_add_up_to_the_total(seed: int) -> None:
    trees = covered(make_trees(seed, nodes=9))
    for row in rows_for(trees, seed, rows=5).tolist():
        told = trees.shapley(row)
        assert len(told) == trees.columns + 1
        assert sum(told) == pytest.approx(trees.total(row), abs=1e-9)


@given(st.integers(0, 10_000))
def test_shapley_values_are_the_mean_over_all_orders_of_columns(seed: int) -> None:
    trees = covered(make_trees(seed, trees=2, nodes=6))
    row = rows_for(trees, seed, rows=1)[0].tolist()
    expected = [0.0] * trees.columns
    orders = list(itertools.permutations(range(trees.columns)))
    for order in orders:
        for place, column in enumerate(order):
            before = known_total(trees, row, set(order[:place]))
            after = known_total(trees, row, {*order[:place], column})
            expected[column] += (after - before) / len(orders)
    told = trees.shapley(row)
    assert told[:-1] == pytest.approx(expected, abs=1e-9)
    assert told[-1] == pytest.approx(known_total(trees, row, set()), abs=1e-9)


def test_shapley_values_are_lightgbms() -> None:
    made = make_boosted(3, rounds=20)
    (trees,) = read_trees(made.text)
    rows = rows_for(trees, rows=40)
    expected = np.asarray(made.booster.predict(rows, pred_contrib=True))
    np.testing.assert_allclose([trees.shapley(row) for row in rows.tolist()], expected, atol=1e-9)


def known_total(trees: Trees, row: list[float], known: set[int]) -> float:
    """The mean total where only these columns are known: unknown ones split by covers."""

    def mean(place: int) -> float:
        if place < 0:
            return trees.leaves[~place]
        left, right, column = trees.left[place], trees.right[place], trees.feature[place]
        if column in known:
            return mean(left if trees.goes_left(place, row[column]) else right)
        share = trees.cover(left) / trees.cover(place)
        return share * mean(left) + (1 - share) * mean(right)

    return trees.start + sum(map(mean, trees.roots))
