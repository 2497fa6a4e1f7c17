"""What chances alone let expect: against scikit-learn, by brute force, and by simulation."""

import numpy as np
import pytest
import sklearn.metrics

from model_refresh.metrics.expected import (
    expected_brier,
    expected_log_loss,
    expected_macro_auc,
    expected_metrics,
    expected_roc_auc,
)
from model_refresh.metrics.protocol import Floats


def chances(rows: int, seed: int = 0) -> Floats:
    """Chances of 1, some of them equal."""
    return np.round(np.random.default_rng(seed).beta(0.8, 3.0, rows), 3)


def shares(rows: int, seed: int = 0) -> Floats:
    """Chances of three classes."""
    return np.random.default_rng(seed).dirichlet([0.6, 1.0, 2.0], rows)


def test_each_row_counts_as_a_1_and_as_a_0_by_its_chance_as_in_scikit_learn() -> None:
    p = np.clip(chances(4000), 1e-9, 1 - 1e-9)
    outcomes, twice = np.repeat([1, 0], len(p)), np.tile(p, 2)
    weights = np.concatenate([p, 1 - p])
    theirs = {
        "log_loss": sklearn.metrics.log_loss(outcomes, twice, sample_weight=weights),
        "brier": sklearn.metrics.brier_score_loss(outcomes, twice, sample_weight=weights),
        "accuracy": sklearn.metrics.accuracy_score(outcomes, twice > 0.5, sample_weight=weights),
    }
    ours = expected_metrics(p)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name
    area = sklearn.metrics.roc_auc_score(outcomes, twice, sample_weight=weights)
    itself, pairs = float(np.sum(p * (1 - p))), float(p.sum() * (1 - p).sum())
    without = (area * pairs - 0.5 * itself) / (pairs - itself)  # no row makes a pair with itself
    assert ours["roc_auc"] == pytest.approx(without, abs=1e-12)


def test_the_expected_area_is_that_of_all_pairs_of_different_rows() -> None:
    p = chances(60)
    over = total = 0.0
    for i, first in enumerate(p):
        for j, second in enumerate(p):
            if i != j:
                pair = first * (1 - second)
                total += pair
                over += pair * (1.0 if first > second else 0.5 if first == second else 0.0)
    assert expected_roc_auc(p) == pytest.approx(over / total, abs=1e-12)


def test_where_chances_are_right_the_mean_of_what_happens_is_what_was_expected() -> None:
    p, rng = chances(200, seed=3), np.random.default_rng(4)
    met = []
    for _ in range(80):
        y = (rng.random(len(p)) < p).astype(float)
        inside = np.clip(p, 1e-15, 1 - 1e-15)
        losses = -np.log(np.where(y == 1.0, inside, 1.0 - inside))
        met.append([losses.mean(), np.square(y - p).mean(), sklearn.metrics.roc_auc_score(y, p)])
    expected = [expected_log_loss(p), expected_brier(p), expected_roc_auc(p)]
    error = np.std(met, axis=0) / np.sqrt(len(met))
    assert np.all(np.abs(np.mean(met, axis=0) - expected) < 4 * error)


def test_the_same_holds_for_several_classes() -> None:
    p, rng = shares(200), np.random.default_rng(5)
    met = []
    for _ in range(60):
        y = (p.cumsum(axis=1) > rng.random(len(p))[:, None]).argmax(axis=1)
        met.append(
            [
                -np.log(p[np.arange(len(p)), y]).mean(),
                float((p.argmax(axis=1) == y).mean()),
                sklearn.metrics.roc_auc_score(y, p, multi_class="ovr"),
            ]
        )
    ours = expected_metrics(p)
    expected = [ours["log_loss"], ours["accuracy"], ours["macro_auc"]]
    error = np.std(met, axis=0) / np.sqrt(len(met))
    assert np.all(np.abs(np.mean(met, axis=0) - expected) < 4 * error)


def test_rows_that_are_harder_are_expected_to_be_scored_worse() -> None:
    sure, unsure = np.array([0.02, 0.97] * 50), np.array([0.4, 0.6] * 50)
    assert expected_log_loss(unsure) > expected_log_loss(sure)
    assert expected_roc_auc(unsure) < expected_roc_auc(sure)


def test_what_cannot_be_expected_is_left_out() -> None:
    assert expected_metrics(np.empty(0)) == {}
    assert set(expected_metrics(np.zeros(5))) == {"log_loss", "brier", "accuracy"}
    assert expected_log_loss(np.array([0.0, 1.0])) == 0.0
    assert np.isnan(expected_macro_auc(np.array([[1.0, 0.0], [1.0, 0.0]])))
