import math
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from model_refresh.algorithms import Constant, LightGBM, Linear
from model_refresh.algorithms.constant import FittedConstant
from model_refresh.algorithms.protocol import Algorithm, Dimension, Parameters, Rows, number
from model_refresh.errors import FitError
from model_refresh.records import Task
from model_refresh.tuning import Budget, Tuned, tune
from model_refresh_tests.algorithms.rows import loss, make_rows


@dataclass(frozen=True)
class Guess:
    """Predicts its parameter `value`, 5 untuned; fails above `fails_above`, is slow on demand."""

    fails_above: float = math.inf
    seconds: float = 0.0
    algorithm: str = "guess"

    def space(self, task: Task) -> tuple[Dimension, ...]:
        return (
            Dimension(name="value", low=0, high=20, start=5),
            Dimension(name="steps", low=1, high=9, start=3, integer=True, log=True),
        )

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> tuple[FittedConstant, Parameters]:
        time.sleep(self.seconds)
        value = number(parameters, "value")
        if value > self.fails_above:
            raise FitError(f"{value} is too much")
        return FittedConstant(value=value), parameters | {"rounds": round(value)}

    def load(self, folder: object) -> FittedConstant:
        raise NotImplementedError


def search(
    algorithm: Algorithm, *, trials: int = 15, seconds: float = 60.0, seed: int = 0
) -> Tuned:
    rows, later = make_rows("regression"), make_rows("regression", seed=1)
    budget = Budget(trials=trials, seconds=seconds)
    return tune(algorithm, rows, later, task="regression", budget=budget, seed=seed, loss=loss)


def test_the_first_trial_is_the_algorithms_own_start() -> None:
    first = search(Guess()).trials[0]
    assert first.parameters == {"value": 5.0, "steps": 3, "rounds": 5}


def test_the_best_trial_wins_with_the_parameters_that_its_fit_returned() -> None:
    tuned = search(Guess(), trials=30)
    best = min(tuned.trials, key=lambda trial: trial.loss)
    assert tuned.loss == best.loss < tuned.trials[0].loss
    assert tuned.parameters == best.parameters
    assert tuned.parameters["rounds"] == round(number(tuned.parameters, "value"))
    assert abs(number(tuned.parameters, "value") - make_rows("regression").target.mean()) < 1


def test_all_trials_lie_within_the_space() -> None:
    tuned = search(Guess(), trials=30)
    assert len(tuned.trials) == 30
    assert all(0 <= number(trial.parameters, "value") <= 20 for trial in tuned.trials)
    assert all(trial.parameters["steps"] in range(1, 10) for trial in tuned.trials)
    assert len({number(trial.parameters, "value") for trial in tuned.trials}) == 30


def test_the_same_seed_finds_the_same_and_another_looks_elsewhere() -> None:
    tuned = search(Guess())
    assert search(Guess()) == tuned
    assert search(Guess(), seed=1).trials[1:] != tuned.trials[1:]


@pytest.mark.parametrize("algorithm", [Linear(), LightGBM(rounds=20)], ids=lambda a: a.algorithm)
def test_real_searches_repeat_exactly_and_beat_the_constant(algorithm: Algorithm) -> None:
    tuned = search(algorithm, trials=4)
    assert search(algorithm, trials=4) == tuned
    assert tuned.loss < 0.8 * search(Constant()).loss
    assert tuned.repeatable


def test_failed_trials_are_recorded_and_passed_over() -> None:
    tuned = search(Guess(fails_above=6), trials=20)
    failed = [trial for trial in tuned.trials if math.isinf(trial.loss)]
    assert failed
    assert all(number(trial.parameters, "value") > 6 for trial in failed)
    assert number(tuned.parameters, "value") <= 6
    assert Tuned.parse(tuned.canonical()) == tuned


def test_a_loss_that_is_not_finite_never_wins() -> None:
    def strict(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> float:
        return math.nan if prediction[0] > 6 else loss(target, prediction)

    rows = make_rows("regression")
    budget = Budget(trials=20, seconds=60)
    tuned = tune(Guess(), rows, rows, task="regression", budget=budget, seed=0, loss=strict)
    assert number(tuned.parameters, "value") <= 6
    assert math.inf in {trial.loss for trial in tuned.trials}


@pytest.mark.parametrize("trials", [1, 4])
def test_a_search_in_which_all_fits_fail_says_why(trials: int) -> None:
    with pytest.raises(FitError, match=f"none of {trials} fits succeeded; the first: 5.0 is too"):
        search(Guess(fails_above=-1), trials=trials)


def test_an_algorithm_without_parameters_is_fitted_once() -> None:
    tuned = search(Constant(), trials=9)
    assert len(tuned.trials) == 1
    assert tuned.parameters == {}
    assert tuned.repeatable


def test_a_search_cut_short_by_its_seconds_says_so() -> None:
    tuned = search(Guess(seconds=0.05), trials=1000, seconds=0.3)
    assert 1 <= len(tuned.trials) <= 7
    assert not tuned.repeatable


def test_one_trial_is_always_made() -> None:
    tuned = search(Guess(seconds=0.02), trials=1, seconds=0.001)
    assert len(tuned.trials) == 1
    assert tuned.repeatable


@pytest.mark.parametrize("budget", [{"trials": 0, "seconds": 1}, {"trials": 1, "seconds": 0}])
def test_a_budget_of_nothing_is_refused(budget: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate(budget)


def test_a_search_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(Guess(fails_above=6))
    assert capfd.readouterr() == ("", "")
    assert not caught
