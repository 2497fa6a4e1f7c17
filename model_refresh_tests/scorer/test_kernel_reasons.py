"""The compiled kernel tells of columns what pure Python tells, which is what LightGBM tells."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.lightgbm_text import read_trees
from model_refresh.scorer.formula.trees import Trees
from model_refresh.scorer.kernel.compiled import compiled, is_available
from model_refresh.scorer.kernel.selftest import samples, tells_right
from model_refresh_tests.scorer.forests import make_boosted, make_trees, rows_for

pytestmark = pytest.mark.skipif(not is_available(), reason="this machine has no C compiler")


def with_covers(trees: Trees, seed: int) -> Trees:
    """Rows that came to each leaf at random, and to each node as many as to those below it."""
    rng = np.random.default_rng(seed)
    leaves = rng.integers(1, 50, len(trees.leaves)).astype(float).tolist()
    nodes = [0.0] * len(trees.feature)

    def cover(place: int) -> float:
        if place < 0:
            return float(leaves[~place])
        nodes[place] = cover(trees.left[place]) + cover(trees.right[place])
        return nodes[place]

    for root in trees.roots:
        cover(root)
    return msgspec.structs.replace(trees, node_covers=tuple(nodes), leaf_covers=tuple(leaves))


def require_same(trees: Trees, rows: list[list[float]]) -> None:
    kernel = compiled(trees)
    assert kernel is not None
    for row in rows:
        np.testing.assert_allclose(
            kernel.shapley_row(row), trees.shapley(row), rtol=1e-12, atol=1e-12
        )


@given(st.integers(0, 100_000), st.integers(0, 8), st.integers(0, 40), st.booleans())
def test_what_columns_add_is_that_of_pure_python(
    seed: int, count: int, nodes: int, single: bool
) -> None:
    trees = with_covers(make_trees(seed, count, nodes, single=single), seed)
    require_same(trees, rows_for(trees, seed, rows=5).tolist())


def test_what_columns_add_is_that_of_lightgbm() -> None:
    boosted = make_boosted(rounds=60, num_leaves=31)
    (trees,) = read_trees(boosted.text)
    kernel = compiled(trees)
    assert kernel is not None
    rows = rows_for(trees, rows=200)
    rows = rows[np.isfinite(np.nan_to_num(rows, posinf=np.inf, neginf=-np.inf)).all(axis=1)]
    expected = boosted.booster.predict(rows, pred_contrib=True)
    told = [kernel.shapley_row(row) for row in rows.tolist()]
    np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-9)


def test_a_deep_tree_of_few_columns_is_told_of() -> None:
    *_, deep, _ = samples()
    deep = with_covers(deep, 0)
    require_same(deep, rows_for(deep, rows=2).tolist())


def test_wrong_covers_are_noticed_before_a_kernel_is_used() -> None:
    trees = with_covers(make_trees(3, trees=4, nodes=9), 3)
    kernel = compiled(trees)
    assert kernel is not None
    assert tells_right(trees, kernel)
    other = msgspec.structs.replace(trees, leaf_covers=tuple(x + 1 for x in trees.leaf_covers))
    assert not tells_right(other, kernel)
