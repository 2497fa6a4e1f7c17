"""Measures of counts, each beside an independent implementation."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from model_refresh.drift import (
    counted_stability,
    counted_wasserstein,
    jensen_shannon,
    new_share,
    population_stability,
    quantile_cuts,
    unseen_share,
    wasserstein,
)

Floats = NDArray[np.float64]


def counts(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).integers(0, 50, shape).astype(np.float64) + 1


@pytest.mark.parametrize("seed", range(5))
def test_jensen_shannon_is_the_square_of_scipys_distance(seed: int) -> None:
    one, other = counts(12, seed=seed), counts(12, seed=seed + 100)
    expected = distance.jensenshannon(one, other, base=2) ** 2
    assert float(jensen_shannon(one, other)) == pytest.approx(expected, rel=1e-12)


def test_jensen_shannon_is_what_a_row_tells_of_its_sample_in_bits() -> None:
    """The mutual information of bin and sample, by entropies, of two equally likely samples."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    expected = (
        stats.entropy((p + q) / 2, base=2)
        - (stats.entropy(p, base=2) + stats.entropy(q, base=2)) / 2
    )
    assert float(jensen_shannon(100 * p, 7 * q)) == pytest.approx(expected, rel=1e-12)


def test_jensen_shannon_is_a_bit_where_nothing_is_shared_and_none_where_all_is() -> None:
    assert float(jensen_shannon(np.array([3.0, 0.0]), np.array([0.0, 9.0]))) == 1.0
    assert float(jensen_shannon(np.array([3.0, 0.0]), np.array([9.0, 0.0]))) == 0.0


def test_near_each_other_jensen_shannon_is_the_stability_index_over_8_ln_2() -> None:
    one = np.full(10, 1e6)
    other = one + np.linspace(-2e4, 2e4, 10)
    assert float(jensen_shannon(one, other)) == pytest.approx(
        float(counted_stability(one, other)) / (8 * math.log(2)), rel=1e-3
    )


def test_the_stability_index_of_counts_is_that_of_the_values_in_their_bins() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=900), rng.normal(0.2, 1, 400)
    cuts = quantile_cuts(reference, 10)
    one, other = (
        np.bincount(np.digitize(each, cuts, right=True), minlength=10).astype(np.float64)
        for each in (reference, current)
    )
    assert float(counted_stability(one, other)) == population_stability(reference, current)


@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_of_counts_is_scipys_with_weights(seed: int) -> None:
    levels = np.sort(np.random.default_rng(seed).normal(size=20))
    one, other = counts(20, seed=seed), counts(20, seed=seed + 50)
    expected = stats.wasserstein_distance(levels, levels, one, other)
    assert float(counted_wasserstein(one, other, levels)) == pytest.approx(expected, rel=1e-10)


def test_wasserstein_of_counts_is_that_of_values_where_all_are_levels() -> None:
    rng = np.random.default_rng(2)
    reference, current = (rng.integers(0, 9, size).astype(np.float64) for size in (800, 300))
    levels = np.unique(reference)
    one, other = (
        (each[:, None] == levels).sum(axis=0).astype(float) for each in (reference, current)
    )
    found = float(counted_wasserstein(one, other, levels)) / float(reference.std())
    assert found == pytest.approx(wasserstein(reference, current), rel=1e-12)


def test_many_samples_are_measured_at_once() -> None:
    one, other, levels = counts(4, 6), counts(4, 6, seed=1), np.arange(6.0)
    for row in range(4):
        for found, expected in (
            (counted_stability(one, other)[row], counted_stability(one[row], other[row])),
            (jensen_shannon(one, other)[row], jensen_shannon(one[row], other[row])),
            (
                counted_wasserstein(one, other, levels)[row],
                counted_wasserstein(one[row], other[row], levels),
            ),
            (new_share(one, other)[row], new_share(one[row], other[row])),
        ):
            assert found == pytest.approx(float(expected), rel=1e-12)


def test_new_is_what_the_reference_never_had() -> None:
    reference, current = np.array([5.0, 1.0, 0.0, 0.0]), np.array([6.0, 0.0, 3.0, 1.0])
    assert float(new_share(reference, current)) == pytest.approx(0.4)
    assert float(new_share(reference, np.array([1.0, 1.0, 0.0, 0.0]))) == 0.0


def test_what_is_unseen_is_as_likely_as_good_says() -> None:
    """Of 2,000 rows of a long tail, the share of further rows whose category is new."""
    rng = np.random.default_rng(3)
    guesses, truths = [], []
    for _ in range(50):
        seen, later = rng.zipf(1.5, 2000), rng.zipf(1.5, 2000)
        guesses.append(unseen_share(np.unique(seen, return_counts=True)[1].astype(float)))
        truths.append(float(np.mean(~np.isin(later, seen))))
    assert np.mean(guesses) == pytest.approx(np.mean(truths), rel=0.05)
    assert unseen_share(np.empty(0)) == 1.0
