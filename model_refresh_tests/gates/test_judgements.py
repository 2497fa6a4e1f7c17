"""Each rule of each gate, and the sentence in which it is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model_refresh.gates import Absolute, BeatsConstant, Gate, NonInferior, Superior, sentences
from model_refresh.records import Task
from model_refresh_tests.gates.factories import (
    make_comparison,
    make_incumbent,
    make_interval,
    make_values,
    without_bounds,
)

COMPARATIVE = (NonInferior(), Superior())
PRIMARY: dict[Task, str] = {"binary": "brier", "regression": "mae", "multiclass": "accuracy"}


@pytest.mark.parametrize(
    ("gain", "half_width", "outcome"),
    [
        (0.0012, 0.0016, "passed"),
        (-0.0020, 0.0005, "passed"),
        (-0.0020, 0.0021, "inconclusive"),
        (0.0010, 0.0060, "inconclusive"),
        (-0.0041, 0.0060, "failed"),
        (-0.0041, 0.0, "failed"),
        (0.0, 0.0, "passed"),
    ],
)
def test_non_inferior_holds_the_lower_bound_against_the_margin(
    gain: float, half_width: float, outcome: str
) -> None:
    """1% of the constant's loss of 0.4 is 0.004."""
    values = make_values("log_loss", gain=gain, half_width=half_width, constant=0.4)
    result = NonInferior().judge(make_comparison(values))
    assert result.outcome == outcome
    assert result.threshold == -0.004
    assert result.value == gain
    assert result.interval == values.gain_over_incumbent


@given(st.floats(-0.1, 0.1), st.floats(0, 0.1), st.floats(0, 0.1))
def test_outcomes_follow_from_estimate_bound_and_margin(
    gain: float, half_width: float, margin: float
) -> None:
    gate = NonInferior.model_validate({"margin": margin})
    values = make_values("log_loss", gain=gain, half_width=half_width)
    outcome = gate.judge(make_comparison(values)).outcome
    assert (outcome == "passed") == (gain - half_width >= -margin)
    assert (outcome == "failed") == (gain < -margin)


@pytest.mark.parametrize(
    ("by", "gain", "half_width", "outcome"),
    [
        (0.0, 0.010, 0.009, "passed"),
        (0.0, 0.010, 0.010, "inconclusive"),
        (0.0, 0.0, 0.0, "failed"),
        (0.0, -0.001, 0.010, "failed"),
        ("1%", 0.010, 0.005, "passed"),
        ("1%", 0.010, 0.007, "inconclusive"),
        ("1%", 0.003, 0.001, "failed"),
    ],
)
def test_superior_asks_for_more_than_nothing(
    by: str | float, gain: float, half_width: float, outcome: str
) -> None:
    values = make_values("log_loss", gain=gain, half_width=half_width, constant=0.4)
    gate = Superior.model_validate({"by": by})
    assert gate.judge(make_comparison(values)).outcome == outcome


@pytest.mark.parametrize(
    ("gain", "half_width", "outcome"),
    [
        (0.1, 0.02, "passed"),
        (0.1, 0.1, "inconclusive"),
        (0.0, 0.0, "failed"),
        (-0.1, 0.2, "failed"),
    ],
)
@pytest.mark.parametrize(
    ("task", "yardstick"),
    [("binary", "log_loss"), ("regression", "rmse"), ("multiclass", "log_loss")],
)
def test_the_constant_is_beaten_in_the_tasks_own_loss(
    task: Task, yardstick: str, gain: float, half_width: float, outcome: str
) -> None:
    values = make_values(yardstick, over_constant=make_interval(gain, half_width))
    comparison = make_comparison(values, task=task, primary=PRIMARY[task])
    result = BeatsConstant().judge(comparison)
    assert (result.outcome, result.metric) == (outcome, yardstick)


@pytest.mark.parametrize("gate", COMPARATIVE)
def test_without_an_incumbent_there_is_nothing_to_compare_with(gate: Gate) -> None:
    result = gate.judge(make_comparison(incumbent=None))
    assert result.outcome == "not_applicable"
    assert result.passes


@pytest.mark.parametrize("gate", COMPARATIVE)
def test_an_incomparable_incumbent_needs_a_person(gate: Gate) -> None:
    why = "its query fails: no column named tenure"
    comparison = make_comparison(incumbent=make_incumbent(incomparable=why))
    result = gate.judge(comparison)
    assert (result.outcome, result.severity) == ("failed", "reject")
    assert result.sentence == f"incomparable: {why}"
    assert BeatsConstant().judge(comparison).outcome == "passed"


@pytest.mark.parametrize("gate", [*COMPARATIVE, BeatsConstant()])
@pytest.mark.parametrize("groups", [1, 4])
def test_too_few_groups_are_inconclusive_and_say_so(gate: Gate, groups: int) -> None:
    few = without_bounds(0.1, groups=groups)
    values = make_values("log_loss").model_copy(
        update={"gain_over_constant": few, "gain_over_incumbent": few}
    )
    result = gate.judge(make_comparison(values))
    assert result.outcome == "inconclusive"
    assert f"not judged: {groups} independent group" in result.sentence
    assert result.sentence.endswith("with the rarer class, 5 are needed")


@pytest.mark.parametrize("constant", [None, math.nan])
def test_a_percentage_of_no_loss_fails(constant: float | None) -> None:
    values = make_values("log_loss", constant=constant)
    result = NonInferior().judge(make_comparison(values))
    assert result.outcome == "failed"
    assert "the margin has no value" in result.sentence


@pytest.mark.parametrize(
    ("limit", "value", "outcome"),
    [
        ({"at_least": 0.7}, 0.7, "passed"),
        ({"at_least": 0.7}, 0.6999, "failed"),
        ({"at_most": 0.9}, 0.9, "passed"),
        ({"at_most": 0.9}, 0.91, "failed"),
        ({"at_least": 0.0}, 0.1, "passed"),
    ],
)
def test_an_absolute_gate_looks_at_the_value(
    limit: dict[str, float], value: float, outcome: str
) -> None:
    gate = Absolute.model_validate({"metric": "roc_auc", **limit})
    result = gate.judge(make_comparison(make_values("roc_auc", challenger=value), incumbent=None))
    assert (result.outcome, result.value) == (outcome, value)


@pytest.mark.parametrize("limits", [{}, {"at_least": 0.1, "at_most": 0.2}, {"at_least": math.nan}])
def test_an_absolute_gate_has_one_finite_limit(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Absolute.model_validate({"metric": "roc_auc", **limits})


@pytest.mark.parametrize(
    ("gate", "gain", "half_width", "sentence"),
    [
        (
            NonInferior(), 0.0012, 0.0016,
            "log loss 0.1821 against the incumbent's 0.1833: better by 0.0012 (at least -0.0004 "
            "at 95% confidence), within the margin of 0.0025",
        ),
        (
            NonInferior(), -0.0034, 0.0011,
            "log loss 0.1821 against the incumbent's 0.1787: worse by 0.0034 (at most 0.0045 "
            "at 95% confidence), beyond the margin of 0.0025",
        ),
        (
            NonInferior(), 0.0, 0.0050,
            "log loss 0.1821 against the incumbent's 0.1821: no difference (at least -0.0050 "
            "at 95% confidence), too uncertain for the margin of 0.0025: about 4.0 times as many "
            "rows would decide (9,500, or 4 frames of holdout, instead of 2,357 rows in 1 frame)",
        ),
        (
            Superior(), 0.0034, 0.0011,
            "log loss 0.1821 against the incumbent's 0.1855: better by 0.0034 (at least 0.0023 "
            "at 95% confidence), which is better",
        ),
        (
            Superior.model_validate({"by": 0.01}), 0.0034, 0.0011,
            "log loss 0.1821 against the incumbent's 0.1855: better by 0.0034 (at least 0.0023 "
            "at 95% confidence), which is not better by more than 0.0100",
        ),
    ],
)  # fmt: skip
def test_sentences_are_said_as_at_a_meeting(
    gate: Gate, gain: float, half_width: float, sentence: str
) -> None:
    values = make_values(
        "log_loss", challenger=0.1821, gain=gain, half_width=half_width, constant=0.25
    )
    assert gate.judge(make_comparison(values)).sentence == sentence


def test_large_numbers_are_read_with_separators() -> None:
    values = make_values("rmse", challenger=12_345.6, gain=812.3, half_width=300.0, constant=50_000)
    result = NonInferior().judge(make_comparison(values, task="regression"))
    assert result.sentence == (
        "RMSE 12,346 against the incumbent's 13,158: better by 812 (at least 512 at 95% "
        "confidence), within the margin of 500"
    )


def test_a_slope_comes_nearer_to_its_aim() -> None:
    values = make_values("calibration_slope", challenger=1.1, gain=0.12, half_width=0.03)
    gate = NonInferior.model_validate({"metric": "calibration_slope", "margin": 0.05})
    assert "nearer to 1 by 0.120" in gate.judge(make_comparison(values)).sentence


@pytest.mark.parametrize(
    ("gain", "said"),
    [(-0.0040, "no number of rows would decide"), (-0.0039999, "more than 1,000 times as many")],
)
def test_what_no_patience_decides_is_said(gain: float, said: str) -> None:
    values = make_values("log_loss", gain=gain, half_width=0.005, constant=0.4)
    gate = NonInferior.model_validate({"margin": 0.0040})
    assert said in gate.judge(make_comparison(values)).sentence


@pytest.mark.parametrize(
    ("name", "least", "said"),
    [
        ("roc_auc", 0.004, "this holdout can't see less than 0.0040 ROC AUC (power 80%)"),
        ("rmse", 1234.5, "this holdout can't see less than 1,234 RMSE (power 80%)"),
        ("log_loss", None, None),
        ("log_loss", math.nan, None),
    ],
)
def test_what_a_holdout_cannot_see_is_said(
    name: str, least: float | None, said: str | None
) -> None:
    values = make_values(name).model_copy(update={"detectable": least})
    assert sentences.detectable(values, make_comparison()) == said


def test_an_inconclusive_answer_tells_what_these_rows_can_see() -> None:
    values = make_values("log_loss", gain=0.001, half_width=0.006)
    seen = values.model_copy(update={"detectable": 0.0091})
    result = NonInferior().judge(make_comparison(seen))
    assert result.outcome == "inconclusive"
    assert result.sentence.endswith(
        "; this holdout can't see less than 0.0091 log loss (power 80%)"
    )


def test_versions_that_differ_on_too_few_rows_are_not_judged() -> None:
    few = without_bounds(0.1, groups=900)
    values = make_values("log_loss").model_copy(update={"gain_over_incumbent": few})
    result = NonInferior().judge(make_comparison(values))
    assert result.outcome == "inconclusive"
    assert result.sentence.endswith("not judged: too few rows differ for bounds")


@pytest.mark.parametrize(
    ("metric", "margin", "is_fine"),
    [
        ("log_loss", "1%", True),
        ("mae", "1%", True),
        ("roc_auc", "1%", False),
        ("roc_auc", 0.01, True),
        ("r2", "2%", False),
        ("spearman", 0.02, True),
        ("calibration_slope", "5%", False),
        ("precision@5%", "5%", False),
        ("precision@5%", 0.05, True),
        ("no_such_metric", "1%", True),
    ],
)
@pytest.mark.parametrize("is_primary", [True, False])
def test_percentages_are_for_positive_losses(
    metric: str, margin: str | float, is_fine: bool, is_primary: bool
) -> None:
    task: Task = "regression" if metric in {"mae", "r2", "spearman"} else "binary"
    named = None if is_primary else metric
    non_inferior = NonInferior.model_validate({"metric": named, "margin": margin})
    superior = Superior.model_validate({"metric": named, "by": margin})
    for gate, field in ((non_inferior, "margin"), (superior, "by")):
        problems = gate.problems(task, metric if is_primary else "brier")
        assert [name for name, _ in problems] == ([] if is_fine else [field])
    assert BeatsConstant().problems(task, metric) == ()
