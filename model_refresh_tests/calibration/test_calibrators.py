from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import minimize
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression

from model_refresh.calibration import (
    MIN_ROWS,
    AnyCalibrator,
    Beta,
    Isotonic,
    Line,
    Platt,
    fit_calibrator,
    methods,
    read_calibrator,
)
from model_refresh.errors import FitError
from model_refresh.metrics.losses import LogLoss
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Task
from model_refresh_tests.calibration.worlds import World, chance, outcomes

FITTED: list[tuple[str, Task]] = [
    (method, task)
    for task in get_args(Task)
    for method in methods(task)
    if task != "multiclass" and method != "none"
]
EVERY = pytest.mark.parametrize(("method", "task"), FITTED)
PROBABILITIES = st.one_of(
    st.sampled_from([0.0, 1.0, 0.5, 1e-300, 1.0 - 2.0**-53]), st.floats(0.0, 1.0)
)


def drawn(rows: int = 400, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    predicted, target = World(level=0.5, scale=0.6, rows=rows).fold(rng)
    return predicted, target, rng.exponential(1.0, rows)


def logit(probability: Floats) -> Floats:
    return np.asarray(np.log(probability) - np.log1p(-probability))


def smoothed(target: Floats) -> Floats:
    positive = float(target.sum())
    negative = len(target) - positive
    return np.where(target == 1.0, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))


def test_none_is_the_first_method_and_the_only_one_of_a_multiclass_task() -> None:
    assert methods("binary") == ("none", "platt", "beta", "isotonic")
    assert methods("regression") == ("none", "isotonic", "line")
    assert methods("multiclass") == ("none",)


def test_none_leaves_predictions_of_any_shape_alone() -> None:
    classes = np.array([[0.0, 1.0], [0.5, 0.5]])
    none = fit_calibrator("none", np.empty(0), np.empty(0), task="multiclass")
    assert none.apply(classes) is classes


def test_platt_is_scikit_learns_sigmoid_of_the_log_odds() -> None:
    predicted, target, _ = drawn()
    fitted = fit_calibrator("platt", predicted, target, task="binary")
    slope, intercept = _sigmoid_calibration(logit(predicted), target)
    assert isinstance(fitted, Platt)
    assert fitted.slope == pytest.approx(-slope, rel=1e-3)
    assert fitted.intercept == pytest.approx(-intercept, rel=1e-3)


def test_platt_of_equal_predictions_moves_the_level_to_the_mean_of_smoothed_outcomes() -> None:
    target = np.repeat([1.0, 0.0], [30, 70])
    fitted = fit_calibrator("platt", np.full(100, 0.5), target, task="binary")
    expected = (30 * 31 / 32 + 70 * 1 / 72) / 100  # Platt 1999, section 2.2
    assert isinstance(fitted, Platt)
    assert fitted.slope == pytest.approx(1.0)
    assert fitted.apply(np.array([0.5])) == pytest.approx(expected, rel=1e-6)


def test_beta_is_scikit_learns_logistic_regression_on_both_logarithms() -> None:
    predicted, target, _ = drawn()
    columns = np.column_stack([np.log(predicted), -np.log(1.0 - predicted)])
    soft = smoothed(target)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.vstack([columns, columns]),
        np.repeat([1, 0], len(target)),
        sample_weight=np.concatenate([soft, 1.0 - soft]),
    )
    ours = fit_calibrator("beta", predicted, target, task="binary")
    assert isinstance(ours, Beta)
    assert [ours.a, ours.b] == pytest.approx(theirs.coef_[0], rel=1e-3)
    assert ours.c == pytest.approx(theirs.intercept_[0], rel=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_beta_is_the_best_with_slopes_of_at_least_0(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted = chance(rng.normal(0.0, 1.5, 300))
    target = outcomes(np.clip(1.2 * predicted * (1.3 - predicted), 0.0, 1.0), rng)
    soft, columns = smoothed(target), [np.log(predicted), -np.log1p(-predicted)]

    def loss(at: Floats) -> float:
        form = at[0] + at[1] * columns[0] + at[2] * columns[1]
        return float((np.logaddexp(0.0, form) - soft * form).mean())

    bounds = [(None, None), (0.0, None), (0.0, None)]
    theirs = minimize(loss, [0.0, 1.0, 1.0], bounds=bounds, method="L-BFGS-B", tol=1e-14)
    ours = fit_calibrator("beta", predicted, target, task="binary")
    assert isinstance(ours, Beta)
    assert min(ours.a, ours.b) >= 0.0
    assert loss(np.array([ours.c, ours.a, ours.b])) <= theirs.fun + 1e-9


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_predictions_that_rank_backwards_become_the_base_rate(method: str) -> None:
    predicted, target, _ = drawn()
    fitted = fit_calibrator(method, predicted, 1.0 - target, task="binary")
    middle = fitted.apply(np.quantile(predicted, [0.1, 0.9]))
    assert np.ptp(middle) < 0.02
    assert middle[0] == pytest.approx(1.0 - target.mean(), abs=0.02)


def test_isotonic_is_scikit_learns_with_one_opposite_row_at_each_end() -> None:
    predicted, target, weight = drawn()
    predicted = predicted.round(2)  # ties
    weight /= weight.mean()
    theirs = IsotonicRegression(out_of_bounds="clip").fit(
        np.concatenate([predicted, [predicted.min(), predicted.max()]]),
        np.concatenate([target, [1.0, 0.0]]),
        sample_weight=np.concatenate([weight, [1.0, 1.0]]),
    )
    ours = fit_calibrator("isotonic", predicted, target, task="binary", weight=weight)
    asked = np.linspace(0.0, 1.0, 1001)
    assert ours.apply(asked) == pytest.approx(theirs.predict(asked), abs=1e-12)


def test_isotonic_regression_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    predicted = rng.normal(0.0, 10.0, 300).round(1)
    target = predicted + rng.normal(0.0, 5.0, 300)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(predicted, target)
    ours = fit_calibrator("isotonic", predicted, target, task="regression")
    asked = np.linspace(-50.0, 50.0, 997)
    assert ours.apply(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)


def test_isotonic_by_hand() -> None:
    predicted = np.repeat([0.1, 0.3, 0.5, 0.9], 10)
    target = np.concatenate([np.tile([1.0] * k + [0.0] * (10 - k), 1) for k in (0, 4, 2, 10)])
    ours = fit_calibrator("isotonic", predicted, target, task="binary")
    # 0 of 10 and one more; 4 and 2 of 10 are pooled; 10 of 10 and a 0
    assert ours.apply(np.array([0.0, 0.1, 0.3, 0.4, 0.5, 0.9, 1.0])) == pytest.approx(
        [1 / 11, 1 / 11, 0.3, 0.3, 0.3, 10 / 11, 10 / 11]
    )
    assert ours.apply(np.array([0.2])) == pytest.approx((1 / 11 + 0.3) / 2)


def test_isotonic_of_many_pools_keeps_a_thousand_breakpoints() -> None:
    predicted = np.arange(50_000.0)
    ours = fit_calibrator("isotonic", predicted, np.sqrt(predicted), task="regression")
    assert isinstance(ours, Isotonic)
    assert len(ours.predicted) == 1000
    assert ours.apply(predicted[100:]) == pytest.approx(np.sqrt(predicted[100:]), rel=0.01)


def test_a_line_is_scikit_learns() -> None:
    rng = np.random.default_rng(4)
    predicted, weight = rng.normal(50.0, 10.0, 200), rng.exponential(1.0, 200)
    target = 3.0 + 0.7 * predicted + rng.normal(0.0, 5.0, 200)
    theirs = LinearRegression().fit(predicted[:, None], target, sample_weight=weight)
    ours = fit_calibrator("line", predicted, target, task="regression", weight=weight)
    assert isinstance(ours, Line)
    assert ours.slope == pytest.approx(theirs.coef_[0])
    assert ours.intercept == pytest.approx(theirs.intercept_)


def test_a_line_that_would_fall_is_level_and_one_of_equal_predictions_moves_them() -> None:
    predicted, target = np.arange(20.0), np.arange(20.0)[::-1]
    falling = fit_calibrator("line", predicted, target, task="regression")
    assert falling == Line(intercept=9.5, slope=0.0)
    level = fit_calibrator("line", np.full(20, 3.0), target, task="regression")
    assert level == Line(intercept=6.5, slope=1.0)


@EVERY
def test_weights_count_as_repeated_rows_do(method: str, task: Task) -> None:
    predicted, target, _ = drawn(300)
    times = np.random.default_rng(5).integers(1, 4, 300)
    weight = times.astype(np.float64)
    weighted = fit_calibrator(method, predicted, target, task=task, weight=weight)
    repeated = fit_calibrator(
        method, np.repeat(predicted, times), np.repeat(target, times), task=task
    )
    asked = np.quantile(predicted, np.linspace(0.1, 0.9, 9))
    # smoothing counts rows, and weights are brought to mean 1 before
    assert weighted.apply(asked) == pytest.approx(repeated.apply(asked), abs=0.02)
    scaled = fit_calibrator(method, predicted, target, task=task, weight=7.0 * weight)
    assert scaled.apply(asked) == pytest.approx(weighted.apply(asked), abs=1e-9)


@EVERY
def test_its_canonical_text_gives_it_back(method: str, task: Task) -> None:
    predicted, target, _ = drawn()
    fitted = fit_calibrator(method, predicted, target, task=task)
    again = read_calibrator(fitted.canonical())
    assert again == fitted
    assert again.digest() == fitted.digest()
    assert np.array_equal(again.apply(predicted), fitted.apply(predicted))


@EVERY
def test_a_row_alone_has_the_value_that_it_has_among_others(method: str, task: Task) -> None:
    predicted, target, _ = drawn()
    fitted = fit_calibrator(method, predicted, target, task=task)
    asked = np.random.default_rng(6).random(1001)
    together = fitted.apply(asked)
    assert np.array_equal(together, np.concatenate([fitted.apply(asked[[i]]) for i in range(1001)]))
    assert np.isnan(fitted.apply(np.array([np.nan, 0.5]))).tolist() == [True, False]


@given(
    rows=st.lists(st.tuples(PROBABILITIES, st.booleans()), min_size=MIN_ROWS, max_size=60),
    asked=st.lists(PROBABILITIES, min_size=2, max_size=30),
)
def test_probabilities_rise_stay_inside_and_have_a_finite_loss(
    rows: list[tuple[float, bool]], asked: list[float]
) -> None:
    predicted, target = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    target[:2] = 0.0, 1.0
    for method in methods("binary")[1:]:
        fitted = fit_calibrator(method, predicted, target, task="binary")
        values = fitted.apply(np.sort(np.array(asked)))
        assert (np.diff(values) >= -1e-15).all()
        assert (values > 0.0).all()
        assert (values < 1.0).all()
        assert np.isfinite(LogLoss().loss(np.zeros(len(asked)), values)).all()
        assert LogLoss().loss(np.ones(len(asked)), values).max() < 40.0


@given(
    rows=st.lists(st.tuples(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100)), min_size=MIN_ROWS),
    asked=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2),
)
def test_values_rise_and_are_finite(rows: list[tuple[float, float]], asked: list[float]) -> None:
    predicted, target = (np.array(column) for column in zip(*rows, strict=True))
    for method in methods("regression")[1:]:
        fitted = fit_calibrator(method, predicted, target, task="regression")
        values = fitted.apply(np.sort(np.array(asked)))
        assert np.isfinite(values).all()
        assert (np.diff(values) >= 0.0).all()


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_separated_classes_of_sure_predictions_have_a_finite_fit(method: str) -> None:
    target = np.repeat([0.0, 1.0], 50)
    fitted = fit_calibrator(method, target, target, task="binary")
    assert fitted.apply(np.array([0.0, 1.0])) == pytest.approx([0.02, 0.98], abs=0.005)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"method": "line"}, "there are none, platt, beta, isotonic"),
        ({"target": np.zeros(30)}, "all 30 rows have the outcome 0"),
        ({"predicted": np.full(30, np.nan)}, "30 of 30 predictions .* the first is nan"),
        ({"predicted": np.full(30, 1.5)}, "1.5 is no probability"),
        ({"target": np.full(30, 0.5)}, "an outcome of 0.5"),
        ({"target": np.ones(29)}, "one prediction, outcome and weight a row"),
        ({"weight": np.zeros(30)}, "weights are above 0"),
        ({"predicted": np.full(5, 0.5), "target": np.arange(5.0) % 2}, "5 rows are too few"),
    ],
)
def test_what_cannot_be_fitted_is_said(change: dict[str, object], told: str) -> None:
    given_ = {"method": "platt", "predicted": np.full(30, 0.5), "target": np.arange(30.0) % 2}
    with pytest.raises(FitError, match=told):
        fit_calibrator(**{**given_, **change}, task="binary")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"platt","intercept":0,"slope":-1}',
        '{"method":"platt","intercept":NaN,"slope":1}',
        '{"method":"isotonic","predicted":[0,1],"calibrated":[1,0]}',
        '{"method":"isotonic","predicted":[1,1],"calibrated":[0,1]}',
        '{"method":"isotonic","predicted":[0,1],"calibrated":[0]}',
        '{"method":"sigmoid"}',
    ],
)
def test_a_text_that_no_fit_has_written_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read_calibrator(text)


def test_the_union_has_every_class_by_its_method() -> None:
    assert {each.model_fields["method"].default for each in get_args(AnyCalibrator)} == {
        "none",
        "platt",
        "beta",
        "isotonic",
        "line",
    }
