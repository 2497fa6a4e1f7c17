"""Declared files and databases: found in the model's folder, shown to a session as views."""

import glob
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from model_refresh.engines.failures import database_error
from model_refresh.errors import EngineBusy, EngineError

_ALIAS = "source"
_WAITS_SECONDS = (0.1, 0.2, 0.4, 0.8)

_Reader = Callable[[duckdb.DuckDBPyConnection, list[str]], duckdb.DuckDBPyRelation]


# Columns of several files are matched by name, so a file that has one more doesn't shift the
# others. The compression is told, not guessed: DuckDB cuts a name at `?` before it looks at the
# ending. (Its stubs forget that its readers take a list.)
def _csv(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> duckdb.DuckDBPyRelation:
    return connection.read_csv(
        paths,  # type: ignore[arg-type]
        union_by_name=len(paths) > 1,
        compression=_compression(paths),
    )


def _tsv(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> duckdb.DuckDBPyRelation:
    return connection.read_csv(
        paths,  # type: ignore[arg-type]
        union_by_name=len(paths) > 1,
        compression=_compression(paths),
        delimiter="\t",
    )


def _json(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> duckdb.DuckDBPyRelation:
    return connection.read_json(
        paths,  # type: ignore[arg-type]
        union_by_name=len(paths) > 1,
        compression=_compression(paths),
    )


def _parquet(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> duckdb.DuckDBPyRelation:
    return connection.read_parquet(paths, union_by_name=len(paths) > 1)


def _compression(paths: list[str]) -> Literal["gzip", "none"]:
    return "gzip" if paths[0].lower().endswith(".gz") else "none"


_READERS: Mapping[str, _Reader] = {
    ".csv": _csv,
    ".csv.gz": _csv,
    ".tsv": _tsv,
    ".tsv.gz": _tsv,
    ".json": _json,
    ".json.gz": _json,
    ".jsonl": _json,
    ".jsonl.gz": _json,
    ".ndjson": _json,
    ".ndjson.gz": _json,
    ".parquet": _parquet,
}
ENDINGS = tuple(_READERS)
"""What the name of a declared file may end in."""


def ending(declared: str) -> str | None:
    """The ending of a declared file or glob that says how to read it; None for an unknown one."""
    return next((known for known in ENDINGS if declared.lower().endswith(known)), None)


def found_files(declared: str, folder: Path) -> tuple[Path, ...]:
    """The files that a declared path or glob stands for, absolute and sorted; maybe none.

    A file of exactly that name wins over the glob that the name may also be.
    """
    literal = _absolute(declared, folder)
    if literal.is_file():
        return (literal,)
    matches = glob.glob(declared, root_dir=folder, recursive=True)  # noqa: PTH207 - may be absolute
    return tuple(sorted(path for m in matches if (path := _absolute(m, folder)).is_file()))


@dataclass(frozen=True)
class FileTables:
    """Tables read from files, and those of a database that is attached read-only.

    A database that another process has locked is tried again after each of `waits_seconds`.
    """

    files: Mapping[str, tuple[Path, ...]]
    database: Path | None = None
    waits_seconds: tuple[float, ...] = _WAITS_SECONDS

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that a session must be able to read."""
        return tuple(path for paths in self.files.values() for path in paths)

    def expose(self, connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
        """Make the tables visible; their names."""
        stored = frozenset[str]()
        if self.database is not None:
            _attach(connection, self.database, self.waits_seconds)
            stored = _stored_names(connection)
        if twice := sorted(self.files.keys() & stored):
            raise EngineError(
                f"table {twice[0]!r} is declared and is in {self.database} too: rename the declared"
            )
        for name, paths in self.files.items():
            _show(connection, name, paths)
        if self.database is not None:
            connection.execute(f"SET search_path = '{_ALIAS}.main,memory.main'").fetchall()
        return stored | self.files.keys()


def declared_tables(tables: Mapping[str, str], database: str | None, folder: Path) -> FileTables:
    """What is declared, found in the folder; EngineError naming what isn't there."""
    found = {name: found_files(declared, folder) for name, declared in tables.items()}
    for name, paths in found.items():
        if not paths:
            raise EngineError(f"table {name!r}: no file {tables[name]!r} in {folder.resolve()}")
    if database is None:
        return FileTables(found)
    path = _absolute(database, folder)
    if not path.is_file():
        raise EngineError(f"database: no file {database!r} in {folder.resolve()}")
    return FileTables(found, path)


def tables_of(database: Path) -> tuple[str, ...]:
    """The tables and views that a query over a .duckdb file sees by their plain names, sorted.

    Raises EngineError where it is no database, EngineBusy where another process has it.
    """
    with duckdb.connect() as connection:
        _attach(connection, database, _WAITS_SECONDS)
        rows = connection.execute(
            "select table_name from information_schema.tables "
            "where table_catalog = $name and table_schema = 'main'",
            {"name": _ALIAS},
        ).fetchall()
    return tuple(sorted(row[0] for row in rows))


def _absolute(declared: str, folder: Path) -> Path:
    """Without `..`, and without following links: a link's name tells how to read its file."""
    return Path(os.path.normpath(folder.resolve() / declared))


def _show(connection: duckdb.DuckDBPyConnection, name: str, paths: tuple[Path, ...]) -> None:
    reader = _READERS[ending(paths[0].name) or ".parquet"]
    try:
        reader(connection, [str(path) for path in paths]).create_view(name)
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:400]
        raise EngineError(f"table {name!r} could not be read from {paths[0]}: {reason}") from error


def _attach(
    connection: duckdb.DuckDBPyConnection, database: Path, waits_seconds: tuple[float, ...]
) -> None:
    for wait in (*waits_seconds, None):
        try:
            connection.execute(f"ATTACH $path AS {_ALIAS} (READ_ONLY)", {"path": str(database)})
        except duckdb.Error as error:
            failure = database_error(error, database)
            if not isinstance(failure, EngineBusy) or wait is None:
                raise failure from error
            time.sleep(wait)
        else:
            break


def _stored_names(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = $name union all "
        "select view_name from duckdb_views() where database_name = $name and not internal",
        {"name": _ALIAS},
    ).fetchall()
    return frozenset(row[0] for row in rows)
