"""Which method is chosen: error rates by simulation, with fixed seeds.

The stated shares are below what was met (docstrings), by more than three standard errors of 200.
"""

import numpy as np
import pytest

from model_refresh.calibration import choose_method, fit_calibrator, squared_errors
from model_refresh.calibration.choice import Fold
from model_refresh.errors import FitError
from model_refresh.metrics.losses import LogLoss
from model_refresh_tests.calibration.worlds import World, regression_fold

TIMES = 200
LOSS = LogLoss()
FOLDS = pytest.mark.parametrize("folds", [1, 2, 3])


def chosen(folds: list[Fold]) -> str:
    return choose_method(folds, task="binary", loss=LOSS.loss).method


def improves(folds: list[Fold], later: Fold) -> bool:
    """Whether what is chosen on the folds, and fitted on all of them, lowers the later loss."""
    predicted, target = (np.concatenate(column) for column in zip(*folds, strict=True))
    fitted = fit_calibrator(chosen(folds), predicted, target, task="binary")
    return LOSS.value(later[1], fitted.apply(later[0])) < LOSS.value(later[1], later[0])


@FOLDS
def test_right_probabilities_are_left_alone(folds: int) -> None:
    """Met: 186, 190, 197 of 200 for 1, 2, 3 folds of 1,000 rows."""
    right = World()
    left = sum(chosen(right.folds(folds, seed)) == "none" for seed in range(TIMES))
    assert left >= 170


@pytest.mark.parametrize(
    ("world", "folds", "least"),
    [(World(level=0.4), 2, 140), (World(level=0.4), 3, 185), (World(scale=0.7), 2, 185)],
)
def test_a_moved_base_rate_or_spread_is_corrected_and_later_rows_gain(
    world: World, folds: int, least: int
) -> None:
    """Met: 161, 196, 196 of 200; base rates are 0.15 predicted and 0.21 true."""
    drawn = [world.folds(folds + 1, seed) for seed in range(TIMES)]
    assert sum(improves(each[:-1], each[-1]) for each in drawn) >= least


def test_of_a_level_that_jumps_from_fold_to_fold_little_is_believed() -> None:
    """What a fit on the folds before gains on one fold, it loses on the next."""
    left = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        levels = (0.4, -0.4, 0.4, -0.4, 0.4)
        left += chosen([World(level=level).fold(rng) for level in levels]) == "none"
    assert left >= 45


@pytest.mark.parametrize(("level", "expected"), [(0.0, "none"), (1.0, "line")])
def test_a_regression_of_the_wrong_level_gets_a_line(level: float, expected: str) -> None:
    rng = np.random.default_rng(1)
    folds = [regression_fold(rng, level=level) for _ in range(3)]
    choice = choose_method(folds, task="regression", loss=squared_errors)
    assert choice.method == expected
    if expected == "line":
        assert choice.gain == pytest.approx(level**2, rel=0.3)


def test_gain_and_error_are_those_of_the_paired_differences() -> None:
    first, second = World(level=0.6).folds(2, seed=3)
    choice = choose_method([first, second], task="binary", loss=LOSS.loss)
    fitted = fit_calibrator(choice.method, *first, task="binary")
    predicted, target = second
    drops = LOSS.loss(target, predicted) - LOSS.loss(target, fitted.apply(predicted))
    assert choice.method != "none"
    assert choice.gain == pytest.approx(drops.mean())
    assert choice.standard_error == pytest.approx(drops.std(ddof=1) / np.sqrt(len(drops)))
    assert choice.sentence.endswith(f"{choice.method} gains most")
    assert [each.method for each in choice.tried] == ["platt", "beta", "isotonic"]


def test_rows_of_a_single_fold_are_fitted_on_and_judged_by_turns() -> None:
    whole = World(level=0.6).folds(1, seed=4)[0]
    even, odd = ((whole[0][k::2], whole[1][k::2]) for k in (0, 1))
    once = choose_method([whole], task="binary", loss=LOSS.loss)
    gains = [
        choose_method(each, task="binary", loss=LOSS.loss).tried
        for each in ([even, odd], [odd, even])
    ]
    assert [each.gain for each in once.tried] == pytest.approx(
        [(one.gain + other.gain) / 2.0 for one, other in zip(*gains, strict=True)]
    )


@pytest.mark.parametrize(
    ("folds", "told"),
    [
        ([], "no validation rows"),
        ([(np.full(10, 0.5), np.arange(10.0) % 2)] * 2, "10 rows are too few"),
        ([(np.full(40, 0.5), np.zeros(40))] * 3, "all 80 rows have the outcome 0"),
    ],
)
def test_where_nothing_can_be_learned_it_is_none_with_the_reason(
    folds: list[Fold], told: str
) -> None:
    choice = choose_method(folds, task="binary", loss=LOSS.loss)
    assert choice.method == "none"
    assert told in choice.sentence


def test_a_fold_too_small_to_learn_from_is_passed_over() -> None:
    tiny = (np.full(3, 0.2), np.zeros(3))
    large = World(level=1.0).folds(2, seed=5)
    assert chosen([tiny, *large]) != "none"


def test_a_multiclass_task_has_none() -> None:
    assert choose_method([], task="multiclass", loss=LOSS.loss).method == "none"


def test_predictions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(FitError, match="finite ones"):
        chosen([(np.full(50, np.nan), np.arange(50.0) % 2)])
