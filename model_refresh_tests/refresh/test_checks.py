"""Checks as pure functions: what is near, and what is further off than chance explains."""

import datetime as dt

import pytest

from model_refresh.records import Labels
from model_refresh.refresh.checks import label_level_check, one_class_check
from model_refresh_tests.factories import AS_OF


def make_labels(
    mean: float = 0.0,
    *,
    rows: int,
    spread: float | None = None,
    shares: tuple[float, ...] = (),
) -> Labels:
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
        shares=shares,
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


@pytest.mark.parametrize(
    ("shares", "outcome"),
    [
        ((0.70, 0.28, 0.02), "passed"),
        ((0.50, 0.45, 0.05), "passed"),
        ((0.30, 0.69, 0.01), "failed"),
        ((0.74, 0.26, 0.0), "failed"),
    ],
)
def test_each_classs_share_must_be_near_the_usual_one(
    shares: tuple[float, ...], outcome: str
) -> None:
    earlier = [make_labels(rows=5000, shares=(0.7, 0.27, 0.03))] * 3
    check = label_level_check(make_labels(rows=5000, shares=shares), earlier, 2.0)
    assert check.outcome == outcome


def test_a_class_whose_share_moved_is_named() -> None:
    earlier = [make_labels(rows=5000, shares=(0.7, 0.27, 0.03))] * 3
    moved = make_labels(rows=5000, shares=(0.7, 0.1, 0.2))
    check = label_level_check(moved, earlier, 2.0, classes=["none", "small", "big"])
    assert "small 0.1 against 0.27, big 0.2 against 0.03 in the last 3 frames" in check.sentence


def test_the_first_shares_have_nothing_to_be_compared_with() -> None:
    assert label_level_check(make_labels(rows=9, shares=(0.5, 0.5)), [], 2.0).outcome == "passed"
    empty = make_labels(rows=0, shares=(0.0, 0.0))
    assert label_level_check(empty, [], 2.0).outcome == "failed"


def test_two_classes_of_many_must_occur_in_a_part() -> None:
    one, other = make_labels(rows=9, shares=(0, 1, 0)), make_labels(rows=9, shares=(0, 0, 1))
    assert one_class_check("holdout", [one, other]).outcome == "passed"
    alone = one_class_check("holdout", [one, one])
    assert (alone.outcome, alone.name) == ("failed", "classes")
    assert alone.sentence == "18 holdout labels are of 1 classes: nothing can be told apart"
