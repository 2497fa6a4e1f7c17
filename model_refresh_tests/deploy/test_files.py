"""The shipped files agree with each other, and with the programs that read them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
VARIABLES = ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "MODEL_REFRESH_FLEET", "MODEL_REFRESH_HOME")


def read(path: Path) -> dict[str, object]:
    loaded: dict[str, object] = YAML(typ="safe").load(path)
    return loaded


def test_the_settings_of_a_server_differ_in_their_storage_only() -> None:
    server = read(DEPLOY / "dagster-postgresql.yaml")
    assert server.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert server == read(ROOT / "dagster.yaml")


def test_both_workspaces_name_the_location_alike() -> None:
    for path in (ROOT / "workspace.yaml", DEPLOY / "workspace.yaml"):
        assert path.read_text().count("location_name: model_refresh\n") == 1
    code = (DEPLOY / "systemd" / "model-refresh-code.service").read_text()
    assert "-h 127.0.0.1 -p 4266 --location-name model_refresh" in code


def test_the_environment_names_what_is_read_from_it() -> None:
    lines = (DEPLOY / "model-refresh.env").read_text().splitlines()
    given = {line.split("=")[0] for line in lines if line and not line.startswith("#")}
    assert set(VARIABLES) <= given
    assert any(line.startswith("DAGSTER_POSTGRES_URL=postgresql+psycopg2://") for line in lines)


def test_stopping_the_daemon_leaves_its_workers_alone() -> None:
    daemon = (DEPLOY / "systemd" / "model-refresh-daemon.service").read_text().splitlines()
    assert "KillMode=process" in daemon
    assert "PrivateTmp=yes" not in daemon, "a worker's /tmp would go with the daemon"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    programs = str(Path(sys.executable).parent)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/model-refresh/.venv/bin", programs)
        (tmp_path / unit.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *[str(tmp_path / unit.name) for unit in UNITS]],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
