"""Patience with Dagster's own SQLite files, and an error that says what to do where it ends.

SQLite lets one process write at a time. Dagster waits 30 s for some of its files and 5 s for
others; here it is 30 s for all, by SQLite's own growing pauses. No decision of ours depends on
these files: what a refresh decides is in the store before Dagster is told.
"""

import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

WAIT_SECONDS = 30.0
ADVICE = (
    "Dagster's records are in SQLite, and another process kept them locked. Nothing that was "
    "decided is lost: run again. Where many runs work at once, keep Dagster's records in "
    "PostgreSQL (`storage: postgres:` in dagster.yaml, docs/operations.md)"
)


def be_patient_with_sqlite() -> None:
    """From now on this process waits for locked SQLite files, and says what to do in the end."""
    for name, listener in (("do_connect", _wait), ("handle_error", _advise)):
        if not event.contains(Engine, name, listener):
            event.listen(Engine, name, listener)


def _wait(
    dialect: Dialect,
    entry: ConnectionPoolEntry,
    arguments: list[object],
    settings: dict[str, object],
) -> None:
    if dialect.name == "sqlite":
        settings.setdefault("timeout", WAIT_SECONDS)


def _advise(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        told = sqlite3.OperationalError(f"{error}: {ADVICE}")
        raise OperationalError(context.statement, None, told) from error
