"""The price of age: recovered from planted drifts, checked against a plain regression."""

import numpy as np
import pytest
import scipy.stats

from model_refresh.metrics.staleness import AgedPoint, estimate_freshness
from model_refresh.records import Freshness
from model_refresh_tests.metrics.drifts import DRIFTS, MARGIN, Drift


@pytest.mark.parametrize("advice", DRIFTS)
def test_a_planted_drift_gets_its_advice(advice: str) -> None:
    told = [_told(DRIFTS[advice].points(seed)) for seed in range(10)]
    assert sum(each.advice == advice for each in told) >= 9
    losses = [each.loss_a_week.estimate for each in told if each.loss_a_week]
    assert np.mean(losses) == pytest.approx(DRIFTS[advice].loss_a_week, abs=0.02 * MARGIN)


def test_the_slope_is_that_of_a_plain_regression_where_errors_are_equal() -> None:
    points = Drift(month=1.0).points(3)
    weeks, gains = [p.age_days / 7.0 for p in points], [p.gain for p in points]
    loss = _told(points).loss_a_week
    assert loss is not None
    assert loss.estimate == pytest.approx(scipy.stats.linregress(weeks, gains).slope)
    assert loss.lower < loss.estimate < loss.upper
    assert loss.groups == 103


def test_holdouts_far_apart_give_the_clustered_error_with_one_degree_less() -> None:
    """By hand: two points a holdout, a month and two of age, holdouts a year apart."""
    points = [
        AgedPoint(365 * year, 28.0 * (1 + i), gain=0.01 * i * (1 + 0.1 * year), error=0.001)
        for year in range(6)
        for i in range(2)
    ]
    slopes = np.array([0.01 * (1 + 0.1 * year) / 4.0 for year in range(6)])
    scores = (slopes - slopes.mean()) / 6.0
    error = np.sqrt(6 / 5 * 11 / 10 * np.square(scores).sum())
    loss = _told(points).loss_a_week
    assert loss is not None
    assert loss.estimate == pytest.approx(slopes.mean())
    assert loss.estimate - loss.lower == pytest.approx(scipy.stats.t.ppf(0.95, 5) * error)


def test_what_all_ages_share_is_no_price_of_age() -> None:
    points = Drift(month=0.0).points(1)
    lucky = [AgedPoint(p.refresh, p.age_days, p.gain + 5 * MARGIN, p.error) for p in points]
    assert _told(lucky).advice == "no value seen"


def test_a_precise_holdout_counts_up_to_twice_an_ordinary_one() -> None:
    points = [
        AgedPoint(365 * year, 7.0 * weeks, gain=weeks * slope, error=error)
        for year, (slope, error) in enumerate([(1.0, 0.1)] * 5 + [(2.0, 1e-6)])
        for weeks in (1, 3)
    ]
    loss = _told(points).loss_a_week
    assert loss is not None
    assert loss.estimate == pytest.approx((5 * 1.0 + 2 * 2.0) / 7, rel=1e-3)


@pytest.mark.parametrize(
    "points",
    [
        [],
        Drift(month=2.0, refreshes=5).points(0),
        [AgedPoint(7 * week, 14.0, gain=0.1, error=0.01) for week in range(30)],
        [AgedPoint(7 * week, np.nan, gain=0.1, error=0.01) for week in range(30)],
    ],
    ids=["none", "four holdouts", "all of one age", "ages unknown"],
)
def test_without_holdouts_or_ages_enough_nothing_is_known(points: list[AgedPoint]) -> None:
    told = _told(points)
    assert told.advice == "not known yet"
    assert told.loss_a_week is None
    assert "at least 5 holdouts" in told.sentence


def test_an_interval_around_the_margin_is_said_with_its_numbers() -> None:
    told = _told(Drift(month=0.25, refreshes=12, noise=3.0).points(0))
    assert told.advice == "not known yet"
    assert told.loss_a_week is not None
    assert "which may be less or more than the margin of 0.004" in told.sentence


def test_without_recalibrated_gains_recalibration_is_not_advised() -> None:
    points = DRIFTS["recalibrate only"].points(0)
    told = _told([AgedPoint(p.refresh, p.age_days, p.gain, p.error) for p in points])
    assert told.advice == "weekly"


def test_the_sentence_has_the_loss_its_bounds_and_what_they_rest_on() -> None:
    told = _told(DRIFTS["weekly"].points(0))
    assert told.sentence.startswith("a week of age costs 0.00")
    assert "each bound at 95%, 103 holdouts" in told.sentence
    assert told.sentence.endswith("more than the margin of 0.004: refresh weekly")
    assert (told.refreshes, told.points) == (103, 796)


def _told(points: list[AgedPoint]) -> Freshness:
    return estimate_freshness(points, margin=MARGIN, metric_label="log loss")
