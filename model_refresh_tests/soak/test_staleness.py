"""Advice on refreshing, from two years of weekly refreshes under planted drifts, 100 of each."""

import sys
from collections import Counter

import numpy as np
import pytest

from model_refresh.metrics.staleness import estimate_freshness
from model_refresh_tests.metrics.drifts import DRIFTS, MARGIN

TIMES = 100


@pytest.mark.soak
@pytest.mark.parametrize("advice", DRIFTS)
def test_a_planted_drift_gets_its_advice_in_90_of_100(advice: str) -> None:
    """Beside it the bounds: each errs in 5 of 100 by its word, up to 15 are allowed for.

    The gains over two champions share most of their weeks of drift, and two years have few weeks
    that are independent of each other.
    """
    drift = DRIFTS[advice]
    answers = [
        estimate_freshness(drift.points(seed), margin=MARGIN, metric_label="log loss")
        for seed in range(1000, 1000 + TIMES)
    ]
    told: Counter[str] = Counter(answer.advice for answer in answers)
    losses = [answer.loss_a_week for answer in answers if answer.loss_a_week is not None]
    truth = drift.loss_a_week
    too_high = sum(loss.lower > truth for loss in losses)
    too_low = sum(loss.upper < truth for loss in losses)
    mean = np.mean([loss.estimate for loss in losses])
    sys.stdout.write(
        f"\na week costs {truth:.5f} (margin {MARGIN}), {drift.level_share:.0%} of it in level: "
        f"{dict(told)}; estimated {mean:.5f} on average, bounds too high {too_high}, too low "
        f"{too_low} of {TIMES}\n"
    )
    assert told[advice] >= 90
    assert max(too_high, too_low) <= 15
