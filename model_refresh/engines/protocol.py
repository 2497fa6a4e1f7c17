"""What every engine offers: run one SELECT with bound parameters, into batches or into a file."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

Value = dt.datetime | dt.date | int | float | str | bool
"""What a parameter may be bound to. An aware datetime is bound as naive UTC."""


@dataclass(frozen=True)
class Query:
    """One SELECT with the values of its parameters.

    `parameters` may hold more than the statement names: only those that it names are bound.
    `name` says in messages where the statement comes from, e.g. the path of features.sql.
    """

    sql: str
    parameters: Mapping[str, Value]
    name: str = "the query"


class Engine(Protocol):
    """A declared source, opened: queries see its tables, and nothing else.

    Every method raises EngineError for what isn't one SELECT, or fails, or reads what isn't
    declared, and EngineBusy where the database is locked by another process.
    """

    def parameters(self, sql: str, name: str) -> frozenset[str]:
        """The names, in lower case and without `$`, of the parameters that the statement uses."""
        ...

    def batches(self, query: Query) -> Iterator[pa.RecordBatch]:
        """The result's rows in order; at least one batch, empty where there are no rows."""
        ...

    def write(self, query: Query, path: Path) -> None:
        """Run the query straight into a new Parquet file (zstd), whole or not at all.

        Memory does not grow with the rows. Raises StoreError where `path` exists and
        StoreWriteError where the disk refuses; `path` is untouched then. The file's bytes are not
        flushed to the disk: the store does that when it publishes them.
        """
        ...

    def close(self) -> None:
        """Free what is held. The engine answers nothing after that."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
