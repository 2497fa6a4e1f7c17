from typing import get_args

import pytest

from model_refresh.algorithms import AnyAlgorithm, CatBoost, Constant, XGBoost
from model_refresh.records import Task


@pytest.mark.parametrize("kind", [CatBoost, XGBoost])
def test_a_missing_library_is_found_without_importing_it(
    kind: type[AnyAlgorithm], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("model_refresh.algorithms.declared.find_spec", asked.append)
    name = kind.__name__.lower()
    told = kind.model_validate({}).missing_library()
    assert told == f"{name} is not installed: pip install 'model_refresh[{name}]'"
    assert asked == [name]


def test_an_algorithm_is_for_all_tasks_unless_it_says_otherwise() -> None:
    assert Constant().tasks() == get_args(Task)
    assert Constant().starts("binary") == ({},)
