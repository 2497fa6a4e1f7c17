"""Values against scikit-learn, SciPy and definitions written out."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import sklearn.linear_model
import sklearn.metrics

from model_refresh.metrics import metric
from model_refresh.metrics.protocol import Floats
from model_refresh_tests.metrics.factories import make_rows

Reference = Callable[[Floats, Floats], float]

REFERENCES: dict[str, Reference] = {
    "log_loss": lambda y, p: sklearn.metrics.log_loss(y, p, labels=[0, 1]),
    "roc_auc": sklearn.metrics.roc_auc_score,
    "average_precision": sklearn.metrics.average_precision_score,
    "brier": sklearn.metrics.brier_score_loss,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mae": sklearn.metrics.mean_absolute_error,
    "r2": sklearn.metrics.r2_score,
    "slope": lambda y, p: scipy.stats.linregress(p, y).slope,
    "intercept": lambda y, p: scipy.stats.linregress(p, y).intercept,
    "spearman": lambda y, p: scipy.stats.spearmanr(y, p).statistic,
    "calibration_slope": lambda y, p: _recalibration(y, p)[1],
    "calibration_intercept": lambda y, p: _recalibration(y, p)[0],
    "lift_at_10": lambda y, p: _lift(y, p),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [None, 4, 10])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_value_is_that_of_an_independent_implementation(
    name: str, levels: int | None, seed: int
) -> None:
    target, (prediction, _) = make_rows(metric(name), seed=seed, rows=237, levels=levels)
    if name.startswith("calibration"):
        prediction = np.clip(prediction, 0.01, 0.99)
    expected = REFERENCES[name](target, prediction)
    assert metric(name).value(target, prediction) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_log_loss_survives_certainty_that_is_wrong() -> None:
    target, prediction = np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    expected = sklearn.metrics.log_loss(target, prediction, labels=[0, 1])
    assert metric("log_loss").value(target, prediction) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("only", [0.0, 1.0])
@pytest.mark.parametrize("name", ["roc_auc", "calibration_slope", "calibration_intercept"])
def test_one_class_alone_has_no_value(name: str, only: float) -> None:
    assert np.isnan(metric(name).value(np.full(50, only), np.linspace(0.1, 0.9, 50)))


@pytest.mark.parametrize("name", ["average_precision", "lift_at_10"])
def test_without_a_positive_row_there_is_nothing_to_find(name: str) -> None:
    assert np.isnan(metric(name).value(np.zeros(50), np.linspace(0.1, 0.9, 50)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", 0.5),
        ("average_precision", 0.25),
        ("lift_at_10", 1.0),
        ("brier", 0.1875),
        ("calibration_slope", np.nan),
        ("calibration_intercept", np.nan),
    ],
)
def test_the_constant_prediction_of_a_class(name: str, expected: float) -> None:
    target = np.tile([1.0, 0.0, 0.0, 0.0], 10)
    value = metric(name).value(target, np.full(40, 0.25))
    assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("r2", 0.0), ("rmse", np.sqrt(1.25)), ("mae", 1.0), ("slope", np.nan), ("spearman", np.nan)],
)
def test_the_constant_prediction_of_a_number(name: str, expected: float) -> None:
    value = metric(name).value(np.tile([0.0, 1.0, 2.0, 3.0], 10), np.full(40, 1.5))
    assert value == pytest.approx(expected, nan_ok=True)


def test_classes_that_do_not_overlap_have_no_calibration_line() -> None:
    target, prediction = np.repeat([0.0, 1.0], 20), np.linspace(0.05, 0.95, 40)
    assert np.isnan(metric("calibration_slope").value(target, prediction))


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -1.0), (2.0, 0.7)])
def test_recalibration_finds_the_line_that_made_the_outcomes(
    slope: float, intercept: float
) -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(-1.0, 1.5, size=100_000)
    truth = 1.0 / (1.0 + np.exp(-(intercept + slope * odds)))
    target = (rng.random(len(odds)) < truth).astype(np.float64)
    prediction = 1.0 / (1.0 + np.exp(-odds))
    assert metric("calibration_slope").value(target, prediction) == pytest.approx(slope, rel=0.04)
    found = metric("calibration_intercept").value(target, prediction)
    assert found == pytest.approx(intercept, abs=0.05)


def test_recalibration_stands_probabilities_of_0_and_1() -> None:
    rng = np.random.default_rng(0)
    prediction = np.concatenate([np.zeros(200), np.ones(200), rng.random(600)])
    target = (rng.random(1000) < 0.1 + 0.8 * prediction).astype(np.float64)
    expected = _recalibration(target, np.clip(prediction, 2.2e-16, 1 - 2.2e-16))
    assert metric("calibration_slope").value(target, prediction) == pytest.approx(
        expected[1], rel=1e-3
    )


@pytest.mark.parametrize("name", ["log_loss", "brier", "roc_auc"])
@pytest.mark.parametrize("wrong", [1.2, -0.1])
def test_a_prediction_outside_0_and_1_is_no_probability(name: str, wrong: float) -> None:
    target, prediction = np.tile([0.0, 1.0], 20), np.full(40, 0.5)
    prediction[3] = wrong
    assert np.isnan(metric(name).value(target, prediction))


def test_a_class_is_0_or_1() -> None:
    assert np.isnan(metric("log_loss").value(np.array([0.0, 2.0]), np.array([0.2, 0.4])))


def _recalibration(target: Floats, prediction: Floats) -> tuple[float, float]:
    odds = np.log(prediction / (1.0 - prediction))
    fitted = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    fitted.fit(odds[:, None], target)
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0])


def _lift(target: Floats, prediction: Floats) -> float:
    """Expected hits of a random order among ties: walk down the levels until the tenth is full."""
    room = hits = 0.0
    room = len(target) / 10
    for level in sorted(set(prediction), reverse=True):
        tied = target[prediction == level]
        taken = min(room, len(tied))
        hits += taken * tied.mean()
        room -= taken
    return float(hits / (len(target) / 10) / target.mean())
