"""The one module that Dagster loads: a fleet, whatever state it is in."""

import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from model_refresh_tests.factories import make_model, make_purchases

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

Load = Callable[..., dg.Definitions]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet of two good models and a broken one."""
    purchases = make_purchases(customers=20)
    for name, every in (("anna", "7d"), ("bert", "1mo")):
        make_model(tmp_path / "fleet", name=name, every=every, purchases=purchases)
    broken = tmp_path / "fleet" / "cleo"
    broken.mkdir()
    (broken / "model.yaml").write_text("name: cleo\ntaks: binary\n")
    return tmp_path / "fleet"


@pytest.fixture
def load(fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the definitions of the fleet with these settings."""

    def loaded(**settings: str) -> dg.Definitions:
        monkeypatch.delenv("MODEL_REFRESH_ONLY", raising=False)
        places = {"MODEL_REFRESH_FLEET": str(fleet), "MODEL_REFRESH_HOME": str(tmp_path / "home")}
        for name, value in {**places, **settings}.items():
            monkeypatch.setenv(name, value)
        sys.modules.pop("model_refresh.definitions", None)
        defs = importlib.import_module("model_refresh.definitions").defs
        assert isinstance(defs, dg.Definitions)
        return defs

    return loaded


def groups(defs: dg.Definitions) -> set[str | None]:
    return {spec.group_name for spec in defs.resolve_all_asset_specs()}


def test_a_broken_model_is_left_out_and_named(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="model_refresh"):
        defs = load()
    assert groups(defs) == {"anna", "bert", "fleet"}
    told = [record.getMessage() for record in caplog.records]
    assert told
    assert all(line.startswith("left out: ") and "cleo" in line for line in told)
    assert any("model.yaml:2:1" in line and "taks" in line for line in told)
    dg.Definitions.validate_loadable(defs)


def test_a_model_whose_library_is_missing_is_loaded_and_named(
    load: Load, fleet: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    needs = [{"algorithm": "linear"}, {"algorithm": "catboost"}]
    make_model(fleet, name="dora", purchases=make_purchases(customers=20), candidates=needs)
    monkeypatch.setattr("model_refresh.algorithms.declared.find_spec", lambda name: None)
    with caplog.at_level(logging.ERROR, logger="model_refresh"):
        defs = load(MODEL_REFRESH_ONLY="dora")
    assert defs.assets
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("no refresh until this is installed: ")
    assert told.endswith("pip install 'model_refresh[catboost]'")


def test_one_model_can_be_loaded_alone(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    defs = load(MODEL_REFRESH_ONLY="bert")
    assert groups(defs) == {"bert"}
    assert not caplog.records


def test_an_unknown_model_alone_gives_nothing_and_says_what_there_is(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    assert groups(load(MODEL_REFRESH_ONLY="brt")) == set()
    assert "did you mean 'bert'?" in caplog.text


def test_a_fleet_that_is_not_there_is_named(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    defs = load(MODEL_REFRESH_FLEET=str(tmp_path / "elsewhere"))
    assert groups(defs) == {"fleet"}
    assert "there is no such folder" in caplog.text
    dg.Definitions.validate_loadable(defs)


def test_each_model_has_a_schedule_and_the_fleet_its_sensors_and_one_job_that_approves(
    load: Load,
) -> None:
    repository = load().get_repository_def()
    schedules = {each.name for each in repository.schedule_defs}
    assert schedules == {"anna_schedule", "bert_schedule"}
    sensors = [each.name for each in repository.sensor_defs]
    assert {"new_data", "drift", "decay", "staleness", "score_after_refresh", "scoring"} <= set(
        sensors
    )
    assert {"alerts", "overview", "recover"} <= set(sensors)
    assert len(sensors) < 12  # one a reason, however many models there are
    assert sorted(repository.job_names) == ["__ASSET_JOB", "approve_promotion"]


def test_names_that_dagster_keeps_for_itself_are_good_names_of_models(
    load: Load, fleet: Path
) -> None:
    purchases = make_purchases(customers=20)
    names = {"default", "class", "input", "context", "new_data", "score_after_refresh"}
    for name in names:
        make_model(fleet, name=name, purchases=purchases)
    defs = load()
    assert groups(defs) == {"anna", "bert", "fleet", *names}
    dg.Definitions.validate_loadable(defs)


def test_loading_opens_no_heavy_library_and_warns_of_nothing() -> None:
    """Definitions load in the code server and in each run: seconds count, and lines are read."""
    heavy = ("lightgbm", "sklearn", "optuna", "scipy", "pandas", "matplotlib", "apprise")
    script = (
        "import json, sys; import model_refresh.definitions; "
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert not done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["dagster", "definitions", "validate"],
        ["dagster", "asset", "list", "-m", "model_refresh.definitions"],
        ["dg", "list", "defs", "--json"],
    ],
    ids=["by workspace.yaml", "list of assets", "list by dg"],
)
def test_dagsters_own_commands_work_from_the_project_root(
    command: list[str], tmp_path: Path
) -> None:
    environment = {**os.environ, "MODEL_REFRESH_HOME": str(tmp_path)}
    environment.pop("DAGSTER_HOME", None)
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "cdnow_repurchase/champion" in said or "passed" in said
