"""The wrapper that runs a command as the units do."""

import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
WRAPPER = DEPLOY / "model-refresh-as-service"
UNIT = (DEPLOY / "systemd" / "model-refresh-daemon.service").read_text()
SAYS_WHAT_IT_IS_GIVEN = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n'


@pytest.fixture
def systemd_run(tmp_path: Path) -> Path:
    """A folder whose systemd-run prints its arguments, and ends by 7."""
    program = tmp_path / "systemd-run"
    program.write_text(SAYS_WHAT_IT_IS_GIVEN)
    program.chmod(0o755)
    return tmp_path


def given(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run([WRAPPER, *arguments], capture_output=True, text=True, env=path)


def test_a_command_runs_with_the_user_environment_and_folder_of_the_units(
    systemd_run: Path,
) -> None:
    done = given(systemd_run, "dagster", "instance", "a b")
    *options, program, first, second = done.stdout.splitlines()
    assert (program, first, second) == ("/opt/model-refresh/.venv/bin/dagster", "instance", "a b")
    assert done.returncode == 7, "it ends as the command does"
    said = dict(each.removeprefix("--property=").lstrip("-").split("=", 1) for each in options if "=" in each)  # fmt: skip
    for option, line in (
        ("uid", "User"), ("gid", "Group"), ("EnvironmentFile", "EnvironmentFile"),
        ("UMask", "UMask"), ("working-directory", "WorkingDirectory"),
    ):  # fmt: skip
        assert f"{line}={said[option]}\n" in UNIT
    assert {"--pipe", "--wait"} <= set(options)


def test_it_says_what_it_needs(systemd_run: Path) -> None:
    done = given(systemd_run)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: model-refresh-as-service PROGRAM")
