"""The bench: a set of parameters on every fold, given up early only where it can't catch up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.protocol import Parameters
from model_refresh.tuning.bench import Attempt, Bench, best_rounds
from model_refresh_tests.tuning.grounds import Growing, Guess, Levels, distance


def bench(algorithm: Guess | Growing, ground: Levels) -> Bench:
    return Bench(algorithm, ground, task="regression", seed=0, loss=distance)


def best_of(*alone: float) -> Attempt:
    return Attempt(number=1, parameters={}, loss=float(np.mean(alone)), folds=alone, alone=alone)


def test_the_loss_is_the_mean_over_the_folds() -> None:
    tried = bench(Guess(), Levels((10.0, 7.0, 4.0))).attempt(3, {"value": 5.0}, None)
    assert tried.attempt.number == 3
    assert tried.attempt.folds == tried.attempt.alone == (5.0, 2.0, 1.0)
    assert tried.attempt.loss == pytest.approx(8 / 3)
    assert [each.tolist() for each in tried.predictions] == [[5.0, 5.0]] * 3


def test_the_grounds_parameters_reach_the_ground_and_not_the_algorithm() -> None:
    ground = Levels()
    asked: Parameters = {"value": 5.0, "window": 3, "half_life_days": 7.0}
    attempt = bench(Guess(), ground).attempt(1, asked, None).attempt
    assert ground.asked == [(0, asked)]
    assert attempt.parameters == asked | {"steps": 3}
    assert "window" not in Guess().fit(
        ground.rows(0, asked)[0], task="regression", parameters=ground.own(asked), seed=0, early=None
    ).parameters  # fmt: skip


def test_a_loss_that_is_not_finite_at_the_common_rounds_fails_the_trial_alone() -> None:
    asked: list[float] = []

    def loss(target: np.ndarray, prediction: np.ndarray) -> float:
        asked.append(distance(target, prediction))
        return asked[-1] if len(asked) <= 2 else math.nan

    judge = Bench(Guess(), Levels((10.0, 7.0)), task="regression", seed=0, loss=loss)
    attempt = judge.attempt(1, {"value": 5.0}, None).attempt
    assert attempt.failure == "its loss on the validation rows is nan"
    assert (attempt.loss, attempt.alone) == (math.inf, (5.0, 2.0))


@pytest.mark.parametrize(
    ("curves", "rounds"),
    [
        ([(3.0, 1.0, 2.0)], 2),
        ([(3.0, 1.0, 2.0), (9.0, 8.0, 4.0)], 3),
        ([(3.0, 1.0, 9.0), (9.0, 8.0)], 2),
        ([(2.0,) * 5], 3),
        ([(1.0, 1.02)], 1),
        ([(1.02, 1.0)], 2),
        ([(1.0, 1.02, 1.02, 1.02)], 2),
        ([(0.0, 5.0, 9.0)], 1),
        ([(5.0, 1.0), (5.0, 4.0, 1.0, 1.5)], 3),
        ([(), ()], 0),
        ([(), (2.0, 1.0)], 2),
    ],
)
def test_rounds_are_those_where_the_mean_curve_is_low(
    curves: list[tuple[float, ...]], rounds: int
) -> None:
    """Weighted by exp(-regret / 2%): 1 + 2 + 3 + 4 with 1 and three times 0.368 gives 2.05."""
    assert best_rounds(curves) == rounds


def test_all_folds_are_cut_to_the_same_rounds() -> None:
    growing = Growing(((4.0, 1.0, 3.0), (4.0, 3.0, 0.5)))
    tried = bench(growing, Levels((0.0, 0.0))).attempt(1, {"rate": 0.5}, None)
    assert tried.attempt.alone == (1.0, 0.5), "each fold's own best"
    assert tried.attempt.folds == (3.0, 0.5), "after three rounds, best for both together"
    assert tried.attempt.parameters == {"rate": 0.5, "rounds": 3}
    assert [float(each[0]) for each in tried.predictions] == [3.0, 0.5]


def test_a_fold_that_stopped_earlier_keeps_what_it_has() -> None:
    growing = Growing(((4.0, 1.0), (4.0, 3.0, 0.5)))
    tried = bench(growing, Levels((0.0, 0.0))).attempt(1, {"rate": 0.5}, None)
    assert tried.attempt.parameters["rounds"] == 3
    assert tried.attempt.folds == (1.0, 0.5)


def test_predictions_can_be_made_again_with_the_rounds_that_were_found() -> None:
    growing = Growing(((4.0, 1.0, 3.0), (4.0, 3.0, 0.5)))
    tried = bench(growing, Levels((0.0, 0.0))).attempt(1, {"rate": 0.5}, None)
    again = bench(growing, Levels((0.0, 0.0))).predictions(tried.attempt.parameters)
    assert [each.tolist() for each in again] == [each.tolist() for each in tried.predictions]


def test_what_is_far_behind_on_the_first_fold_is_given_up() -> None:
    ground = Levels((10.0, 10.0, 10.0))
    tried = bench(Guess(), ground).attempt(2, {"value": 8.0}, best_of(1.0, 1.0, 1.0))
    assert [fold for fold, _ in ground.asked] == [0]
    assert tried.attempt.pruned
    assert (tried.attempt.loss, tried.attempt.alone) == (math.inf, (2.0,))
    assert (tried.predictions, tried.attempt.failure) == ((), None)


def test_what_is_a_little_behind_may_still_catch_up() -> None:
    ground = Levels((10.0, 10.0, 3.0))
    tried = bench(Guess(), ground).attempt(2, {"value": 8.995}, best_of(1.0, 1.0, 9.0))
    assert not tried.attempt.pruned
    assert len(tried.attempt.folds) == 3


@given(
    rivals=st.lists(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), min_size=2, max_size=6)
)
def test_who_is_given_up_would_have_gained_more_than_the_allowance_on_the_folds_left(
    rivals: list[list[float]],
) -> None:
    best = best_of(*rivals[0])
    for alone in rivals[1:]:
        growing = Growing(tuple((each,) for each in alone))
        attempt = bench(growing, Levels((0.0,) * 3)).attempt(2, {}, best).attempt
        if attempt.pruned:
            seen = len(attempt.alone)
            left = sum(best.alone[seen:]) - sum(alone[seen:])
            behind = sum(alone[:seen]) - sum(best.alone[:seen])
            assert behind > 0.005 * (3 - seen) * best.loss
            assert sum(alone) > sum(best.alone) or left > 0.005 * (3 - seen) * best.loss
        else:
            assert attempt.loss == pytest.approx(np.mean(alone))


def test_the_last_fold_is_never_too_late_to_be_told_of() -> None:
    tried = bench(Guess(), Levels((10.0,))).attempt(2, {"value": 1.0}, best_of(1.0))
    assert not tried.attempt.pruned
    assert tried.attempt.loss == 9.0


def test_a_fit_that_fails_on_a_later_fold_fails_as_a_whole() -> None:
    class Picky(Guess):
        def fit(self, train, **rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
            fails = Guess(fails_above=-1.0 if train.target[0] == 1.0 else math.inf)
            return fails.fit(train, **rest)

    tried = bench(Picky(), Levels((10.0, 10.0))).attempt(1, {"value": 5.0}, None)
    assert tried.attempt.failure == "5.0 is too much"
    assert (tried.attempt.loss, tried.attempt.alone) == (math.inf, (5.0,))
    assert tried.predictions == ()


def test_a_loss_that_is_not_finite_is_a_failure() -> None:
    made = Bench(Guess(), Levels(), task="regression", seed=0, loss=lambda t, p: math.nan)
    assert made.attempt(1, {}, None).attempt.failure == "its loss on the validation rows is nan"
