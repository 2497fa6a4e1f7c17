"""docs/how-to/add-an-algorithm.md says what is so: its example keeps the contract."""

import re
from pathlib import Path
from types import ModuleType
from typing import Annotated, get_args

import pytest
from pydantic import Field, TypeAdapter

from model_refresh.algorithms import AnyAlgorithm
from model_refresh.records import Task
from model_refresh_tests.contracts.algorithms import AlgorithmContract, cases

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-an-algorithm.md"
NAME = "the_pages_groups"


def example() -> type[AnyAlgorithm]:
    """The class of the page's first block of code, which is a whole module."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    code = code.replace('"groups"', f'"{NAME}"')
    module = ModuleType("groups")
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    kind: type[AnyAlgorithm] = module.Groups
    return kind


GROUPS = example()
"""Under a name of its own: whoever follows the page has another `groups` in the union."""


@pytest.mark.parametrize(("kind", "task"), cases([GROUPS]))
class TestTheExample(AlgorithmContract):
    """The page's algorithm, for the tasks that it names."""

    def test_its_name_and_options_rebuild_it(self, kind: type[AnyAlgorithm], task: Task) -> None:
        union = Annotated[AnyAlgorithm | GROUPS, Field(discriminator="algorithm")]  # type: ignore[valid-type]
        assert TypeAdapter(union).validate_python({"algorithm": NAME}) == kind.model_validate({})


def test_the_line_to_change_is_the_unions_own() -> None:
    names = [kind.__name__ for kind in get_args(AnyAlgorithm) if kind.__name__ != "Groups"]
    assert f"AnyAlgorithm = {' | '.join(names)} | Groups\n" in PAGE.read_text()


def test_files_that_the_page_names_exist() -> None:
    root = PAGE.parents[2]
    named = re.findall(r"`((?:model_refresh|model_refresh_tests)/[a-z_/]+\.py)`", PAGE.read_text())
    missing = {name for name in named if not (root / name).exists()}
    assert missing <= {"model_refresh/algorithms/groups.py"}
