"""A sandboxed DuckDB connection: it sees some tables, and can't be talked into anything else.

One session a query. A fresh instance costs about 30 ms and makes the rule simple: what a query may
touch is fixed, and locked, before its text is looked at.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from model_refresh.engines.binding import Bound
from model_refresh.engines.failures import query_error, shortened
from model_refresh.engines.statements import require_tables
from model_refresh.errors import EngineError


class Tables(Protocol):
    """What a session may see."""

    def expose(self, connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
        """Make the tables visible on a connection that isn't locked yet; their names."""
        ...

    @property
    def paths(self) -> Sequence[Path]:
        """The files that they are read from."""
        ...


@dataclass(frozen=True)
class Limits:
    """What a session may use; threads None is one a core."""

    memory_limit_mib: int
    threads: int | None = None


@contextmanager
def session(
    tables: Tables, limits: Limits, *, spill: Path, target: Path | None = None
) -> Iterator["Session"]:
    """A locked session; `spill` is made when memory runs short, `target` the one file it may write.

    `target` must be a fresh name in a folder that nobody else knows: the query could read it too.
    """
    connection = duckdb.connect(config=_config(limits, spill))
    try:
        names = tables.expose(connection)
        _lock(connection, limits, [*tables.paths, *([target] if target else [])])
        yield Session(connection, names)
    finally:
        connection.close()


@dataclass(frozen=True)
class Session:
    """A locked connection and the names of the tables that it sees."""

    connection: duckdb.DuckDBPyConnection
    tables: frozenset[str]

    def relation(self, bound: Bound) -> duckdb.DuckDBPyRelation:
        """The query over this session's tables, its columns checked, not yet run."""
        query = bound.query
        require_tables(bound.tables, self.tables, query)
        try:
            relation = self.connection.sql(bound.sql, params=bound.values)
        except duckdb.Error as error:
            raise query_error(self._located(error, bound), query) from error
        _require_plain_columns(relation.columns, query.name)
        return relation

    def _located(self, error: duckdb.Error, bound: Bound) -> duckdb.Error:
        """The same error with its line, which DuckDB tells only when it is asked to run."""
        if not isinstance(error, duckdb.BinderException | duckdb.CatalogException):
            return error
        try:
            self.connection.execute(bound.sql, bound.values)
        except duckdb.Error as located:
            return located
        return error


def _config(limits: Limits, spill: Path) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{limits.memory_limit_mib}MiB",
        "temp_directory": str(spill),
        "preserve_insertion_order": "true",
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
    }
    return config if limits.threads is None else {**config, "threads": limits.threads}


def _lock(connection: duckdb.DuckDBPyConnection, limits: Limits, allowed: Sequence[Path]) -> None:
    settings: dict[str, str | bool | list[str]] = {
        "TimeZone": "UTC",
        "enable_progress_bar": False,
        # COPY on several threads buffers rows up to this: unset, its memory grows with the rows.
        "operator_memory_limit": f"{max(32, limits.memory_limit_mib // 8)}MiB",
        "allowed_paths": [str(path) for path in allowed],
        "enable_external_access": False,
        "lock_configuration": True,
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = $value", {"value": value}).fetchall()


def _require_plain_columns(columns: Sequence[str], name: str) -> None:
    """Names that differ in more than form; without NUL, where Arrow's end."""
    seen: dict[str, str] = {}
    for column in columns:
        if "\0" in column:
            raise EngineError(
                f"{name}: column {shortened(column)!r} has a NUL in its name; rename it with AS"
            )
        normal = unicodedata.normalize("NFKC", column).strip().casefold()
        if normal in seen:
            raise EngineError(
                f"{name}: columns {shortened(seen[normal])!r} and {shortened(column)!r} have the "
                "same name once case and Unicode form are set aside; rename one with AS"
            )
        seen[normal] = column
