"""Dagster's SQLite files are waited for, and in the end an error says what to do."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from model_refresh.orchestration import assets, sqlite
from model_refresh.orchestration.sqlite import be_patient_with_sqlite
from model_refresh.refresh.resume import resume_promotion
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.homes import make_home
from model_refresh_tests.orchestration.runs import AFTER, STEPS, entries, materialize


@pytest.fixture
def home(tmp_path: Path) -> Path:
    be_patient_with_sqlite()
    return Path(make_home(tmp_path))


@contextmanager
def locked(home: Path) -> Iterator[sqlite3.Connection]:
    """Another process's lock on the list of runs."""
    other = sqlite3.connect(home / "history" / "runs.db", check_same_thread=False)
    other.isolation_level = None
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield other
    finally:
        other.close()


def add_run(instance: dg.DagsterInstance) -> None:
    instance.add_run(dg.DagsterRun(job_name="any"))


def test_a_file_that_is_locked_for_a_moment_is_waited_for(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance, locked(home) as other:
        threading.Timer(0.3, other.execute, ["COMMIT"]).start()
        add_run(instance)
        assert instance.get_runs_count() == 1


def test_one_that_stays_locked_is_told_with_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.1)
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        locked(home),
        pytest.raises(OperationalError, match=r"database is locked: .*PostgreSQL"),
    ):
        add_run(instance)


def test_what_was_decided_does_not_depend_on_these_files(
    home: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster loses its records in the middle of a promotion; running again adds nothing."""
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.1)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert materialize(lab, STEPS, instance=instance).success
        before = entries(lab)
        with locked_by_the_champion(home, monkeypatch), pytest.raises(OperationalError):
            materialize(lab, AFTER, instance=instance)
        assert entries(lab) == before + 1
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert materialize(lab, AFTER, instance=instance).success
    assert entries(lab) == before + 1


@contextmanager
def locked_by_the_champion(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The lock is taken as the promotion begins, and held."""
    with ExitStack() as held, monkeypatch.context() as patched:
        resume = resume_promotion

        def lock_and_promote(*arguments: Any, **named: Any) -> Any:
            held.enter_context(locked(home))
            return resume(*arguments, **named)

        patched.setattr(assets, "resume_promotion", lock_and_promote)
        yield
