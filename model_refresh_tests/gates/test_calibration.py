import math

import pytest
from pydantic import ValidationError

from model_refresh.gates import Calibration
from model_refresh.records import GateResult, MetricComparison
from model_refresh_tests.gates.factories import (
    make_comparison,
    make_interval,
    make_values,
    without_bounds,
)


@pytest.mark.parametrize(
    ("slope", "half_width", "outcome"),
    [
        (1.0, 0.1, "passed"),
        (0.8, 0.5, "passed"),
        (1.25, 0.5, "passed"),
        (0.75, 0.05, "inconclusive"),
        (0.75, 0.04, "failed"),
        (1.5, 0.25, "inconclusive"),
        (1.5, 0.24, "failed"),
        (0.1, 5.0, "inconclusive"),
        (0.79, 0.0, "failed"),
    ],
)
def test_it_fails_only_where_the_interval_excludes_the_range(
    slope: float, half_width: float, outcome: str
) -> None:
    result = Calibration().judge(make_comparison(_line("calibration_slope", slope, half_width)))
    assert result.outcome == outcome
    assert result.metric == "calibration_slope"
    assert result.value == slope


def test_the_worst_of_several_counts_and_is_told() -> None:
    comparison = make_comparison(
        _line("calibration_slope", 0.75, 0.1), _line("predicted_to_actual", 1.4, 0.1)
    )
    result = Calibration().judge(comparison)
    assert (result.outcome, result.metric) == ("failed", "predicted_to_actual")
    assert result.threshold == 1.1
    assert "1.4 (1.3 to 1.5) surely lies outside [0.9, 1.1]" in result.sentence
    assert "slope" not in result.sentence


def test_the_regressions_own_line_is_read() -> None:
    gate = Calibration(intercept=(-1.0, 1.0))
    assert gate.reads("regression", "rmse") == ("slope", "predicted_to_actual", "intercept")
    assert gate.reads("binary", "brier") == (
        "calibration_slope",
        "predicted_to_actual",
        "calibration_intercept",
    )
    comparison = make_comparison(_line("slope", 0.5, 0.1), task="regression")
    assert gate.judge(comparison).outcome == "failed"
    assert _passes(gate.judge(make_comparison(task="regression")))


def test_no_incumbent_is_needed() -> None:
    assert _passes(Calibration().judge(make_comparison(incumbent=None)))


@pytest.mark.parametrize("groups", [1, 4])
def test_too_few_groups_are_inconclusive_wherever_the_estimate_lies(groups: int) -> None:
    few = without_bounds(1.0, groups=groups)
    values = make_values("calibration_slope", challenger=1.0)
    comparison = make_comparison(values.model_copy(update={"challenger_interval": few}))
    result = Calibration().judge(comparison)
    assert result.outcome == "inconclusive"
    assert f"{groups} independent group" in result.sentence


def test_an_interval_that_was_not_computed_fails() -> None:
    values = make_values("calibration_slope").model_copy(update={"challenger_interval": None})
    result = Calibration().judge(make_comparison(values))
    assert result.outcome == "failed"
    assert "has no interval" in result.sentence


def test_what_does_not_fit_is_a_problem_of_the_declaration() -> None:
    assert Calibration().problems("binary", "log_loss") == ()
    assert Calibration().problems("regression", "rmse") == ()
    assert [field for field, _ in Calibration().problems("multiclass", "log_loss")] == ["gate"]
    nothing = Calibration(slope=None, ratio=None)
    assert [field for field, _ in nothing.problems("binary", "log_loss")] == ["slope"]
    assert nothing.judge(make_comparison()).outcome == "failed"


def test_a_comparison_of_classes_is_not_judged() -> None:
    comparison = make_comparison().model_copy(update={"task": "multiclass"})
    assert Calibration().judge(comparison).outcome == "failed"


@pytest.mark.parametrize("limits", [[1.2, 0.8], [1.0, 1.0], [0.8], [math.nan, 1], [0, math.inf]])
def test_a_range_rises_and_is_finite(limits: list[float]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate({"slope": limits})


def _line(name: str, estimate: float, half_width: float) -> MetricComparison:
    interval = make_interval(estimate, half_width)
    values = make_values(name, challenger=estimate)
    return values.model_copy(update={"challenger_interval": interval})


def _passes(result: GateResult) -> bool:
    return result.outcome == "passed"
