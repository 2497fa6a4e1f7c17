"""A table in PostgreSQL, by way of psycopg, which is installed with the extra `postgresql`."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pyarrow as pa
from pydantic import AfterValidator, Field

from model_refresh.errors import SinkError
from model_refresh.records import Record
from model_refresh.sinks.columns import Column, blocks, columns_of
from model_refresh.sinks.fitting import Existing, require_fit
from model_refresh.sinks.protocol import Partition, TableName

if TYPE_CHECKING:
    from model_refresh.sinks.postgresql_session import Session

_TYPES = {
    "boolean": ("boolean",),
    "integer": ("bigint", "integer", "smallint", "numeric"),
    "unsigned": ("numeric(20,0)", "numeric", "bigint"),
    "decimal": ("numeric({},{})", "numeric"),
    "number": ("double precision",),
    "text": ("text", "character varying"),
    "date": ("date",),
    "time": ("time without time zone",),
    "timestamp": ("timestamp without time zone",),
    "nanoseconds": ("timestamp without time zone",),
    "instant": ("timestamp with time zone",),
    "bytes": ("bytea",),
}
"""For each kind of column the type that it gets, then others that hold it or refuse it whole."""


def _one_url(url: str) -> str:
    """The value stays out of the message: it may hold a password."""
    if not url.startswith(("postgresql://", "postgres://")) or "\0" in url or len(url) > 4096:
        raise ValueError("the url must begin with postgresql://, as in postgresql://user@host/name")
    return url


Url = Annotated[str, AfterValidator(_one_url)]


class PostgreSQLTable(Record):
    """A table that many read at once; take it where others query the scores, or join them."""

    sink: Literal["postgresql"] = Field("postgresql", description="the sink's name")
    url: Url = Field(
        repr=False,
        description="how to connect, best written ${NAME} and kept in the environment; a password "
        "does not belong into this file",
    )
    table: TableName = Field(
        description="the table, in the schema public, or schema.table; made where there is none"
    )
    timeout_seconds: float = Field(
        900.0, ge=1, le=86_400, description="longest that one statement may take, waiting included"
    )

    def deliver(self, batch: Path, partition: Partition, folder: Path) -> str:
        """Delete the partition's rows and copy the batch's in, in one transaction."""
        del folder
        rows = blocks(batch, partition)
        columns = columns_of(next(rows).schema, partition.key, self.longest_name)
        with self._session() as session:
            if not self._fits(session, columns):
                self._make(session, columns)
            about = f"{self._place}/{partition.model}/{partition.as_of.isoformat()}"
            with session.transaction(lock=about):
                session.replace(self._schema_and_table, partition, columns, rows)
            return f"{session.place}, table {self._place}"

    def examine(self, batch: pa.Schema, key: tuple[str, ...], folder: Path) -> str:
        """Say whether the table fits, or would be made."""
        del folder
        columns = columns_of(batch, key, self.longest_name)
        with self._session() as session:
            fits = self._fits(session, columns)
            about = f"{session.place}, table {self._place},"
        return f"{about} takes these batches" if fits else f"{about} will be made"

    @property
    def longest_name(self) -> int:
        """Most bytes of a column's name; PostgreSQL cuts longer ones without a word."""
        return 63

    def missing_library(self) -> str | None:
        """What to install before anything can be delivered; None where all is there."""
        if find_spec("psycopg") is not None:
            return None
        return "psycopg is not installed: pip install 'model_refresh[postgresql]'"

    @property
    def _schema_and_table(self) -> tuple[str, str]:
        schema, _, table = self.table.rpartition(".")
        return schema or "public", table

    @property
    def _place(self) -> str:
        """One name for one table, however it is declared: what locks are named after."""
        return ".".join(self._schema_and_table)

    def _session(self) -> "Session":
        if (lacking := self.missing_library()) is not None:
            raise SinkError(lacking)
        from model_refresh.sinks.postgresql_session import Session

        return Session(self.url, self.timeout_seconds)

    def _make(self, session: "Session", columns: tuple[Column, ...]) -> None:
        """Make the table and an index of partitions, unless another delivery just did."""
        declared = [(each.name, _types(each)[0]) for each in columns]
        with session.transaction(lock=self._place):
            if self._fits(session, columns) or session.create(self._schema_and_table, declared):
                return
        if not self._fits(session, columns):
            raise SinkError(
                f"table {self._place} can't be made: the name is that of a type which is no "
                "table; name another table"
            )

    def _fits(self, session: "Session", columns: tuple[Column, ...]) -> bool:
        """False where there is no such table; SinkError where it has other columns."""
        found = session.columns(self._schema_and_table)
        if found:
            accepted = {each.name: _types(each) for each in columns}
            require_fit(self.table, [Existing(*row) for row in found], columns, accepted)
        return bool(found)


def _types(column: Column) -> tuple[str, ...]:
    if column.name == "as_of":
        return _TYPES["instant"]
    return tuple(each.format(*column.digits) for each in _TYPES[column.kind])
