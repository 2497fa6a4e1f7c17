"""Sinks are where published batches are copied to, for those who use them.

`Sink` is the family: what a model may declare. pydantic picks by the field `sink`.
"""

from typing import Annotated

from pydantic import Field

from model_refresh.sinks.duckdb import DuckDBTable
from model_refresh.sinks.parquet import ParquetFolder
from model_refresh.sinks.postgresql import PostgreSQLTable
from model_refresh.sinks.protocol import Partition

Sink = ParquetFolder | DuckDBTable | PostgreSQLTable

AnySink = Annotated[Sink, Field(discriminator="sink")]

__all__ = ["AnySink", "DuckDBTable", "ParquetFolder", "Partition", "PostgreSQLTable", "Sink"]
