"""An engine over tables held in memory, for tests and trials; it can't be declared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.engines.drafts import drafted
from model_refresh.engines.protocol import Query
from model_refresh.engines.session import Limits
from model_refresh.engines.sessions import SessionEngine
from model_refresh.errors import StoreWriteError

_MEMORY_LIMIT_MIB = 1024


class Memory(SessionEngine):
    """Arrow or Polars tables by name; the same SQL as DuckDB, files written by Arrow instead."""

    def __init__(self, tables: Mapping[str, pa.Table | pl.DataFrame]) -> None:
        arrow = {name: _to_arrow(table) for name, table in tables.items()}
        super().__init__(_ArrowTables(arrow), Limits(_MEMORY_LIMIT_MIB, threads=1))

    def write(self, query: Query, path: Path) -> None:
        """Write the query's batches, one by one, into a new Parquet file (zstd)."""
        batches = self.batches(query)
        with drafted(path) as draft:
            first = next(batches)
            try:
                with pq.ParquetWriter(draft, first.schema, compression="zstd") as writer:
                    writer.write_batch(first)
                    for batch in batches:
                        writer.write_batch(batch)
            except OSError as error:
                raise StoreWriteError(f"{path} could not be written: {error}") from error


@dataclass(frozen=True)
class _ArrowTables:
    tables: Mapping[str, pa.Table]

    @property
    def paths(self) -> Sequence[Path]:
        return ()

    def expose(self, connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
        for name, table in self.tables.items():
            connection.register(name, table)
        return frozenset(self.tables)


def _to_arrow(table: pa.Table | pl.DataFrame) -> pa.Table:
    return table.to_arrow() if isinstance(table, pl.DataFrame) else table
