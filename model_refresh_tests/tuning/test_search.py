"""The search: what is tried first, where it looks next, and when it ends."""

import itertools
import math
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from model_refresh.algorithms import Constant, LightGBM, Linear
from model_refresh.algorithms.constant import FittedConstant
from model_refresh.algorithms.protocol import (
    Algorithm,
    Dimension,
    Fit,
    Parameters,
    Rows,
    number,
)
from model_refresh.errors import FitError
from model_refresh.records import Task
from model_refresh.tuning import Budget, Choice, Plan, Trialled, Tuned, tune
from model_refresh_tests.algorithms.rows import loss, make_rows
from model_refresh_tests.tuning.grounds import Guess, Levels, Notes, distance, timeless

WINDOW = Choice(name="window", values=(8, 4))


@dataclass(frozen=True)
class Real:
    """One fold of rows with a law."""

    folds: int = 1

    def rows(self, fold: int, parameters: Parameters) -> tuple[Rows, Rows]:
        return make_rows("regression", rows=200), make_rows("regression", rows=200, seed=1)

    def own(self, parameters: Parameters) -> Parameters:
        return parameters


@dataclass(frozen=True)
class Anywhere(Guess):
    """Always as good: a search of one dimension has no reason to go anywhere."""

    dimension: Dimension = field(kw_only=True)

    def space(self, task: Task) -> tuple[Dimension, ...]:
        return (self.dimension,)

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        return Fit(FittedConstant(value=0.0), parameters)


def plan(trials: int = 15, *, seconds: float = 60.0, seed: int = 0, **more: object) -> Plan:
    budget = Budget(trials=trials, seconds=seconds)
    return Plan.model_validate({"budget": budget, "seed": seed, **more})


def search(algorithm: Algorithm, asked: Plan, *, journal: Notes | None = None) -> Tuned:
    return kept(algorithm, asked, journal=journal)[0]


def kept(
    algorithm: Algorithm, asked: Plan, *, journal: Notes | None = None
) -> tuple[Tuned, tuple[Trialled, ...]]:
    ground = Levels((10.0, 12.0))
    return tune(algorithm, ground, task="regression", plan=asked, loss=distance, journal=journal)


def real(algorithm: Algorithm, trials: int) -> Tuned:
    found, _ = tune(algorithm, Real(), task="regression", plan=plan(trials), loss=loss)
    return found.model_copy(update={"attempts": tuple(timeless(found.attempts))})


def tried(tuned: Tuned) -> list[Parameters]:
    return [each.parameters for each in tuned.attempts]


def test_a_cold_search_begins_with_every_start_and_every_choice() -> None:
    first = search(Guess(), plan(5, choices=(WINDOW,))).attempts[:4]
    starts = itertools.product((5.0, 15.0), (8, 4))
    assert [each.parameters for each in first] == [
        {"value": value, "steps": 3, "window": window} for value, window in starts
    ]


def test_what_is_remembered_comes_first_and_then_the_starts() -> None:
    known = ({"value": 11.0, "steps": 2, "window": 4}, {"value": 12.0, "steps": 1, "window": 8})
    asked = plan(4, remembered=(*known, known[0]), choices=(WINDOW,))
    first = search(Guess(), asked).attempts
    assert [each.parameters for each in first[:2]] == list(known), "each once"
    assert [number(each.parameters, "value") for each in first[2:]] == [5.0, 5.0]


def test_what_is_remembered_is_clipped_to_the_space_as_it_is_now() -> None:
    strange = {"value": 99.0, "rounds": 70, "window": 12, "gone": True}
    first = search(Guess(), plan(1, remembered=(strange,), choices=(WINDOW,))).attempts[0]
    assert first.parameters == {"value": 20.0, "steps": 3, "window": 8}
    low = search(Guess(), plan(1, remembered=({"value": -1, "steps": 99.4},))).attempts[0]
    assert low.parameters == {"value": 0.0, "steps": 9}


def test_what_is_remembered_as_text_is_refused_with_its_name() -> None:
    with pytest.raises(FitError, match="parameter 'value' must be a number, not 'five'"):
        search(Guess(), plan(1, remembered=({"value": "five"},)))


def test_a_narrow_search_stays_around_what_is_remembered_and_its_own_start() -> None:
    known = ({"value": 11.0, "steps": 2}, {"value": 12.0, "steps": 2})
    narrow = search(Guess(), plan(40, remembered=known, narrow=True))
    values = [number(each.parameters, "value") for each in narrow.attempts]
    assert values[:3] == [11.0, 12.0, 5.0]
    assert 2.0 <= min(values) < 10.9
    assert 12.1 < max(values) <= 18.0
    assert {each.parameters["steps"] for each in narrow.attempts} <= {1, 2, 3, 4, 5}
    wide = search(Guess(), plan(40, remembered=known))
    assert max(number(each.parameters, "value") for each in wide.attempts) > 18.0


def test_a_narrow_search_with_nothing_remembered_looks_everywhere() -> None:
    assert tried(search(Guess(), plan(9, narrow=True))) == tried(search(Guess(), plan(9)))


@pytest.mark.parametrize(
    ("dimension", "points", "low", "high"),
    [
        (Dimension(name="x", low=0, high=10, start=5), (5.0,), 3.5, 6.5),
        (Dimension(name="x", low=0, high=10, start=5), (1.0, 9.0), 0.0, 10.0),
        (Dimension(name="x", low=1, high=1e4, start=10, log=True), (10.0,), 10**0.4, 10**1.6),
        (Dimension(name="x", low=0, high=100, start=50, integer=True), (50, 52), 35, 67),
        (Dimension(name="x", low=1, high=9, start=3, integer=True, log=True), (3,), 2, 5),
        (Dimension(name="x", low=0, high=10, start=10), (99.0,), 8.5, 10.0),
    ],
)
def test_the_narrow_part_holds_the_points_and_stays_within_the_dimension(
    dimension: Dimension, points: tuple[float, ...], low: float, high: float
) -> None:
    known = tuple({"x": point} for point in points)
    found = search(Anywhere(dimension=dimension), plan(40, remembered=known, narrow=True))
    met = [number(each.parameters, "x") for each in found.attempts]
    assert low - 1e-9 <= min(met)
    assert max(met) <= high + 1e-9
    assert {min(max(point, dimension.low), dimension.high) for point in points} <= set(met)
    assert max(met) - min(met) > 0.5 * (high - low), "it looks around"


def test_the_best_wins_with_the_parameters_that_its_fit_returned() -> None:
    tuned = search(Guess(), plan(30))
    best = min(tuned.attempts, key=lambda each: each.loss)
    assert tuned.loss == best.loss < tuned.attempts[0].loss
    assert tuned.parameters == best.parameters
    assert 9.5 < number(tuned.parameters, "value") < 12.5


def test_all_lies_within_the_space_and_nothing_is_tried_twice() -> None:
    tuned = search(Guess(), plan(30))
    values = [number(each.parameters, "value") for each in tuned.attempts if not each.pruned]
    assert len(tuned.attempts) == 30
    assert all(0 <= value <= 20 for value in values)
    assert len(set(values)) == len(values)


def test_the_same_seed_finds_the_same_and_another_looks_elsewhere() -> None:
    found = search(Guess(), plan())
    assert timeless(search(Guess(), plan()).attempts) == timeless(found.attempts)
    assert tried(search(Guess(), plan(seed=1)))[2:] != tried(found)[2:]


@pytest.mark.parametrize("algorithm", [Linear(), LightGBM(rounds=20)], ids=lambda a: a.algorithm)
def test_real_searches_repeat_exactly_and_beat_the_constant(algorithm: Algorithm) -> None:
    tuned = real(algorithm, 3)
    assert real(algorithm, 3) == tuned
    assert tuned.loss < 0.9 * real(Constant(), 1).loss
    assert tuned.repeatable


def test_the_best_keep_their_predictions_and_no_other() -> None:
    tuned, best = kept(Guess(), plan(20, keep=3))
    ranked = sorted((each.loss, each.number) for each in tuned.attempts)[:3]
    assert [(each.attempt.loss, each.attempt.number) for each in best] == ranked
    for each in best:
        value = number(each.attempt.parameters, "value")
        assert [fold.tolist() for fold in each.predictions] == [[value, value]] * 2


def test_predictions_that_a_crash_lost_are_made_again() -> None:
    notes = Notes()
    tuned, best = kept(Guess(), plan(8, keep=2), journal=notes)
    again, found = kept(Guess(), plan(8, keep=2), journal=notes)
    assert again == tuned
    for one, other in zip(best, found, strict=True):
        assert one.attempt == other.attempt
        assert all(map(np.array_equal, one.predictions, other.predictions))


def test_failed_and_hopeless_trials_are_recorded_and_passed_over() -> None:
    tuned = search(Guess(fails_above=6), plan(30))
    failed = [each for each in tuned.attempts if each.failure]
    pruned = [each for each in tuned.attempts if each.pruned]
    assert failed
    assert pruned
    assert not {each.number for each in failed} & {each.number for each in pruned}
    assert all(number(each.parameters, "value") > 6 for each in failed)
    assert all(math.isinf(each.loss) for each in (*failed, *pruned))
    assert number(tuned.parameters, "value") <= 6
    assert Tuned.parse(tuned.canonical()) == tuned


def test_a_loss_that_is_not_finite_never_wins() -> None:
    def strict(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> float:
        return math.nan if prediction[0] > 6 else distance(target, prediction)

    tuned, _ = tune(Guess(), Levels(), task="regression", plan=plan(20), loss=strict)
    assert number(tuned.parameters, "value") <= 6
    assert math.inf in {each.loss for each in tuned.attempts}


@pytest.mark.parametrize("trials", [1, 4])
def test_a_search_in_which_all_fits_fail_says_why(trials: int) -> None:
    with pytest.raises(FitError, match=f"none of {trials} fits succeeded; the first: 5.0 is too"):
        search(Guess(fails_above=-1), plan(trials))


def test_an_algorithm_without_parameters_is_fitted_once() -> None:
    tuned = search(Constant(), plan(9, remembered=({},)))
    assert len(tuned.attempts) == 1
    assert tuned.parameters == {}
    assert tuned.repeatable


def test_a_search_cut_short_by_its_seconds_says_so() -> None:
    tuned = search(Guess(seconds=0.05), plan(1000, seconds=0.3))
    assert 1 <= len(tuned.attempts) <= 7
    assert not tuned.repeatable


def test_one_trial_is_always_made() -> None:
    tuned = search(Guess(seconds=0.02), plan(1, seconds=0.001))
    assert len(tuned.attempts) == 1
    assert tuned.repeatable


def test_the_seconds_of_trials_before_a_crash_count() -> None:
    whole = Notes()
    search(Guess(), plan(8), journal=whole)
    spent = {n: whole.held[n].model_copy(update={"seconds": 20.0}) for n in (1, 2, 3)}
    begun = time.monotonic()
    resumed = Notes(dict(spent))
    tuned = search(Guess(seconds=0.05), plan(8, seconds=60), journal=resumed)
    assert [each.number for each in tuned.attempts] == [1, 2, 3]
    assert not resumed.added
    assert not tuned.repeatable
    assert time.monotonic() - begun < 50


def test_what_is_known_is_told_before_each_trial() -> None:
    told: list[tuple[int, float | None, float]] = []
    tune(
        Guess(), Levels(), task="regression", plan=plan(3), loss=distance,
        tell=lambda *heard: told.append(heard),
    )  # fmt: skip
    assert [(number, best) for number, best, _ in told] == [(1, None), (2, 5.0), (3, 5.0)]
    assert all(0 < left <= 60 for _, _, left in told)


@pytest.mark.parametrize("budget", [{"trials": 0, "seconds": 1}, {"trials": 1, "seconds": 0}])
def test_a_budget_of_nothing_is_refused(budget: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate(budget)


def test_a_search_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(Guess(fails_above=6), plan(choices=(WINDOW,), remembered=({"value": 1.0},)))
    assert capfd.readouterr() == ("", "")
    assert not caught
