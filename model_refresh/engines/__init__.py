"""Engines run a model's queries over its declared source.

`Source` is the family: what a model may declare. pydantic picks by the field `engine`.
"""

from model_refresh.engines.duckdb import DuckDB
from model_refresh.engines.protocol import Engine, Query, Value
from model_refresh.engines.statements import read_select

Source = DuckDB

__all__ = ["DuckDB", "Engine", "Query", "Source", "Value", "read_select"]
