"""The single file scores as the formula does, and imports the standard library alone."""

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from model_refresh.scorer.golden import Golden


@pytest.fixture(scope="module")
def path(folder: Path, golden: Golden) -> Path:
    """The single file."""
    return folder / f"{golden.model}_score.py"


@pytest.fixture(scope="module")
def module(path: Path) -> ModuleType:
    """The single file, loaded."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_golden_row_is_scored_as_in_a_batch(module: ModuleType, golden: Golden) -> None:
    assert golden.disagreements(module.score) == []


def test_it_imports_the_standard_library_alone(path: Path) -> None:
    found = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in found if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in found if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
