"""Names of tables and columns as SQL reads them."""

import functools
import re

import duckdb

from model_refresh.engines.statements import CLOCK_WORDS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(name: str) -> str:
    """The name as it stands in a statement: plain where it may, else in quotes."""
    if _PLAIN.fullmatch(name) and name.lower() not in _keywords():
        return name
    return '"' + name.replace('"', '""') + '"'


@functools.cache
def _keywords() -> frozenset[str]:
    """The words of DuckDB's grammar that are no name without quotes, and those of the clock."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
    return frozenset(row[0] for row in rows) | CLOCK_WORDS
