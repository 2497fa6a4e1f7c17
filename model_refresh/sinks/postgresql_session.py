"""A connection to PostgreSQL whose errors are ours, and tell no secret."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Self

import polars as pl
import psycopg
import pyarrow as pa
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from model_refresh.errors import SinkError
from model_refresh.sinks.columns import Column
from model_refresh.sinks.postgresql_failures import told
from model_refresh.sinks.protocol import Partition

_CONNECTING: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "application_name": "model_refresh",
}
"""Unless the URL says otherwise: a server that is gone is noticed within a minute."""

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_TAKEN = (errors.DuplicateTable, errors.DuplicateObject, errors.UniqueViolation)
"""What a table's making meets that another makes too, without our lock; the last in a catalog."""

Table = tuple[str, str]
"""A schema's name and a table's."""


class Session:
    """Opened by `with`; whatever was not committed is undone, whoever dies."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds

    def __enter__(self) -> Self:
        with self._told():
            _ = self._connection
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    @property
    def place(self) -> str:
        """The database, for people."""
        info = self._connection.info
        return f"database {info.dbname} at {info.host}:{info.port}"

    @contextmanager
    def transaction(self, *, lock: str) -> Iterator[None]:
        """Everything inside or nothing; one at a time of those that ask for the same lock."""
        number = int.from_bytes(hashlib.sha256(lock.encode()).digest()[:8], signed=True)
        with self._told(), self._connection.transaction():
            self._settle()
            self._connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (number,))
            yield

    def columns(self, table: Table) -> list[tuple[str, str, bool]]:
        """Name, type, and whether a row must give it, of a table's columns; none without one."""
        with self._told():
            rows = self._connection.execute(_COLUMNS, table).fetchall()
        return [(str(name), str(stored_as), bool(demanded)) for name, stored_as, demanded in rows]

    def create(self, table: Table, columns: Iterable[tuple[str, str]]) -> bool:
        """Make a table, with an index by which a partition is found; inside of a transaction.

        False where the name was taken meanwhile; the transaction goes on.
        """
        declared = [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(stored_as))
            for name, stored_as in columns
        ]
        made = sql.SQL("CREATE TABLE {} ({})").format(
            sql.Identifier(*table), sql.SQL(", ").join(declared)
        )
        index = sql.SQL("CREATE INDEX ON {} (model, as_of)").format(sql.Identifier(*table))
        try:
            with self._connection.transaction():
                self._connection.execute(made)
                self._connection.execute(index)
        except _TAKEN:
            return False
        return True

    def replace(
        self,
        table: Table,
        partition: Partition,
        columns: Sequence[Column],
        rows: Iterator[pa.RecordBatch],
    ) -> None:
        """Delete a partition's rows and copy others in; inside of a transaction."""
        delete = sql.SQL("DELETE FROM {} WHERE model = %s AND as_of = %s")
        where = (partition.model, partition.as_of)
        self._connection.execute(delete.format(sql.Identifier(*table)), where)
        names = sql.SQL(", ").join(sql.Identifier(each.name) for each in columns)
        copy = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)")
        with self._connection.cursor() as cursor:
            with cursor.copy(copy.format(sql.Identifier(*table), names)) as copying:
                for block in rows:
                    copying.write(_csv(block))
            if cursor.rowcount != partition.rows:
                raise SinkError(f"{cursor.rowcount} of {partition.rows} rows were copied")

    @cached_property
    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        given = conninfo_to_dict(self._url)
        defaults = {name: value for name, value in _CONNECTING.items() if name not in given}
        return psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,
            client_encoding="utf8",
            **defaults,  # type: ignore[arg-type]
        )

    def _settle(self) -> None:
        """What must not depend on how the server, or the URL, is set up; for this transaction."""
        settings = {
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "statement_timeout": f"{round(self._timeout_seconds * 1000)}ms",
            "idle_in_transaction_session_timeout": f"{round(self._timeout_seconds * 1000)}ms",
        }
        for name, value in settings.items():
            self._connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise told(error, self._url) from None
        except pa.ArrowInvalid as error:
            raise SinkError(
                f"a column of the key has values that no table holds: {error}"
            ) from error


def _csv(block: pa.RecordBatch) -> bytes:
    """Rows as COPY reads them: numbers in their shortest exact text, null without quotes."""
    table = pa.Table.from_batches([block])
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            exact = pa.timestamp("us", field.type.tz)  # the cast refuses to cut digits off
            table = table.set_column(place, field.name, table.column(place).cast(exact))
    frame = pl.DataFrame(table)
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    frame = frame.with_columns(
        pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex")).alias(name) for name in binary
    )
    text = io.BytesIO()
    frame.write_csv(text, include_header=False, quote_style="non_numeric")
    return text.getvalue()
