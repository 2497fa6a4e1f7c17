"""LightGBM's text as tables: the sums of the tables, in Python and compiled, are its raw scores."""

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.lightgbm_text import read_trees
from model_refresh.errors import FitError
from model_refresh.scorer.formula.trees import CATEGORICAL, Trees
from model_refresh.scorer.kernel.compiled import compiled, is_available
from model_refresh_tests.scorer.forests import Boosted, make_boosted, rows_for


def require_same(made: Boosted, *, seed: int = 0) -> None:
    """LightGBM, the tables and the kernel, on rows at the thresholds of every output's trees."""
    tables = read_trees(made.text)
    rows = np.concatenate([rows_for(trees, seed, rows=60) for trees in tables])
    raw = np.asarray(made.booster.predict(rows, raw_score=True)).reshape(len(rows), -1)
    assert raw.shape[1] == len(tables)
    for output, trees in enumerate(tables):
        expected = np.ascontiguousarray(raw[:, output]).tobytes()
        assert array("d", map(trees.total, rows.tolist())).tobytes() == expected
        if is_available():
            kernel, out = compiled(trees), np.empty(len(rows))
            assert kernel is not None
            kernel.totals(rows.ctypes.data, len(rows), out.ctypes.data)
            assert out.tobytes() == expected


@given(
    seed=st.integers(0, 10_000),
    num_leaves=st.sampled_from([2, 5, 31]),
    learning_rate=st.sampled_from([0.01, 0.3, 1.0]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    extra_trees=st.booleans(),
    max_cat_to_onehot=st.sampled_from([1, 300]),
)
def test_totals_are_lightgbms_raw_scores_to_the_bit(seed: int, **settings: object) -> None:
    require_same(make_boosted(seed, rows=300, rounds=6, **settings), seed=seed)


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "multiclass", "num_class": 3},
        {"objective": "multiclass", "num_class": 5, "rounds": 1},
        {"objective": "regression"},
        {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        {"objective": "regression", "label": 7.0},  # nothing to split: single leaves
        {"num_leaves": 400, "rows": 4000, "min_data_in_leaf": 1, "rounds": 3},
        {"max_bin": 1000, "rows": 3000, "rounds": 40},
    ],
    ids=["classes", "one round", "regression", "forest", "constant", "many leaves", "many bins"],
)
def test_every_kind_of_booster_has_tables(settings: dict[str, object]) -> None:
    require_same(make_boosted(1, **settings))


def test_trees_that_were_grown_have_the_nodes_that_this_is_about() -> None:
    (trees,) = read_trees(make_boosted(0, rounds=20).text)
    kinds = {flags & ~2 for flags in trees.flags}
    assert {CATEGORICAL, 8} <= kinds
    assert (
        max(c for n, f in enumerate(trees.flags) if f & CATEGORICAL for c in trees.categories(n))
        > 64
    )


def test_covers_are_the_training_rows() -> None:
    (trees,) = read_trees(make_boosted(0, rows=600).text)
    assert {trees.node_covers[root] for root in trees.roots if root >= 0} == {600.0}
    assert cover_sum(trees, trees.roots[0]) == 600.0


@pytest.mark.parametrize(
    "damage",
    [
        ("threshold=", "treshold="), ("num_tree_per_iteration=1", ""), ("leaf_value=", "leaf_value=x "),
        ("leaf_value=", "leaf_value=inf "), ("decision_type=", "decision_type=2 "), ("max_feature_idx=5", "max_feature_idx=five"),
    ],
)  # fmt: skip
def test_a_text_that_isnt_lightgbms_is_refused_in_a_sentence(damage: tuple[str, str]) -> None:
    text = make_boosted(0).text
    assert damage[0] in text
    with pytest.raises(FitError, match="LightGBM"):
        read_trees(text.replace(*damage))


def test_linear_leaves_are_refused() -> None:
    with pytest.raises(FitError, match="linear"):
        read_trees(make_boosted(0, linear_tree=True, objective="regression").text)


def cover_sum(trees: Trees, place: int) -> float:
    if place < 0:
        return trees.leaf_covers[~place]
    return cover_sum(trees, trees.left[place]) + cover_sum(trees, trees.right[place])
