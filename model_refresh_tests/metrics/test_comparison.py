import datetime as dt

import numpy as np
import pytest

from model_refresh.errors import Contaminated, DataError
from model_refresh.metrics import Holdout, compare_metrics, evaluate, metric, names, paired
from model_refresh.metrics.value import Value
from model_refresh.records import MetricComparison, Task
from model_refresh_tests.metrics.factories import (
    AS_OF,
    KNOWN_AT,
    make_holdout,
    make_predicted,
    make_rows,
)

AUCKLAND = dt.timezone(dt.timedelta(hours=13))


@pytest.mark.parametrize(
    "known_at", [AS_OF + dt.timedelta(microseconds=1), AS_OF + dt.timedelta(days=400)]
)
def test_no_metric_judges_a_version_on_what_it_has_learned(known_at: dt.datetime) -> None:
    target, (new, old) = make_rows(metric("log_loss"), seed=0)
    holdout, late, right = (
        make_holdout(target),
        make_predicted(new, known_at=known_at),
        make_predicted(old),
    )
    with pytest.raises(Contaminated, match="60 of 60 holdout rows, the first as of 1998-02-02"):
        evaluate(metric("log_loss"), holdout, late)
    for sides in ((late, right), (right, late)):
        with pytest.raises(Contaminated):
            paired(metric("log_loss"), holdout, *sides, confidence=0.95)
    for challenger, constant, incumbent in (
        (late, right, right),
        (right, late, None),
        (right, None, late),
    ):
        with pytest.raises(Contaminated):
            compare_metrics(
                [metric("brier")], holdout, challenger=challenger, constant=constant, incumbent=incumbent, confidence=0.95
            )  # fmt: skip


@pytest.mark.parametrize("known_at", [AS_OF, AS_OF.astimezone(AUCKLAND), KNOWN_AT])
def test_what_was_known_by_the_frames_instant_may_be_learned(known_at: dt.datetime) -> None:
    target, (new, _) = make_rows(metric("log_loss"), seed=0)
    predicted = make_predicted(new, known_at=known_at)
    value = evaluate(metric("log_loss"), make_holdout(target), predicted)
    assert value == metric("log_loss").value(target, new)


def test_one_early_row_is_one_too_many() -> None:
    target, (new, _) = make_rows(metric("mae"), seed=0)
    as_of = make_holdout(target).as_of.copy()
    as_of[17] -= np.timedelta64(365, "D")
    with pytest.raises(Contaminated, match="1 of 60"):
        evaluate(metric("mae"), Holdout(target, np.arange(60), as_of), make_predicted(new))


def test_a_row_without_an_instant_is_contaminated() -> None:
    target, (new, _) = make_rows(metric("mae"), seed=0)
    as_of = make_holdout(target).as_of.copy()
    as_of[3] = np.datetime64("NaT")
    with pytest.raises(Contaminated):
        evaluate(metric("mae"), Holdout(target, np.arange(60), as_of), make_predicted(new))


def test_an_instant_without_zone_is_refused() -> None:
    target, (new, _) = make_rows(metric("mae"), seed=0)
    naive = make_predicted(new, known_at=KNOWN_AT.replace(tzinfo=None))
    with pytest.raises(DataError, match="no time zone"):
        evaluate(metric("mae"), make_holdout(target), naive)


def test_predictions_of_other_rows_are_refused() -> None:
    target, (new, _) = make_rows(metric("mae"), seed=0)
    with pytest.raises(DataError, match="one prediction a row"):
        evaluate(metric("mae"), make_holdout(target), make_predicted(new[:-1]))


def test_a_holdout_has_one_value_a_row_in_each_column() -> None:
    with pytest.raises(DataError, match=r"target \(3,\), group \(2,\)"):
        Holdout(np.zeros(3), np.arange(2), np.full(3, np.datetime64("1998-02-02")))


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_all_sides_are_compared_on_the_same_rows(task: Task) -> None:
    compared = _compared(task)
    assert tuple(compared) == names(task)
    for name, values in compared.items():
        assert values.incumbent is not None
        assert values.gain_over_incumbent is not None
        gain = metric(name).gain(values.challenger, values.incumbent)
        assert values.gain_over_incumbent.estimate == gain
        if values.constant is not None:
            assert values.gain_over_constant is not None
            assert values.incumbent_over_constant is not None
            over = values.gain_over_constant.estimate - values.incumbent_over_constant.estimate
            assert over == pytest.approx(gain)
        for interval, value in (
            (values.challenger_interval, values.challenger),
            (values.incumbent_interval, values.incumbent),
        ):
            assert interval is not None
            assert interval.estimate == value
            assert interval.lower < value < interval.upper
        aims = isinstance(metric(name).direction, float)
        assert aims == (values.detectable is None)


def test_detectable_is_said_at_the_asked_power() -> None:
    low, high = (_compared("regression", power=power)["rmse"] for power in (0.5, 0.9))
    assert low.gain_over_incumbent == high.gain_over_incumbent
    assert low.gain_over_incumbent is not None
    half_width = low.gain_over_incumbent.estimate - low.gain_over_incumbent.lower
    assert low.detectable == pytest.approx(half_width)
    assert high.detectable is not None
    assert high.detectable > half_width


def test_a_metric_may_carry_what_its_name_does_not() -> None:
    target, (new, old) = make_rows(metric("value"), seed=0, rows=200)
    sides = [make_predicted(side) for side in (new, old)]
    costs = Value(((0.0, 2.0), (40.0, 0.0)))
    values = compare_metrics(
        [costs, metric("precision@5%")],
        make_holdout(target),
        challenger=sides[0],
        constant=None,
        incumbent=sides[1],
        confidence=0.95,
    )
    assert tuple(values) == ("value", "precision@5%")
    assert values["value"].challenger == costs.value(target, new)


def test_predictions_of_other_shape_than_the_task_have_no_value() -> None:
    target, (new, _) = make_rows(metric("macro_auc"), seed=0)
    predicted = make_predicted(new[:, 0])
    assert np.isnan(evaluate(metric("log_loss"), make_holdout(target), predicted))


@pytest.mark.parametrize(
    ("task", "nameless"),
    [
        ("binary", {"calibration_slope", "calibration_intercept", "ks"}),
        ("regression", {"slope", "intercept", "spearman"}),
        ("multiclass", set()),
    ],
)
def test_a_constant_has_neither_slope_nor_ranks(task: Task, nameless: set[str]) -> None:
    compared = _compared(task)
    assert {name for name, values in compared.items() if values.constant is None} == nameless
    assert {n for n, values in compared.items() if values.gain_over_constant is None} == nameless


def test_a_model_without_incumbent_is_compared_with_the_constant_alone() -> None:
    target, (new, _) = make_rows(metric("rmse"), seed=0)
    values = compare_metrics(
        [metric("rmse")],
        make_holdout(target),
        challenger=make_predicted(new),
        constant=make_predicted(np.zeros(60)),
        incumbent=None,
        confidence=0.9,
    )["rmse"]
    assert values.incumbent is None
    assert values.incumbent_interval is None
    assert values.detectable is None
    assert values.challenger_interval is not None
    assert values.gain_over_incumbent is None
    assert values.incumbent_over_constant is None
    assert values.gain_over_constant is not None


def test_a_challenger_that_predicts_nan_has_no_bounds() -> None:
    target, (new, old) = make_rows(metric("rmse"), seed=0)
    new[0] = np.nan
    interval = paired(
        metric("rmse"),
        make_holdout(target),
        make_predicted(new),
        make_predicted(old),
        confidence=0.9,
    )
    assert np.isnan([interval.estimate, interval.lower, interval.upper]).all()


def test_a_comparison_survives_its_own_text() -> None:
    for values in _compared("binary").values():
        assert MetricComparison.parse(values.canonical()).canonical() == values.canonical()


def _compared(task: Task, *, power: float = 0.8) -> dict[str, MetricComparison]:
    metrics = [metric(name) for name in names(task)]
    target, (new, old) = make_rows(metrics[0], seed=0, rows=200, task=task)
    if task == "regression":
        target, new, old = target + 5.0, new + 5.0, old + 5.0
    constant = np.tile([0.5, 0.3, 0.2], (200, 1)) if new.ndim == 2 else np.full(200, 0.3)
    return compare_metrics(
        metrics,
        make_holdout(target),
        challenger=make_predicted(new),
        constant=make_predicted(constant),
        incumbent=make_predicted(old),
        confidence=0.95,
        power=power,
    )
