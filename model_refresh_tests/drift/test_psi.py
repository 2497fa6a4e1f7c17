import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from model_refresh.drift import population_stability

Floats = NDArray[np.float64]


def in_bins(shares: list[float], *, rows: int) -> Floats:
    """So many rows, of which these shares have the values 0, 1, 2..."""
    counts = np.round(np.array(shares) * rows).astype(int)
    return np.repeat(np.arange(len(shares), dtype=np.float64), counts)


def test_it_gives_the_sum_of_a_scorecard_that_is_worked_out_by_hand() -> None:
    """Two tenths move from the lowest of five bands to the highest: .1 ln 2 + .1 ln 1.5 in words."""
    before, after = [0.2, 0.2, 0.2, 0.2, 0.2], [0.1, 0.2, 0.2, 0.2, 0.3]
    expected = -0.1 * math.log(0.1 / 0.2) + 0.1 * math.log(0.3 / 0.2)
    assert expected == pytest.approx(0.109861, abs=1e-6)
    found = population_stability(in_bins(before, rows=10**6), in_bins(after, rows=10**6))
    assert found == pytest.approx(expected, abs=1e-5)


def test_it_is_both_relative_entropies_of_scipy_over_the_references_tenths() -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.gamma(2.0, 3.0, 5000), rng.gamma(2.4, 3.0, 3000)
    ranked = np.sort(reference)
    edges = (ranked[499:4500:500] + ranked[500:4501:500]) / 2
    p, q = (
        np.array([np.sum(np.digitize(x, edges, right=True) == k) for k in range(10)]) + 0.5
        for x in (reference, current)
    )
    expected = stats.entropy(p, q) + stats.entropy(q, p)
    assert population_stability(reference, current) == pytest.approx(expected, rel=1e-12)


def test_two_bell_curves_apart_by_d_have_d_squared_with_many_bins() -> None:
    """Jeffreys' divergence of two normal distributions of variance 1 is the square of their gap."""
    grid = stats.norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    assert population_stability(grid, grid + 0.3, bins=400) == pytest.approx(0.09, rel=0.02)


def test_by_chance_alone_it_is_what_yurdakul_says() -> None:
    rng = np.random.default_rng(5)
    found = [population_stability(rng.normal(size=2000), rng.normal(size=1000)) for _ in range(300)]
    assert np.mean(found) == pytest.approx(9 * (1 / 2000 + 1 / 1000), rel=0.1)


def test_it_looks_at_order_only() -> None:
    rng = np.random.default_rng(6)
    one, other = rng.normal(size=500), rng.normal(0.5, 1, 500)
    assert population_stability(np.exp(one), np.exp(other)) == population_stability(one, other)


def test_the_same_sample_has_none() -> None:
    values = np.random.default_rng(1).normal(size=100)
    assert population_stability(values, values) == 0.0


@pytest.mark.parametrize("moved", [-1.0, 1.0])
def test_a_constant_that_moves_shifts_either_way(moved: float) -> None:
    constant = np.full(100, 3.0)
    assert population_stability(constant, constant) == 0.0
    assert population_stability(constant, constant + moved) > 5


def test_an_empty_bin_is_finite() -> None:
    values = np.arange(100, dtype=np.float64)
    assert 1 < population_stability(values, values + 1000) < 100


@pytest.mark.parametrize("bad", [np.empty(0), np.array([1.0, np.nan]), np.array([np.inf])])
def test_what_has_no_distribution_is_nan(bad: Floats) -> None:
    assert math.isnan(population_stability(np.ones(3), bad))
    assert math.isnan(population_stability(bad, np.ones(3)))
