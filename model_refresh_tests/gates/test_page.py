"""docs/how-to/choose-gates.md says what is so: its examples parse, its table lists every gate."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from model_refresh.gates import Condition, Gate

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "choose-gates.md"
GATES: TypeAdapter[tuple[Condition, ...]] = TypeAdapter(tuple[Gate, ...])


def _blocks() -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", _blocks())
def test_every_example_is_a_list_of_gates(block: str) -> None:
    declared = YAML(typ="safe", pure=True).load(block)
    assert isinstance(declared, Mapping)
    assert set(declared) == {"gates"}
    gates = GATES.validate_python(declared["gates"])
    assert len(gates) == len(declared["gates"])
    assert [gate.problems("binary", "log_loss") for gate in gates] == [()] * len(gates)


def test_there_are_examples() -> None:
    assert len(_blocks()) >= 3


def test_the_table_lists_every_gate() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    union = get_args(get_args(Gate)[0])
    assert listed == [gate.model_fields["gate"].default for gate in union]
