import math

import pytest

from model_refresh.gates import Value
from model_refresh_tests.gates.factories import (
    make_comparison,
    make_incumbent,
    make_interval,
    make_values,
)


@pytest.mark.parametrize(
    ("gain", "half_width", "outcome"),
    [
        (0.0, 0.009, "passed"),
        (0.0, 0.010, "inconclusive"),
        (-0.010, 0.001, "failed"),
        (0.02, 0.01, "passed"),
    ],
)
def test_the_default_margin_is_a_tenth_of_the_incumbents_advantage(
    gain: float, half_width: float, outcome: str
) -> None:
    """The incumbent is worth 0.09 more than the best blanket decision."""
    result = Value().judge(make_comparison(make_values("value", gain=gain, half_width=half_width)))
    assert result.outcome == outcome
    assert result.threshold == pytest.approx(-0.009)


def test_an_incumbent_without_advantage_leaves_no_margin() -> None:
    values = make_values("value", gain=-0.001, half_width=0.0)
    worse = values.model_copy(update={"incumbent_over_constant": make_interval(-0.2, 0.1)})
    assert Value().judge(make_comparison(worse)).outcome == "failed"
    gained = worse.model_copy(update={"gain_over_incumbent": make_interval(0.01, 0.01)})
    assert Value().judge(make_comparison(gained)).outcome == "passed"
    for undefined in (None, make_interval(math.nan, 0.1)):
        broken = values.model_copy(update={"incumbent_over_constant": undefined})
        result = Value().judge(make_comparison(broken))
        assert result.outcome == "failed"
        assert "the margin has no value" in result.sentence


def test_a_margin_in_the_unit_of_the_costs() -> None:
    gate = Value.model_validate({"margin": 0.05})
    values = make_values("value", gain=-0.03, half_width=0.01)
    assert gate.judge(make_comparison(values)).outcome == "passed"


@pytest.mark.parametrize(
    ("gain", "half_width", "outcome"),
    [(0.1, 0.05, "passed"), (0.1, 0.1, "inconclusive"), (-0.1, 0.05, "failed")],
)
def test_without_an_incumbent_the_best_blanket_decision_must_be_beaten(
    gain: float, half_width: float, outcome: str
) -> None:
    values = make_values("value", over_constant=make_interval(gain, half_width))
    result = Value().judge(make_comparison(values, incumbent=None))
    assert result.outcome == outcome


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(("floor", "outcome"), [(-0.3, "passed"), (-0.29, "failed")])
def test_a_floor_holds_with_and_without_an_incumbent(
    floor: float, outcome: str, alone: bool
) -> None:
    incumbent = None if alone else make_incumbent()
    result = Value(at_least=floor).judge(make_comparison(incumbent=incumbent))
    assert result.outcome == outcome


def test_an_incomparable_incumbent_needs_a_person() -> None:
    comparison = make_comparison(incumbent=make_incumbent(incomparable="its query fails"))
    assert Value().judge(comparison).severity == "reject"
