"""A table in a DuckDB file."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
from pydantic import Field

from model_refresh.errors import SinkError, SinkUnreachable
from model_refresh.records import Record
from model_refresh.sinks.columns import Column, blocks, columns_of
from model_refresh.sinks.fitting import Existing, require_fit
from model_refresh.sinks.places import place_of
from model_refresh.sinks.protocol import DeclaredPath, Partition, TableName

_log = logging.getLogger("model_refresh.sinks")
_LOCKED = ("Could not set lock on file", "Unique file handle conflict")
_UNPLAYABLE = "Failure while replaying WAL"
_LONGEST = 400
_FIRST_WAIT_SECONDS = 0.05
_BATCH = "the batch"
"""What a batch is called while it is inserted; no table that is declared can be called so."""

_ONE_AT_A_TIME = threading.Lock()
"""Connections of one process share an instance, in which two first deliveries don't conflict."""

_SETTINGS = "SET TimeZone = 'UTC'; SET memory_limit = '256MB'; SET preserve_insertion_order = false"
"""Keeping a batch's order, which no table has anyway, would keep blocks of it in memory."""

_TYPES = {
    "boolean": ("BOOLEAN",),
    "integer": ("BIGINT", "HUGEINT", "INTEGER", "SMALLINT", "TINYINT"),
    "unsigned": ("UBIGINT", "HUGEINT", "BIGINT", "UINTEGER"),
    "decimal": ("DECIMAL({},{})",),
    "number": ("DOUBLE",),
    "text": ("VARCHAR",),
    "date": ("DATE",),
    "time": ("TIME",),
    "timestamp": ("TIMESTAMP",),
    "nanoseconds": ("TIMESTAMP_NS",),
    "instant": ("TIMESTAMP WITH TIME ZONE",),
    "bytes": ("BLOB",),
}
"""For each kind of column the type that it gets, then others that hold it or refuse it whole."""


class DuckDBTable(Record):
    """One file that is read with SQL; take it where one process at a time reads.

    DuckDB's file is for one process: a reader in another one holds deliveries up.
    """

    sink: Literal["duckdb"] = Field("duckdb", description="the sink's name")
    database: DeclaredPath = Field(
        description="the .duckdb file, relative to the model's folder; made where there is none"
    )
    table: TableName = Field(description="the table, or schema.table; made where there is none")
    wait_seconds: float = Field(
        30.0, ge=0, le=3600, description="how long to wait for a process that has the file open"
    )

    def deliver(self, batch: Path, partition: Partition, folder: Path) -> str:
        """Delete the partition's rows and insert the batch's in one transaction."""
        place = place_of(self.database, folder)
        with _ONE_AT_A_TIME, _opened(place, self.wait_seconds) as connection:
            rows = _reader(batch, partition)
            columns = columns_of(rows.schema, partition.key)
            connection.execute("BEGIN TRANSACTION")
            self._make(connection, columns)
            connection.execute(
                f"DELETE FROM {self._quoted} WHERE model = $model AND as_of = $as_of",  # noqa: S608
                {"model": partition.model, "as_of": partition.as_of.replace(tzinfo=None)},
            )
            self._insert(connection, rows, columns)
            connection.execute("COMMIT")
        return f"{place}, table {self.table}"

    def examine(self, batch: pa.Schema, key: tuple[str, ...], folder: Path) -> str:
        """Say whether the table fits, or would be made."""
        columns, place = columns_of(batch, key), place_of(self.database, folder)
        about = f"{place}, table {self.table},"
        if not place.exists():
            return f"{about} will be made"
        with _ONE_AT_A_TIME, _opened(place, self.wait_seconds, read_only=True) as connection:
            fits = self._fits(connection, columns)
        return f"{about} takes these batches" if fits else f"{about} will be made"

    @property
    def longest_name(self) -> None:
        """None: no limit that matters."""

    def missing_library(self) -> str | None:
        """None: all is there."""
        return None

    @property
    def _quoted(self) -> str:
        return ".".join(f'"{part}"' for part in self.table.split("."))

    def _make(self, connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...]) -> None:
        if self._fits(connection, columns):
            return
        declared = ", ".join(f"{_name(each)} {_types(each)[0]}" for each in columns)
        connection.execute(f"CREATE TABLE {self._quoted} ({declared})")

    def _fits(self, connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...]) -> bool:
        """False where there is no such table; SinkError where it has other columns."""
        schema, _, table = self.table.rpartition(".")
        found = connection.execute(
            "SELECT column_name, data_type, NOT is_nullable AND column_default IS NULL "
            "FROM duckdb_columns() WHERE database_name = current_database() "
            "AND schema_name = $schema AND table_name = $table",
            {"schema": schema or "main", "table": table},
        ).fetchall()
        if not found:
            return False
        accepted = {each.name: _types(each) for each in columns}
        require_fit(self.table, [Existing(*row) for row in found], columns, accepted)
        return True

    def _insert(
        self,
        connection: duckdb.DuckDBPyConnection,
        rows: pa.RecordBatchReader,
        columns: tuple[Column, ...],
    ) -> None:
        names = ", ".join(_name(each) for each in columns)
        connection.register(_BATCH, rows)
        connection.execute(
            f'INSERT INTO {self._quoted} ({names}) SELECT {names} FROM "{_BATCH}"'  # noqa: S608
        )
        connection.unregister(_BATCH)


def _reader(batch: Path, partition: Partition) -> pa.RecordBatchReader:
    rows = blocks(batch, partition)
    return pa.RecordBatchReader.from_batches(next(rows).schema, rows)


def _name(column: Column) -> str:
    return '"' + column.name.replace('"', '""') + '"'


def _types(column: Column) -> tuple[str, ...]:
    if column.name == "as_of":
        return ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    return tuple(each.format(*column.digits) for each in _TYPES[column.kind])


@contextmanager
def _opened(
    place: Path, wait_seconds: float, *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection; what was not committed on it is undone."""
    try:
        connection = _connect(place, wait_seconds, read_only=read_only)
        try:
            connection.execute(_SETTINGS)
            yield connection
        finally:
            connection.close()
    except (duckdb.Error, OSError) as error:
        raise _told(error, place) from error


def _connect(place: Path, wait_seconds: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    until, wait = time.monotonic() + wait_seconds, _FIRST_WAIT_SECONDS
    if not read_only:
        place.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            return duckdb.connect(place, read_only=read_only)
        except duckdb.Error as error:
            if _UNPLAYABLE in str(error) and not read_only:
                _set_log_aside(place, error)
                continue
            if not _is_locked(error) or time.monotonic() + wait > until:
                raise
        time.sleep(wait)
        wait = min(2 * wait, 1.0)


def _set_log_aside(place: Path, error: duckdb.Error) -> None:
    """Rename a write-ahead log that can't be replayed, so that the file opens without it.

    It holds what a process wrote that died before its file was closed: a delivery of ours is not
    recorded as done by then, and is done again. Nobody has the file open, or it would be locked.
    """
    log = place.with_name(f"{place.name}.wal")
    aside = log.with_name(f"{log.name}.{secrets.token_hex(4)}.damaged")
    log.rename(aside)
    _log.warning(
        "%s was set aside as %s, for it could not be replayed: %s. Rows that others wrote since "
        "DuckDB's last checkpoint may be missing from %s; what this project delivers, it delivers "
        "again: model-refresh score NAME --as-of DATE --again",
        log,
        aside.name,
        " ".join(str(error).split())[:_LONGEST],
        place,
    )


def _told(error: Exception, place: Path) -> SinkError:
    reason = " ".join(str(error).split())[:_LONGEST]
    if _is_locked(error):
        return SinkUnreachable(
            f"{place} is locked by another process: {reason}; run again when it has finished"
        )
    passing = isinstance(error, duckdb.TransactionException) or "No space left" in reason
    kind = SinkUnreachable if passing else SinkError
    return kind(f"{place} did not take the batch: {reason}; what was there is untouched")


def _is_locked(error: Exception) -> bool:
    return any(sign in str(error) for sign in _LOCKED)
