"""Faults of a gate, made on purpose: each of them changes a decision in the table below.

A gate that is wrong does not crash, it promotes or retains the wrong version. So each fault that
has been made somewhere (sides swapped, a model compared with itself, a sign turned, the margin
lost, the estimate taken for its bound) is made here, and must be seen.
"""

from collections.abc import Callable

import pytest

from model_refresh.gates import Margin, NonInferior, Superior
from model_refresh.metrics import Metric
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Comparison, Decision, Interval
from model_refresh_tests.gates.contests import (
    STRICT,
    USUAL,
    chance,
    decision_of,
    hold_contest,
    noisy,
    people,
)

Sides = tuple[Floats, Floats, Floats]
"""Target, challenger, incumbent."""

RIGHT: dict[str, tuple[Decision, Decision]] = {
    "better": ("promote", "promote"),
    "worse": ("retain", "retain"),
    "the same": ("promote", "retain"),
    "worse within the margin": ("promote", "retain"),
    "too few rows to tell": ("retain", "retain"),
}
"""Decisions of the usual gates (non-inferior), and of the strict ones (superior)."""


def test_the_table_is_decided_rightly() -> None:
    assert _decisions() == RIGHT


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        (lambda sides: (sides[0], sides[2], sides[1]), {"better", "worse"}),
        (lambda sides: (sides[0], sides[1], sides[1]), {"better", "worse", "too few rows to tell"}),
        (lambda sides: (sides[0], sides[2], sides[2]), {"better", "worse", "too few rows to tell"}),
    ],
    ids=["sides swapped", "challenger against itself", "incumbent against itself"],
)
def test_mixed_up_sides_are_seen(fault: Callable[[Sides], Sides], wrong: set[str]) -> None:
    assert _changed(_decisions(fault)) == wrong


def test_a_turned_sign_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    gain = Metric.gain
    monkeypatch.setattr(Metric, "gain", lambda self, new, old: -gain(self, new, old))
    assert "better" in _changed(_decisions())


@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "average_precision", "calibration_slope"])
def test_a_sign_is_right_whichever_way_a_metric_points(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Losses fall, ranks rise, a slope comes nearer to 1."""
    gates = (NonInferior.model_validate({"metric": name, "margin": 0.001}),)
    target, challenger, incumbent = _table()["better"]
    forth, back = (challenger, incumbent), (incumbent, challenger)
    assert decision_of(gates, hold_contest(target, *forth)) == "promote"
    assert decision_of(gates, hold_contest(target, *back)) == "retain"
    gain = Metric.gain
    monkeypatch.setattr(Metric, "gain", lambda self, new, old: -gain(self, new, old))
    assert decision_of(gates, hold_contest(target, *forth)) == "retain"
    assert decision_of(gates, hold_contest(target, *back)) == "promote"


def test_a_lost_margin_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Margin, "amount", lambda self, constant_loss: 0.0)
    assert _changed(_decisions()) == {"worse within the margin"}


def test_a_margin_of_another_size_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Margin, "amount", lambda self, constant_loss: self.number)
    assert "worse" in _changed(_decisions())


def test_an_estimate_taken_for_its_bound_is_seen() -> None:
    assert _changed(_decisions(judged=_without_doubt)) == {"too few rows to tell"}


def test_a_model_against_itself_differs_by_exactly_nothing() -> None:
    """The comparison step gives a gain and bounds of 0 and nothing detectable.

    So `non_inferior` passes with any margin, even none, and `superior` never does.
    """
    target, challenger, _ = _table()["better"]
    comparison = hold_contest(target, challenger, challenger)
    for values in comparison.metrics.values():
        gain = values.gain_over_incumbent
        assert gain is not None
        assert gain.estimate == 0.0
        assert values.detectable is None
    loss = comparison.metrics["log_loss"].gain_over_incumbent
    assert loss is not None
    assert (loss.lower, loss.upper) == (0.0, 0.0)
    for margin in (0.0, 0.01, "1%"):
        result = NonInferior.model_validate({"margin": margin}).judge(comparison)
        assert result.outcome == "passed"
        assert "no difference" in result.sentence
        superior = Superior.model_validate({"by": margin})
        assert superior.judge(comparison).outcome == "failed"


def _table() -> dict[str, Sides]:
    target, odds = people()
    few = slice(0, 250)
    return {
        "better": (target, chance(odds), noisy(odds, 1.0)),
        "worse": (target, noisy(odds, 1.0), chance(odds)),
        "the same": (target, chance(odds), chance(odds)),
        "worse within the margin": (target, noisy(odds, 0.1), chance(odds)),
        "too few rows to tell": (target[few], noisy(odds, 0.4)[few], noisy(odds, 0.4, seed=3)[few]),
    }


def _decisions(
    fault: Callable[[Sides], Sides] = lambda sides: sides,
    judged: Callable[[Comparison], Comparison] = lambda comparison: comparison,
) -> dict[str, tuple[Decision, Decision]]:
    found = {}
    for case, sides in _table().items():
        comparison = judged(hold_contest(*fault(sides)))
        found[case] = (decision_of(USUAL, comparison), decision_of(STRICT, comparison))
    return found


def _changed(decisions: dict[str, tuple[Decision, Decision]]) -> set[str]:
    return {case for case, decided in decisions.items() if decided != RIGHT[case]}


def _without_doubt(comparison: Comparison) -> Comparison:
    sure = {
        name: values.model_copy(
            update={
                "gain_over_incumbent": _sure(values.gain_over_incumbent),
                "gain_over_constant": _sure(values.gain_over_constant),
            }
        )
        for name, values in comparison.metrics.items()
    }
    return comparison.model_copy(update={"metrics": sure})


def _sure(gain: Interval | None) -> Interval | None:
    return gain and gain.model_copy(update={"lower": gain.estimate})
