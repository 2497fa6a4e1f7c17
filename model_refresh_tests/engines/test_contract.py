from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.engines import DuckDB, Engine
from model_refresh.engines.memory import Memory
from model_refresh_tests.contracts.engines import EngineContract


class TestDuckDBOverFiles(EngineContract):
    def open(self, folder: Path, tables: Mapping[str, pa.Table]) -> Engine:
        for name, rows in tables.items():
            pq.write_table(rows, folder / f"{name}.parquet")
        return DuckDB(tables={name: f"{name}.parquet" for name in tables}).open(folder)


class TestDuckDBOverADatabase(EngineContract):
    stored: ClassVar[dict[tuple[str, ...], bytes]] = {}

    def open(self, folder: Path, tables: Mapping[str, pa.Table]) -> Engine:
        database = folder / "shop.duckdb"
        if tuple(tables) not in self.stored:
            with duckdb.connect(database) as connection:
                for name, rows in tables.items():
                    connection.register("rows", rows)
                    connection.execute(f'create table "{name}" as from rows').fetchall()
                    connection.unregister("rows")
            self.stored[tuple(tables)] = database.read_bytes()
        database.write_bytes(self.stored[tuple(tables)])
        return DuckDB(database="shop.duckdb").open(folder)


class TestMemory(EngineContract):
    def open(self, folder: Path, tables: Mapping[str, pa.Table]) -> Engine:
        return Memory(tables)
