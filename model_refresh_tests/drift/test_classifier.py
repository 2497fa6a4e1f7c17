"""A classifier that tells samples apart, and can't where there is nothing to tell."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

from model_refresh.drift import separability

Floats = NDArray[np.float64]
Groups = NDArray[np.intp]


def samples(shift: float, *, rows: int = 1500, seed: int = 0) -> tuple[Floats, Floats, Groups]:
    """Two samples of four numbers, the second's first one higher; each row a group."""
    rng = np.random.default_rng(seed)
    values, current = rng.normal(size=(2 * rows, 4)), np.repeat([0.0, 1.0], rows)
    values[:, 0] += shift * current
    return values, current, np.arange(2 * rows)


def test_it_is_near_what_two_bell_curves_can_be_told_apart_by() -> None:
    """The best any classifier can do with a gap of d is the normal curve at d over root 2."""
    best = float(stats.norm.cdf(1 / np.sqrt(2)))
    assert separability(*samples(1.0, rows=4000)) == pytest.approx(best, abs=0.02)


def test_it_is_about_as_good_as_another_library_on_the_same_groups() -> None:
    values, current, groups = samples(0.7, rows=800)
    other = cross_val_score(
        RandomForestClassifier(40, min_samples_leaf=20, random_state=0, n_jobs=1),
        values,
        current,
        groups=groups,
        cv=GroupKFold(3),
        scoring="roc_auc",
    )
    assert separability(values, current, groups) == pytest.approx(other.mean(), abs=0.03)


def test_without_a_shift_it_is_a_half() -> None:
    found = [separability(*samples(0.0, rows=300, seed=seed)) for seed in range(6)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_it_sees_a_correlation_that_no_column_shows() -> None:
    values, current, groups = samples(0.0)
    values[current == 1, 1] = 0.8 * values[current == 1, 0] + 0.6 * values[current == 1, 1]
    assert separability(values, current, groups) > 0.65


def test_customers_of_both_samples_are_not_recognised() -> None:
    """Each has numbers of their own: with one row a side, knowing the customer tells the sample."""
    rng = np.random.default_rng(4)
    people = rng.normal(size=(400, 3))
    values, current = np.vstack([people, people]), np.repeat([0.0, 1.0], 400)
    together = np.tile(np.arange(400), 2)
    assert separability(values, current, together) == pytest.approx(0.5, abs=0.06)


def test_missing_values_and_codes_tell_too() -> None:
    values, current, groups = samples(0.0)
    gone = values.copy()
    gone[(current == 1) & (np.arange(len(gone)) % 2 == 0), 3] = np.nan
    assert separability(gone, current, groups) > 0.7
    coded = values.copy()
    coded[:, 2] = np.where(current == 1, groups % 3 * 2, groups % 3 * 2 + 1)
    assert separability(coded, current, groups, codes=(2,)) > 0.95


def test_it_gives_the_same_answer_again() -> None:
    given = samples(0.3, rows=500)
    assert separability(*given) == separability(*given)


@pytest.mark.filterwarnings("error")
def test_columns_that_say_nothing_are_a_half() -> None:
    _, current, groups = samples(0.0, rows=100)
    nothing = np.column_stack([np.full(200, 3.0), np.full(200, np.nan)])
    assert separability(nothing, current, groups) == pytest.approx(0.5)


def test_one_side_without_rows_is_nan() -> None:
    assert np.isnan(separability(np.zeros((5, 1)), np.zeros(5), np.arange(5)))
