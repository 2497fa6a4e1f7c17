"""Curves: what pictures are drawn from, against what NumPy counts by hand."""

import numpy as np
import polars as pl
import pytest

from model_refresh.drift import tenths
from model_refresh.metrics import Holdout
from model_refresh.records import Curves, Task
from model_refresh.refresh.curves import compare_ranks, draw_curves, span_of

ROWS = 2000


def make_holdout(target: np.ndarray) -> Holdout:
    instants = np.full(len(target), np.datetime64("2024-02-01", "us"))
    return Holdout(target=target, group=np.arange(len(target)), as_of=instants)


def drawn(target: np.ndarray, prediction: np.ndarray, task: Task = "binary") -> Curves:
    span = span_of(prediction)
    holdout = make_holdout(target)
    return draw_curves(task, holdout, prediction, span=span, confidence=0.95)


def test_reliability_holds_what_was_predicted_against_what_happened() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0, 1, ROWS)
    target = (rng.random(ROWS) < chance).astype(float)
    bins = drawn(target, chance).reliability
    assert [each.rows for each in bins] == [ROWS // 10] * 10
    order = np.argsort(chance)
    assert bins[0].predicted == pytest.approx(chance[order[:200]].mean())
    assert bins[9].actual == pytest.approx(target[order[1800:]].mean())
    assert all(0.0 <= each.lower <= each.actual <= each.upper <= 1.0 for each in bins)
    assert sum(each.lower <= each.predicted <= each.upper for each in bins) >= 8


def test_gains_start_at_nothing_end_at_all_and_ignore_the_order_of_ties() -> None:
    target = np.array([1.0, 0.0] * 50)
    gains = dict(drawn(target, np.full(100, 0.5)).gains)
    assert gains[0.0] == 0.0
    assert gains[1.0] == 1.0
    assert gains[0.5] == pytest.approx(0.5, abs=0.01)


def test_a_perfect_ranking_finds_all_in_the_share_that_there_is() -> None:
    target = np.array([1.0] * 10 + [0.0] * 90)
    gains = drawn(target, target * 0.8 + 0.1).gains
    assert dict(gains)[0.1] == pytest.approx(1.0)


@pytest.mark.parametrize("target", [np.zeros(50), -np.ones(50)])
def test_where_nothing_is_to_be_found_there_is_no_gain_curve(target: np.ndarray) -> None:
    assert drawn(target, np.linspace(0, 1, 50)).gains == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_not_drawn(value: float) -> None:
    prediction = np.full(50, 0.5)
    prediction[3] = value
    curves = drawn(np.arange(50) % 2.0, prediction)
    assert (curves.reliability, curves.gains, curves.scores) == ((), (), ())
    ranks = compare_ranks(prediction, np.full(50, 0.5), tiers=(), table=pl.DataFrame())
    assert ranks is None


def test_few_groups_have_no_bounds_and_no_exception() -> None:
    curves = drawn(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]))
    assert np.isnan(curves.reliability[0].lower)


def test_classes_are_drawn_as_confidence_against_being_right() -> None:
    prediction = np.tile([0.7, 0.2, 0.1], (300, 1))
    target = np.array([0.0] * 210 + [1.0] * 90)
    (only,) = drawn(target, prediction, "multiclass").reliability
    assert [only.predicted, only.actual] == pytest.approx([0.7, 0.7])


def test_scores_are_counted_over_the_range_that_both_share() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0.2, 0.4, 500), rng.uniform(0.3, 0.9, 500)
    low, high = span_of(first, second, None)
    assert (low, high) == (first.min(), second.max())
    curves = draw_curves(
        "binary", make_holdout(np.arange(500) % 2.0), first, span=(low, high), confidence=0.95
    )
    assert sum(each.share for each in curves.scores) == pytest.approx(1.0)
    assert curves.scores[-1].share == 0.0


def test_tenths_are_of_equal_size_and_ties_share_one() -> None:
    assert np.bincount(tenths(np.arange(100.0))).tolist() == [10] * 10
    assert set(tenths(np.full(100, 0.3))) == {5}


def test_the_same_ranking_moves_nobody() -> None:
    score = np.random.default_rng(1).random(ROWS)
    moved = compare_ranks(score, score**3, tiers=(), table=pl.DataFrame())
    assert moved is not None
    assert (moved.decile_share, moved.risers, moved.fallers) == (0.0, 0, 0)
    assert moved.correlation == pytest.approx(1.0)
    assert sum(moved.moves[i][i] for i in range(10)) == ROWS


def test_who_moved_is_told_by_the_feature_that_moved_them() -> None:
    rng = np.random.default_rng(2)
    old, visits = rng.random(ROWS), rng.poisson(3.0, ROWS)
    new = old + 0.2 * (visits - 3)
    table = pl.DataFrame({"visits": visits, "noise": rng.normal(size=ROWS)})
    moved = compare_ranks(old, new, tiers=(0.25, 0.5), table=table)
    assert moved is not None
    first = moved.profiles[0]
    assert first.feature == "visits"
    assert first.risers is not None
    assert first.fallers is not None
    assert first.risers > 3 > first.fallers
    by_hand = (np.digitize(old, [0.25, 0.5]) != np.digitize(new, [0.25, 0.5])).mean()
    assert moved.tier_share == pytest.approx(by_hand)
    assert sum(map(sum, moved.moves)) == ROWS
