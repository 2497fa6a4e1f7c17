from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from model_refresh.gates import (
    Absolute,
    BeatsConstant,
    Calibration,
    Condition,
    Gate,
    Latency,
    NonInferior,
    Size,
    Slices,
    Stability,
    Superior,
    TwinAgreement,
    Value,
)
from model_refresh_tests.contracts.gates import GateContract

GATES: tuple[Condition, ...] = (
    BeatsConstant(),
    NonInferior(),
    NonInferior.model_validate({"metric": "roc_auc", "margin": 0.01}),
    Superior(),
    Superior.model_validate({"metric": "brier", "by": "0.1%"}),
    Absolute(metric="roc_auc", at_least=0.7),
    Absolute(metric="log_loss", at_most=0.3),
    Calibration(),
    Calibration(slope=None, intercept=(-0.2, 0.2)),
    Slices(),
    Slices.model_validate({"margin": 0.01}),
    Value(),
    Value.model_validate({"margin": 0.01, "at_least": -1.0}),
    Stability(),
    Stability(of="tier", at_most=0.1),
    Latency(at_most_ms=5.0),
    Size(),
    TwinAgreement(),
)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.model_dump_json())
class TestEveryGate(GateContract):
    pass


def test_every_gate_of_the_union_is_tested() -> None:
    union = get_args(get_args(Gate)[0])
    assert {type(gate) for gate in GATES} == set(union)


def test_an_unknown_gate_is_answered_with_those_that_exist() -> None:
    adapter: TypeAdapter[Condition] = TypeAdapter(Gate)
    with pytest.raises(ValidationError, match="'beats_constant', 'non_inferior', 'superior', 'abs"):
        adapter.validate_python({"gate": "better"})


def test_only_a_gate_on_latency_asks_for_time() -> None:
    assert [gate for gate in GATES if gate.asks_latency] == [Latency(at_most_ms=5.0)]
