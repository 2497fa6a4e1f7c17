"""Measures of the same rows scored twice: order, tenths, the top, and tiers."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import spearmanr

from model_refresh.drift import (
    far_share,
    moves,
    rank_correlation,
    tenths,
    tier_flips,
    top_overlap,
)

PAIRS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=60)


def pair(*, rows: int = 1000, noise: float = 0.5) -> tuple[NDArray[np.float64], ...]:
    rng = np.random.default_rng(4)
    one = rng.normal(size=rows)
    return one, one + noise * rng.normal(size=rows)


@given(PAIRS)
def test_rank_correlation_is_scipys_spearman(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, dtype=np.float64).T
    if np.ptp(one) and np.ptp(other):
        expected = float(spearmanr(one, other).statistic)
        assert rank_correlation(one, other) == pytest.approx(expected, abs=1e-9)


def test_constants_have_no_order_to_lose_and_one_constant_has_lost_it() -> None:
    constant, other = np.ones(5), np.arange(5.0)
    assert rank_correlation(constant, constant + 1) == 1.0
    assert math.isnan(rank_correlation(constant, other))
    assert math.isnan(rank_correlation(other, np.append(other[:4], np.nan)))
    assert math.isnan(rank_correlation(other[:1], other[:1]))


def test_tenths_are_pandas_deciles_where_nothing_ties() -> None:
    one, _ = pair(rows=997)
    expected = pd.qcut(one, 10, labels=False)
    assert np.mean(tenths(one) == expected) > 0.99
    assert np.abs(tenths(one) - expected).max() <= 1


def test_the_migration_matrix_is_pandas_crosstab_of_tenths() -> None:
    one, other = pair()
    expected = pd.crosstab(tenths(one), tenths(other)).to_numpy()
    np.testing.assert_array_equal(moves(one, other), expected)
    assert moves(one, other).sum() == 1000


def test_the_far_share_counts_moves_of_two_tenths_or_more() -> None:
    one, other = pair()
    expected = np.mean(np.abs(tenths(one) - tenths(other)) >= 2)
    assert far_share(moves(one, other)) == pytest.approx(expected)
    assert far_share(moves(one, one)) == 0.0
    assert far_share(moves(one, -one)) == pytest.approx(0.8)
    assert math.isnan(far_share(np.zeros((10, 10), dtype=np.intp)))


def test_the_top_overlap_is_that_of_two_sets_of_the_highest() -> None:
    one, other = pair()
    first, second = (set(np.argsort(-each)[:100].tolist()) for each in (one, other))
    assert top_overlap(one, other) == pytest.approx(len(first & second) / 100)
    assert top_overlap(one, one) == 1.0
    assert top_overlap(one, -one) == 0.0


def test_ties_at_the_top_belong_to_it() -> None:
    assert top_overlap(np.arange(50.0), np.ones(50)) == pytest.approx(5 / 50)
    assert math.isnan(top_overlap(np.empty(0), np.empty(0)))


def test_a_tier_is_crossed_where_a_score_passes_a_cut() -> None:
    one, other = np.array([0.1, 0.2, 0.5, 0.9]), np.array([0.2, 0.21, 0.5, 0.1])
    assert tier_flips(one, other, [0.2, 0.8]) == pytest.approx(2 / 4)
    assert tier_flips(one, other, []) == 0.0
    assert math.isnan(tier_flips(np.empty(0), np.empty(0), [1.0]))
