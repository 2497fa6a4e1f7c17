"""The stated error rate by simulation: a one-sided 95% bound is on the wrong side 1 time in 20.

Over 6,000 replicates of the clustered case, the two bounds erred in 5.1% and 4.9% (ROC AUC), 4.8%
and 5.2% (log loss), 5.0% and 5.4% (RMSE), 4.7% and 4.8% (Spearman); here are fewer, to be fast.
"""

import numpy as np
import pytest
import scipy.stats

from model_refresh.metrics import metric
from model_refresh.metrics.intervals import gain_interval, value_interval
from model_refresh.metrics.protocol import Floats, assess
from model_refresh_tests.metrics.factories import (
    Case,
    case_of,
    every_case,
    is_of_amounts,
    logistic,
    make_holdout,
    softmax,
)

REPLICATES = 200
AT_MOST = scipy.stats.binom.ppf(0.999, REPLICATES, 0.05) / REPLICATES
"""An error rate of 0.05 shows more than this once in 1,000 tests; the seed is fixed."""

ACTIVE = ("recall", "f1", "macro_f1", "accuracy@")
"""At a fixed threshold to act at random truly gains over never acting, or over always."""


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.id)
def test_a_bound_on_clustered_rows_errs_as_often_as_it_says(case: Case) -> None:
    """Both predictions are equally noisy, so that the true gain is 0."""
    _require_nominal(case, noise=(0.5, 0.5), clusters=60, truth=0.0)


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.id)
def test_a_bound_on_a_true_gain_errs_as_often_as_it_says(case: Case) -> None:
    each, noise = case.metric, (0.3, 0.6)
    target, (new, old), _ = _draw(case, seed=0, rows=300_000, clusters=300_000, noise=noise)
    truth = each.gain(each.value(target, new), each.value(target, old))
    _require_nominal(case, noise=noise, clusters=300, truth=truth)


def test_near_its_aim_a_slope_is_not_mistaken_for_the_worse_one() -> None:
    """The delta method errs up to half of the time here: see `_least_approach`."""
    slope, wrong = metric("slope"), 0
    for seed in range(REPLICATES):
        rng = np.random.default_rng(seed)
        right = rng.normal(size=200)
        target = right + rng.normal(size=200)
        flat = right / 1.03 + 0.001 * rng.normal(size=200)
        interval = gain_interval(
            slope,
            make_holdout(target),
            assess(slope, target, flat),
            assess(slope, target, right),
            confidence=0.95,
        )
        wrong += interval.lower > -0.03
    assert wrong / REPLICATES <= AT_MOST


@pytest.mark.parametrize(
    "case",
    [case for case in every_case() if not case.metric.name.startswith(ACTIVE)],
    ids=lambda case: case.id,
)
def test_noise_is_no_better_than_a_constant(case: Case) -> None:
    """Outcomes, and predictions that have nothing to do with them: no metric may be taken in."""
    each, gains = case.metric, 0
    for seed in range(REPLICATES):
        target, _, group = _draw(case, seed=seed, rows=200, clusters=200, noise=(0.5, 0.5))
        _, (noise, _), _ = _draw(
            case, seed=REPLICATES + seed, rows=200, clusters=200, noise=(0.5, 0.5)
        )
        constant = np.broadcast_to(noise.mean(axis=0), noise.shape)
        sides = assess(each, target, noise), assess(each, target, constant)
        interval = gain_interval(each, make_holdout(target, group=group), *sides, confidence=0.95)
        gains += interval.lower > 0.0
    assert gains / REPLICATES <= AT_MOST


@pytest.mark.parametrize(
    "name", ["log_loss", "roc_auc", "precision@20%", "predicted_to_actual", "lift@10%", "brier"]
)
def test_a_bound_of_a_value_errs_as_often_as_it_says(name: str) -> None:
    case, noise = case_of(metric(name)), (0.5, 0.5)
    target, (side, _), _ = _draw(case, seed=0, rows=300_000, clusters=300_000, noise=noise)
    truth, too_high, too_low = case.metric.value(target, side), 0, 0
    for seed in range(REPLICATES):
        target, (side, _), group = _draw(case, seed=seed, rows=400, clusters=80, noise=noise)
        interval = value_interval(
            case.metric,
            make_holdout(target, group=group),
            assess(case.metric, target, side),
            confidence=0.95,
        )
        too_high += interval.lower > truth
        too_low += interval.upper < truth
    assert max(too_high, too_low) / REPLICATES <= AT_MOST
    assert too_high + too_low > 0.04 * REPLICATES, "bounds are far too wide"


def _require_nominal(
    case: Case, *, noise: tuple[float, float], clusters: int, truth: float
) -> None:
    each, too_high, too_low = case.metric, 0, 0
    for seed in range(10_000, 10_000 + REPLICATES):
        target, (new, old), group = _draw(case, seed=seed, rows=300, clusters=clusters, noise=noise)
        sides = assess(each, target, new), assess(each, target, old)
        interval = gain_interval(each, make_holdout(target, group=group), *sides, confidence=0.95)
        too_high += interval.lower > truth
        too_low += interval.upper < truth
    assert too_high / REPLICATES <= AT_MOST
    assert too_low / REPLICATES <= AT_MOST
    if not isinstance(each.direction, float) and each.name != "brier_reliability":
        assert too_high + too_low > 0.04 * REPLICATES, "bounds are far too wide"


def _draw(
    case: Case, *, seed: int, rows: int, clusters: int, noise: tuple[float, float]
) -> tuple[Floats, tuple[Floats, Floats], np.ndarray]:
    """Rows whose outcomes and predictions share something with those of their cluster."""
    rng = np.random.default_rng(seed)
    group = np.arange(rows) % clusters
    if case.task == "multiclass":
        return *_draw_classes(rng, group, noise=noise), group
    shared = rng.normal(size=(3, clusters))[:, group] * 0.5
    signal = rng.normal(size=rows)
    scores = [signal + shared[1 + i] + noise[i] * rng.normal(size=rows) for i in range(2)]
    if case.task == "binary":
        target = (rng.random(rows) < logistic(signal + shared[0] - 1.0)).astype(np.float64)
        return target, (logistic(scores[0] - 1.0), logistic(scores[1] - 1.0)), group
    target = signal + shared[0] + rng.normal(size=rows)
    if is_of_amounts(case.metric):
        target, *scores = (np.exp(0.4 * column) for column in (target, *scores))
    return target, (scores[0], scores[1]), group


def _draw_classes(
    rng: np.random.Generator, group: np.ndarray, *, noise: tuple[float, float]
) -> tuple[Floats, tuple[Floats, Floats]]:
    shared = 0.5 * rng.normal(size=(3, group.max() + 1, 3))[:, group]
    signal = rng.normal(loc=(0.5, 0.0, -0.5), size=(len(group), 3))
    gumbel = rng.gumbel(size=signal.shape)
    target = np.argmax(signal + shared[0] + gumbel, axis=1).astype(np.float64)
    sides = [
        softmax(signal + shared[1 + i] + noise[i] * rng.normal(size=signal.shape)) for i in range(2)
    ]
    return target, (sides[0], sides[1])
