"""The weighted bootstrap against scikit-learn with the same weights, and against closed forms."""

import math
import os

import numpy as np
import pytest
from sklearn.metrics import (
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from model_refresh.errors import Contaminated, DataError
from model_refresh.metrics import metric, paired
from model_refresh.metrics.bootstrap import bootstrap_gain, draw_weights, resampled_gains
from model_refresh_tests.metrics.factories import AS_OF, make_holdout, make_predicted, make_rows

SCORES = {
    "roc_auc": roc_auc_score,
    "log_loss": log_loss,
    "brier": brier_score_loss,
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
}


@pytest.mark.parametrize("levels", [None, 10, 2])
@pytest.mark.parametrize("clusters", [60, 23])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("name", SCORES)
def test_a_replicate_is_the_library_s_gain_with_the_same_weights(
    name: str, flipped: bool, clusters: int, levels: int | None
) -> None:
    each, score = metric(name), SCORES[name]
    target, (new, old) = make_rows(each, seed=5, levels=levels)
    if flipped and "binary" in each.tasks:
        target, new, old = 1.0 - target, 1.0 - new, 1.0 - old
    group = np.arange(60) % clusters
    holdout = make_holdout(target, group=group)
    sides = make_predicted(new), make_predicted(old)
    gains = resampled_gains(each, holdout, sides, replicates=40, seed=3)
    for number, gain in enumerate(gains):
        weights = draw_weights(3, number, clusters)[group]
        theirs = [score(target, side, sample_weight=weights) for side in (new, old)]
        assert gain == pytest.approx(each.gain(*theirs), abs=1e-12)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("clusters", [4000, 800])
def test_bounds_agree_with_the_closed_form_on_many_rows(name: str, clusters: int) -> None:
    each = metric(name)
    target, (new, old) = make_rows(each, seed=2, rows=4000)
    holdout = make_holdout(target, group=np.arange(4000) % clusters)
    sides = make_predicted(new), make_predicted(old)
    drawn = bootstrap_gain(each, holdout, *sides, confidence=0.95, seed=1)
    closed = paired(each, holdout, *sides, confidence=0.95)
    width = closed.estimate - closed.lower
    assert drawn.estimate == closed.estimate
    assert drawn.groups == closed.groups
    assert drawn.lower == pytest.approx(closed.lower, abs=0.15 * width)
    assert drawn.upper == pytest.approx(closed.upper, abs=0.15 * width)


def test_the_result_does_not_depend_on_the_number_of_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = metric("roc_auc")
    target, (new, old) = make_rows(each, seed=2, rows=300)
    sides, holdout = (make_predicted(new), make_predicted(old)), make_holdout(target)
    gains = resampled_gains(each, holdout, sides, replicates=101, seed=7)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    again = resampled_gains(each, holdout, sides, replicates=101, seed=7)
    assert np.array_equal(gains, again)
    assert not np.array_equal(gains, resampled_gains(each, holdout, sides, replicates=101, seed=8))


def test_weights_have_mean_and_variance_1_and_differ_between_replicates() -> None:
    weights = draw_weights(0, 0, 1_000_001).astype(np.float64)
    assert weights.mean() == pytest.approx(1.0, abs=0.005)
    assert weights.var() == pytest.approx(1.0, abs=0.01)
    assert set(np.unique(weights)) == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    assert abs(np.corrcoef(weights, draw_weights(0, 1, 1_000_001))[0, 1]) < 0.005
    assert abs(np.corrcoef(weights[1:], weights[:-1])[0, 1]) < 0.005


def test_bounds_need_5_groups_of_either_class() -> None:
    each = metric("roc_auc")
    target = np.repeat([1.0, 0.0], [4, 50])
    rng = np.random.default_rng(0)
    sides = [make_predicted(rng.random(54)) for _ in range(2)]
    interval = bootstrap_gain(each, make_holdout(target), *sides, confidence=0.95, seed=1)
    assert math.isfinite(interval.estimate)
    assert math.isnan(interval.lower)
    assert math.isnan(interval.upper)


def test_replicates_without_a_class_are_left_out() -> None:
    """With 5 positive rows, 7 in 1,000 replicates give none of them a weight."""
    each = metric("roc_auc")
    target = np.repeat([1.0, 0.0], [5, 50])
    rng = np.random.default_rng(0)
    sides = make_predicted(rng.random(55)), make_predicted(rng.random(55))
    gains = resampled_gains(each, make_holdout(target), sides, replicates=2000, seed=1)
    assert 1 <= np.isnan(gains).sum() <= 40
    interval = bootstrap_gain(each, make_holdout(target), *sides, confidence=0.95, seed=1)
    assert interval.lower < interval.estimate < interval.upper


def test_one_class_has_no_gain_and_no_bounds() -> None:
    sides = [make_predicted(np.linspace(0.1, 0.9, 20)) for _ in range(2)]
    holdout = make_holdout(np.ones(20))
    interval = bootstrap_gain(metric("roc_auc"), holdout, *sides, confidence=0.95, seed=1)
    assert all(math.isnan(x) for x in (interval.estimate, interval.lower, interval.upper))


def test_the_law_of_time_holds_here_too() -> None:
    new = make_predicted(np.linspace(0.1, 0.9, 20))
    late = make_predicted(new.values, known_at=AS_OF.replace(year=AS_OF.year + 1))
    holdout = make_holdout(np.tile([0.0, 1.0], 10))
    with pytest.raises(Contaminated):
        bootstrap_gain(metric("brier"), holdout, new, late, confidence=0.95, seed=1)


def test_metrics_without_a_bootstrap_and_a_wrong_confidence_say_so() -> None:
    new = make_predicted(np.linspace(0.1, 0.9, 20))
    old = make_predicted(new.values[::-1].copy())
    holdout = make_holdout(np.tile([0.0, 1.0], 10))
    with pytest.raises(DataError, match="has no bootstrap"):
        bootstrap_gain(metric("average_precision"), holdout, new, old, confidence=0.95, seed=1)
    with pytest.raises(DataError, match=r"confidence 0\.4"):
        bootstrap_gain(metric("brier"), holdout, new, old, confidence=0.4, seed=1)
