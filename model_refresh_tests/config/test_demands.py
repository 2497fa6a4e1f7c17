"""A library or a column that a candidate demands: told with its place, and only when it matters."""

import re

import pytest

from model_refresh.config.demands import missing_libraries, require_columns, require_libraries
from model_refresh.errors import ConfigError
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab

INSTALL = "pip install 'model_refresh[catboost]'"
NAIVE = {"training.candidates": [{"algorithm": "constant"}, {"algorithm": "naive", "column": "x"}]}


@pytest.fixture
def lacking(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose second candidate needs a library that isn't installed."""
    monkeypatch.setattr("model_refresh.algorithms.declared.find_spec", lambda name: None)
    named = [{"algorithm": name} for name in ("constant", "catboost", "linear")]
    return lab.again({"training.candidates": named})


def line_of(lab: Lab, text: str) -> int:
    lines = (lab.folder / "model.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_missing_library_has_its_place_and_the_command_that_installs_it(lacking: Lab) -> None:
    (told,) = missing_libraries(lacking.model)
    place = f"{lacking.folder / 'model.yaml'}:{line_of(lacking, 'catboost')}:"
    assert told.startswith(place)
    assert f"training.candidates[1]: catboost is not installed: {INSTALL}" in told
    with pytest.raises(ConfigError, match=re.escape(INSTALL)):
        require_libraries(lacking.model)


def test_no_refresh_begins_without_a_library(lacking: Lab) -> None:
    with pytest.raises(ConfigError, match=re.escape(INSTALL)):
        lacking.refresh(SECOND)


def test_a_column_that_no_feature_has_is_told_with_those_that_are_near(lab: Lab) -> None:
    declared = lab.again(NAIVE)
    require_columns(declared.model, ["customer_id", "x"])
    with pytest.raises(ConfigError) as refused:
        require_columns(declared.model, ["customer_id", "visits"])
    assert "training.candidates[1]: naive carries forward 'x', which" in str(refused.value)
    assert str(refused.value).endswith("there are 'visits'")


REALTIME = {"deploy": ["batch", "realtime"]}


def test_what_a_scorer_needs_is_demanded_where_one_is_deployed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = lab.again(REALTIME)
    assert missing_libraries(deployed.model) == []
    monkeypatch.setattr("model_refresh.config.demands.find_spec", lambda name: None)
    (told,) = missing_libraries(deployed.model)
    place = f"{lab.folder / 'model.yaml'}:{line_of(lab, 'deploy')}:"
    assert told.startswith(place)
    assert told.endswith("pytest): pip install 'model_refresh[realtime]'")
    assert "deploy: realtime needs what is not installed (starlette, uvicorn" in told
    with pytest.raises(ConfigError, match=re.escape("pip install 'model_refresh[realtime]'")):
        require_libraries(deployed.model)
    assert missing_libraries(lab.again({}).model) == []


def test_a_candidate_that_no_scorer_can_be_made_of_is_refused_where_it_is_declared(
    lab: Lab,
) -> None:
    named = [{"algorithm": name} for name in ("constant", "linear", "catboost", "ensemble")]
    assert lab.again({"training.candidates": named}).model.spec.deploy == ("batch",)
    with pytest.raises(ConfigError) as refused:
        lab.again({"training.candidates": named, **REALTIME})
    (told,) = refused.value.problems
    assert told.startswith(f"{lab.folder / 'model.yaml'}:{line_of(lab, 'catboost')}:")
    assert "training.candidates[2]: what catboost learns can't be written out" in told
