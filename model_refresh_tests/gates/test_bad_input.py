"""Rows and predictions that say nothing: none of them promotes anybody by accident."""

from collections.abc import Callable

import numpy as np
import pytest

from model_refresh.gates import (
    Absolute,
    BeatsConstant,
    Calibration,
    Condition,
    Latency,
    NonInferior,
    Size,
    Slices,
    Stability,
    Superior,
    TwinAgreement,
    Value,
)
from model_refresh.metrics import metric, paired
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Clause, Slice, SliceComparison
from model_refresh_tests.gates.contests import (
    STRICT,
    USUAL,
    chance,
    decision_of,
    hold_contest,
    noisy,
    people,
)
from model_refresh_tests.gates.factories import make_comparison
from model_refresh_tests.metrics.factories import make_holdout, make_predicted

Rows = tuple[Floats, Floats, Floats | None]
"""Target, challenger, incumbent."""

BY_BOUNDS: tuple[Condition, ...] = (
    BeatsConstant(),
    NonInferior(),
    NonInferior.model_validate({"metric": "roc_auc", "margin": 0.5}),
    Superior(),
    Calibration(slope=(-100.0, 100.0), ratio=(0.001, 100.0)),
    Value.model_validate({"margin": 100.0}),
)
"""Gates that need bounds, most of them with room for anything."""


def _honest(rows: int = 400) -> tuple[Floats, Floats, Floats]:
    target, odds = people()
    return target[:rows], chance(odds)[:rows], noisy(odds, 0.5)[:rows]


def _few(rows: int) -> Callable[[], Rows]:
    def made() -> Rows:
        target, challenger, incumbent = _honest(rows)
        return np.where(np.arange(rows) < 2, 1.0, target * 0.0), challenger, incumbent

    return made


def _one_class(outcome: float) -> Callable[[], Rows]:
    def made() -> Rows:
        target, challenger, incumbent = _honest()
        return np.full(len(target), outcome), challenger, incumbent

    return made


def _spoilt(value: float, *, everywhere: bool) -> Callable[[], Rows]:
    def made() -> Rows:
        target, challenger, incumbent = _honest()
        spoilt = challenger.copy()
        spoilt[slice(None) if everywhere else 7] = value
        return target, spoilt, incumbent

    return made


SAYS_NOTHING: dict[str, Callable[[], Rows]] = {
    "one row": _few(1),
    "two rows": _few(2),
    "five rows": _few(5),
    "nobody bought": _one_class(0.0),
    "everybody bought": _one_class(1.0),
    "one prediction is nan": _spoilt(np.nan, everywhere=False),
    "all predictions are nan": _spoilt(np.nan, everywhere=True),
    "one prediction is infinite": _spoilt(np.inf, everywhere=False),
    "one prediction is minus infinity": _spoilt(-np.inf, everywhere=False),
    "one prediction is no chance": _spoilt(1.5, everywhere=False),
    "one prediction is negative": _spoilt(-0.1, everywhere=False),
}


@pytest.mark.parametrize("case", SAYS_NOTHING)
@pytest.mark.parametrize("alone", [True, False])
def test_rows_that_say_nothing_let_nobody_through(case: str, alone: bool) -> None:
    target, challenger, incumbent = SAYS_NOTHING[case]()
    comparison = hold_contest(target, challenger, None if alone else incumbent)
    for gate in BY_BOUNDS:
        outcome = gate.judge(comparison).outcome
        absent = alone and isinstance(gate, NonInferior | Superior)
        assert outcome in ({"failed", "not_applicable"} if absent else {"failed", "inconclusive"})
    assert decision_of(USUAL, comparison) == "retain"
    assert decision_of(STRICT, comparison) == "retain"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_incumbent_without_values_is_no_reason_to_promote(value: float) -> None:
    target, challenger, incumbent = _honest()
    broken = incumbent.copy()
    broken[7] = value
    comparison = hold_contest(target, challenger, broken)
    for gate in (NonInferior(), Superior(), Value()):
        assert gate.judge(comparison).outcome == "failed"
    assert decision_of(USUAL, comparison) == "retain"


@pytest.mark.parametrize("level", [0.0, 0.2, 0.4, 1.0])
@pytest.mark.parametrize("alone", [True, False])
def test_a_constant_challenger_is_not_promoted(level: float, alone: bool) -> None:
    target, _, _ = _honest()
    flat = np.full(len(target), level)
    comparison = hold_contest(target, flat, None if alone else flat.copy())
    assert BeatsConstant().judge(comparison).outcome != "passed"
    assert Calibration().judge(comparison).outcome == "failed"
    assert decision_of(USUAL, comparison) == "retain"


def test_the_constant_itself_does_not_beat_the_constant() -> None:
    target, _, _ = _honest()
    flat = np.full(len(target), target.mean())
    assert BeatsConstant().judge(hold_contest(target, flat, None)).outcome == "failed"


def test_a_constant_outcome_of_a_regression_promotes_nobody() -> None:
    target = np.full(400, 3.0)
    challenger = 3.0 + 0.1 * np.random.default_rng(1).normal(size=400)
    comparison = hold_contest(target, challenger, None, task="regression")
    assert decision_of(USUAL, comparison) == "retain"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_regression_with_predictions_that_are_no_numbers(value: float) -> None:
    rng = np.random.default_rng(2)
    target = rng.normal(size=400)
    challenger = target + 0.1 * rng.normal(size=400)
    assert decision_of(USUAL, hold_contest(target, challenger, None, task="regression")) == (
        "promote"
    )
    challenger[3] = value
    assert decision_of(USUAL, hold_contest(target, challenger, None, task="regression")) == (
        "retain"
    )


def test_ties_are_judged_like_anything_else() -> None:
    """Predictions in steps of a tenth: coarse, honest, and the same whatever the rows' order."""
    target, challenger, incumbent = _honest(4000)
    coarse = [np.clip(np.round(each, 1), 0.01, 0.99) for each in (challenger, incumbent)]
    order = np.random.default_rng(5).permutation(len(target))
    straight = hold_contest(target, coarse[0], coarse[1])
    shuffled = hold_contest(target[order], coarse[0][order], coarse[1][order])
    for gate in BY_BOUNDS:
        assert gate.judge(straight).outcome == gate.judge(shuffled).outcome
    assert decision_of(STRICT, straight) == "promote"
    assert decision_of(STRICT, hold_contest(target, coarse[1], coarse[0])) == "retain"


def test_a_slice_with_no_positives_is_told_and_not_judged() -> None:
    target, challenger, incumbent = _honest()
    inside = target == 0.0
    rows = make_holdout(target[inside])
    ours, theirs = make_predicted(challenger[inside]), make_predicted(incumbent[inside])
    part = Slice(source="declared", clauses=(Clause(column="segment", values=("gold",)),))
    gain = paired(metric("log_loss"), rows, ours, theirs, confidence=0.95)
    compared = SliceComparison(
        slice=part, metric="log_loss", rows=int(inside.sum()), challenger=0.3, gain=gain
    )
    comparison = hold_contest(target, challenger, incumbent).model_copy(
        update={"slices": (compared,)}
    )
    result = Slices().judge(comparison)
    assert result.sentence == "no slice could be judged: 1 slice too small to judge"
    spoilt = hold_contest(target, np.full(len(target), np.nan), incumbent)
    assert Slices().judge(spoilt.model_copy(update={"slices": (compared,)})).outcome == "failed"


@pytest.mark.parametrize(
    "gate",
    [
        Stability(at_most=1.0),
        Stability(of="tier", at_most=1.0),
        Latency(at_most_ms=6e4),
        Size(at_most_mib=1e6),
        Absolute(metric="roc_auc", at_least=0.0),
        Calibration(),
        Value(),
        BeatsConstant(),
        NonInferior(),
    ],
    ids=lambda gate: gate.model_dump_json(),
)
def test_what_is_missing_fails(gate: Condition) -> None:
    """A comparison without metrics, curves, migration and footprint, of an older version."""
    bare = make_comparison().model_copy(
        update={"metrics": {}, "curves": {}, "migration": None, "footprint": None, "slices": ()}
    )
    assert gate.judge(bare).outcome == "failed"
    assert decision_of((gate,), bare) == "retain"


def test_nothing_but_what_is_asked_afterwards_promotes_nobody() -> None:
    assert decision_of((TwinAgreement(),), make_comparison()) == "retain"
