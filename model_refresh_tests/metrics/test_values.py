"""Values against scikit-learn, SciPy and definitions written out."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import sklearn.linear_model
import sklearn.metrics

from model_refresh.metrics import metric
from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.value import Costs, Value
from model_refresh_tests.metrics.factories import PRICES, case_of, make_rows

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
    "lift@10%": lambda y, p: _lift(y, p, 10.0),
    "lift@25%": lambda y, p: _lift(y, p, 25.0),
    "gain@10%": lambda y, p: _hits(y, p, len(y) * 0.1) / y.sum(),
    "ks": lambda y, p: scipy.stats.ks_2samp(p[y == 1.0], p[y == 0.0]).statistic,
    "brier_reliability": lambda y, p: _murphy(y, p)[0],
    "brier_resolution": lambda y, p: _murphy(y, p)[1],
    "predicted_to_actual": lambda y, p: p.sum() / y.sum(),
    "accuracy": lambda y, p: sklearn.metrics.accuracy_score(y, p >= 0.5),
    "accuracy@0.3": lambda y, p: sklearn.metrics.accuracy_score(y, p >= 0.3),
    "precision": lambda y, p: sklearn.metrics.precision_score(y, p >= 0.5),
    "precision@0.3": lambda y, p: sklearn.metrics.precision_score(y, p >= 0.3),
    "precision@5%": lambda y, p: _hits(y, p, len(y) * 0.05) / (len(y) * 0.05),
    "precision@50": lambda y, p: _hits(y, p, 50.0) / 50.0,
    "precision@500": lambda y, _: y.mean(),
    "recall": lambda y, p: sklearn.metrics.recall_score(y, p >= 0.5),
    "recall@0.3": lambda y, p: sklearn.metrics.recall_score(y, p >= 0.3),
    "recall@50": lambda y, p: _hits(y, p, 50.0) / y.sum(),
    "f1": lambda y, p: sklearn.metrics.f1_score(y, p >= 0.5),
    "f1@0.3": lambda y, p: sklearn.metrics.f1_score(y, p >= 0.3),
    "f1@50": lambda y, p: 2.0 * _hits(y, p, 50.0) / (50.0 + y.sum()),
    "accuracy@50": lambda y, p: 1.0 - (50.0 + y.sum() - 2.0 * _hits(y, p, 50.0)) / len(y),
    "pinball@0.5": sklearn.metrics.mean_pinball_loss,
    "pinball@0.9": lambda y, p: sklearn.metrics.mean_pinball_loss(y, p, alpha=0.9),
    "poisson_deviance": sklearn.metrics.mean_poisson_deviance,
    "tweedie@1.2": lambda y, p: sklearn.metrics.mean_tweedie_deviance(y, p, power=1.2),
    "tweedie@1.5": lambda y, p: sklearn.metrics.mean_tweedie_deviance(y, p, power=1.5),
}

OF_CLASSES: dict[str, Reference] = {
    "log_loss": lambda y, p: sklearn.metrics.log_loss(y, p, labels=[0, 1, 2]),
    "macro_auc": lambda y, p: sklearn.metrics.roc_auc_score(y, p, multi_class="ovr"),
    "accuracy": lambda y, p: sklearn.metrics.accuracy_score(y, p.argmax(axis=1)),
    "macro_f1": lambda y, p: sklearn.metrics.f1_score(y, p.argmax(axis=1), average="macro"),
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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [None, 4, 10])
@pytest.mark.parametrize("name", OF_CLASSES)
def test_a_value_of_several_classes_is_that_of_scikit_learn(
    name: str, levels: int | None, seed: int
) -> None:
    target, (prediction, _) = make_rows(
        metric(name), seed=seed, rows=237, levels=levels, task="multiclass"
    )
    expected = OF_CLASSES[name](target, prediction)
    assert metric(name).value(target, prediction) == pytest.approx(expected, rel=1e-9)


def test_two_columns_are_worth_what_one_is() -> None:
    target, (prediction, _) = make_rows(metric("roc_auc"), seed=0, rows=200)
    both = np.column_stack([1.0 - prediction, prediction])
    costs = ((0.0, 2.0), (40.0, 0.0))
    for each in (metric("log_loss"), metric("accuracy"), Value(costs)):
        assert each.value(target, both) == pytest.approx(each.value(target, prediction))
    assert metric("macro_auc").value(target, both) == pytest.approx(
        metric("roc_auc").value(target, prediction)
    )


def test_where_each_tenth_has_one_prediction_murphys_parts_make_up_the_brier_score() -> None:
    rng = np.random.default_rng(0)
    prediction = np.repeat(np.linspace(0.05, 0.95, 10), 30)
    target = (rng.random(300) < prediction**2).astype(np.float64)
    parts = [
        metric(f"brier_{part}").value(target, prediction) for part in ("reliability", "resolution")
    ]
    uncertainty = target.mean() * (1.0 - target.mean())
    assert parts[0] - parts[1] + uncertainty == pytest.approx(
        sklearn.metrics.brier_score_loss(target, prediction)
    )


def test_log_loss_survives_certainty_that_is_wrong() -> None:
    target, prediction = np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    expected = sklearn.metrics.log_loss(target, prediction, labels=[0, 1])
    assert metric("log_loss").value(target, prediction) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("only", [0.0, 1.0])
@pytest.mark.parametrize(
    "name", ["roc_auc", "ks", "brier_resolution", "calibration_slope", "calibration_intercept"]
)
def test_one_class_alone_has_no_value(name: str, only: float) -> None:
    assert np.isnan(metric(name).value(np.full(50, only), np.linspace(0.1, 0.9, 50)))


@pytest.mark.parametrize(
    "name",
    [
        "average_precision",
        "lift@10%",
        "gain@10%",
        "recall",
        "recall@5%",
        "f1",
        "predicted_to_actual",
    ],
)
def test_without_a_positive_row_there_is_nothing_to_find(name: str) -> None:
    assert np.isnan(metric(name).value(np.zeros(50), np.linspace(0.1, 0.9, 50)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", 0.5),
        ("average_precision", 0.25),
        ("lift@10%", 1.0),
        ("gain@10%", 0.1),
        ("ks", np.nan),
        ("brier_reliability", 0.0),
        ("brier_resolution", np.nan),
        ("predicted_to_actual", 1.0),
        ("accuracy", 0.75),
        ("precision", np.nan),
        ("precision@5%", 0.25),
        ("precision@0.2", 0.25),
        ("precision@500", 0.25),
        ("recall", 0.0),
        ("recall@500", 1.0),
        ("f1", 0.0),
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
    [
        ("r2", 0.0),
        ("rmse", np.sqrt(1.25)),
        ("mae", 1.0),
        ("slope", np.nan),
        ("spearman", np.nan),
        ("predicted_to_actual", 1.0),
        ("pinball@0.9", 0.5),
    ],
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


@pytest.mark.parametrize("name", ["poisson_deviance", "tweedie@1.5"])
@pytest.mark.parametrize(
    ("outcome", "predicted", "is_defined"),
    [(0.0, 1.0, True), (-0.1, 1.0, False), (1.0, 0.0, False), (1.0, -1.0, False), (0.0, 5e-324, True)],
)  # fmt: skip
def test_a_deviance_takes_outcomes_of_0_and_predictions_above_it(
    name: str, outcome: float, predicted: float, is_defined: bool
) -> None:
    target, prediction = np.array([1.0, 2.0, outcome]), np.array([1.0, 1.5, predicted])
    assert np.isfinite(metric(name).value(target, prediction)) == is_defined


@pytest.mark.parametrize("name", ["rmse", "tweedie@1.9", "r2", "slope"])
def test_what_is_too_large_for_a_float_has_no_value(name: str) -> None:
    target, prediction = np.array([1e200, 1e300, 1.0, 2.0]), np.array([1e300, 5e-324, 1.0, 1e-300])
    assert np.isnan(metric(name).value(target, prediction))


@pytest.mark.parametrize("name", ["log_loss", "accuracy", "macro_auc", "macro_f1"])
@pytest.mark.parametrize(
    ("target", "prediction"),
    [
        ([0.0, 1.0, 3.0], np.full((3, 3), 1 / 3)),
        ([0.0, 1.0, -1.0], np.full((3, 3), 1 / 3)),
        ([0.0, 1.0, 0.5], np.full((3, 3), 1 / 3)),
        ([0.0, 1.0, 2.0], np.full((3, 3), 0.333)),
        ([0.0, 1.0, 2.0], [[1.1, -0.1, 0.0]] * 3),
        ([0.0, 1.0, 2.0], np.full((2, 3), 1 / 3)),
        ([0.0, 0.0, 0.0], np.ones((3, 1))),
        ([0.0, 1.0, 2.0], np.full((3, 3, 1), 1 / 3)),
    ],
)
def test_probabilities_of_classes_are_whole_and_classes_are_codes(
    name: str, target: list[float], prediction: Floats
) -> None:
    assert np.isnan(metric(name).value(np.array(target), np.asarray(prediction)))


@pytest.mark.parametrize("name", ["roc_auc", "rmse", "spearman", "precision"])
def test_several_columns_are_for_several_classes(name: str) -> None:
    assert np.isnan(metric(name).value(np.array([0.0, 1.0]), np.full((2, 2), 0.5)))


def test_an_area_over_classes_needs_them_all() -> None:
    target, (prediction, _) = make_rows(metric("macro_auc"), seed=0)
    assert np.isnan(metric("macro_auc").value(np.minimum(target, 1.0), prediction))
    assert np.isfinite(metric("macro_f1").value(np.minimum(target, 1.0), prediction))


def test_a_value_is_that_of_the_cheapest_decision() -> None:
    """Elkan 2001, section 2.2: act from 2 / (2 + 40) on."""
    rng = np.random.default_rng(0)
    prediction = rng.random(500)
    target = (rng.random(500) < prediction).astype(np.float64)
    acts = prediction > 2.0 / 42.0
    cost = np.where(acts, np.where(target == 1.0, 0.0, 2.0), np.where(target == 1.0, 40.0, 0.0))
    value = Value(((0.0, 2.0), (40.0, 0.0))).value(target, prediction)
    assert value == pytest.approx(-cost.mean())


def test_a_value_of_classes_is_that_of_the_cheapest_column() -> None:
    each = case_of(metric("value"), "multiclass").metric
    target, (prediction, _) = make_rows(each, seed=0, task="multiclass")
    costs = PRICES["multiclass"]
    total = 0.0
    for happened, row in zip(target.astype(int), prediction, strict=True):
        expected = [sum(row[i] * costs[i][j] for i in range(3)) for j in range(3)]
        total += costs[happened][expected.index(min(expected))]
    assert each.value(target, prediction) == pytest.approx(-total / len(target))


def test_decisions_of_equal_cost_are_the_first() -> None:
    target, prediction = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert Value(((0.0, 1.0), (1.0, 0.0))).value(target, prediction) == -0.5
    assert Value(((0.0, 3.0), (3.0, 0.0))).value(np.zeros(2), prediction) == 0.0


def test_without_costs_of_these_classes_there_is_no_value() -> None:
    target, (prediction, _) = make_rows(metric("macro_auc"), seed=0)
    assert np.isnan(metric("value").value(target, prediction))
    assert np.isnan(Value(((0.0, 1.0), (1.0, 0.0))).value(target, prediction))
    assert np.isnan(Value(PRICES["multiclass"]).value(np.zeros(3), np.full(3, 0.5)))


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        (((0.0, 1.0),), "1 rows with"),
        (((0.0, 1.0), (1.0,)), "as many rows as columns"),
        (((0.0,),), "2 or more classes"),
        ((), "2 or more classes"),
        (((0.0, np.nan), (1.0, 0.0)), "not finite"),
        (((0.0, np.inf), (1.0, 0.0)), "not finite"),
    ],
)
def test_costs_are_a_square_of_finite_numbers(costs: Costs, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Value(costs)


def _murphy(target: Floats, prediction: Floats) -> tuple[float, float]:
    """Murphy 1973 over bins of equal tenths of ranks, bin by bin."""
    tenth = np.floor(10.0 * (scipy.stats.rankdata(prediction) - 0.5) / len(target))
    reliability = resolution = 0.0
    for each in np.unique(tenth):
        inside = tenth == each
        observed, weight = target[inside].mean(), inside.mean()
        reliability += weight * (prediction[inside].mean() - observed) ** 2
        resolution += weight * (observed - target.mean()) ** 2
    return float(reliability), float(resolution)


def _recalibration(target: Floats, prediction: Floats) -> tuple[float, float]:
    odds = np.log(prediction / (1.0 - prediction))
    fitted = sklearn.linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    fitted.fit(odds[:, None], target)
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0])


def _lift(target: Floats, prediction: Floats, percent: float) -> float:
    room = len(target) * percent / 100.0
    return float(_hits(target, prediction, room) / room / target.mean())


def _hits(target: Floats, prediction: Floats, room: float) -> float:
    """Expected hits of a random order among ties: walk down the levels until there is no room."""
    hits = 0.0
    for level in sorted(set(prediction), reverse=True):
        tied = target[prediction == level]
        taken = min(room, len(tied))
        hits += taken * tied.mean()
        room -= taken
    return float(hits)
