from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from model_refresh.gates import (
    Absolute,
    BeatsConstant,
    Condition,
    Gate,
    NonInferior,
    Superior,
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
