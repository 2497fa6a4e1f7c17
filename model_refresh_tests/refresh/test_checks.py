"""Checks as pure functions: what is near, and what is further off than chance explains."""

import datetime as dt

import pytest

from model_refresh.records import Labels
from model_refresh.refresh.checks import label_level_check
from model_refresh_tests.factories import AS_OF


def make_labels(mean: float, *, rows: int, spread: float | None = None) -> Labels:
    return Labels(
        as_of=AS_OF,
        until=AS_OF + dt.timedelta(days=28),
        known_at=AS_OF + dt.timedelta(days=28),
        query="0" * 64,
        frame="0" * 64,
        content="0" * 64,
        rows=rows,
        mean=mean,
        spread=spread,
    )


@pytest.mark.parametrize(
    ("mean", "usual", "rows", "outcome"),
    [
        (0.10, 0.05, 20_000, "passed"),
        (0.16, 0.05, 20_000, "failed"),
        (0.016, 0.05, 20_000, "failed"),
        (0.008, 0.002, 500, "passed"),
        (0.008, 0.0, 500, "passed"),
        (0.08, 0.0, 500, "failed"),
        (0.0, 0.05, 5000, "failed"),
    ],
)
def test_a_rate_fails_beyond_the_factor_and_beyond_chance(
    mean: float, usual: float, rows: int, outcome: str
) -> None:
    earlier = [make_labels(usual, rows=rows)] * 3
    assert label_level_check(make_labels(mean, rows=rows), earlier, 3.0).outcome == outcome


@pytest.mark.parametrize(("mean", "outcome"), [(13.9, "passed"), (14.1, "failed"), (5.9, "failed")])
def test_a_mean_fails_further_off_than_factor_less_1_deviations(mean: float, outcome: str) -> None:
    earlier = [make_labels(10.0, rows=100, spread=2.0)]
    check = label_level_check(make_labels(mean, rows=100, spread=2.0), earlier, 3.0)
    assert check.outcome == outcome


def test_a_unit_change_is_not_excused_by_its_own_spread() -> None:
    earlier = [make_labels(10.0, rows=100, spread=10.0)] * 3
    cents = make_labels(1000.0, rows=100, spread=1000.0)
    assert label_level_check(cents, earlier, 3.0).outcome == "failed"
