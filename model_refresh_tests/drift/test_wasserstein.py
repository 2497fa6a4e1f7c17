import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from model_refresh.drift import wasserstein

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40).filter(
    lambda values: np.std(values) > 1e-3
)


@given(VALUES, VALUES)
def test_it_is_scipys_distance_in_standard_deviations(one: list[float], other: list[float]) -> None:
    expected = wasserstein_distance(one, other) / np.std(one)
    assert wasserstein(np.array(one), np.array(other)) == pytest.approx(expected, rel=1e-9)


def test_a_shift_by_a_standard_deviation_is_one() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    assert wasserstein(values, values + values.std()) == pytest.approx(1.0)


def test_units_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=90), rng.normal(size=50)
    assert wasserstein(100 * one + 7, 100 * other + 7) == pytest.approx(wasserstein(one, other))


def test_a_constant_that_moves_is_infinitely_far() -> None:
    constant = np.full(7, 0.1)
    assert wasserstein(constant, constant) == 0.0
    assert wasserstein(constant, constant + 1) == math.inf


@pytest.mark.parametrize("bad", [np.empty(0), np.array([1.0, np.nan]), np.array([np.inf])])
def test_what_has_no_distribution_is_nan(bad: NDArray[np.float64]) -> None:
    assert math.isnan(wasserstein(np.arange(3.0), bad))
    assert math.isnan(wasserstein(bad, np.arange(3.0)))
