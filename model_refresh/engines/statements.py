"""Reading a statement before it runs: one SELECT that gives the same rows at every run.

DuckDB's own parser does the reading. What it classes as a SELECT may still write (`with a as
(insert ...) select`), read the clock, or call table functions, so its syntax tree is looked at too.
"""

import contextlib
import difflib
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from model_refresh.engines.failures import query_error, shortened
from model_refresh.engines.places import START, place_of, start_of
from model_refresh.engines.protocol import Query
from model_refresh.errors import EngineError

TABLE_FUNCTIONS = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
)
"""The table functions that a query may use: those that read nothing but their arguments."""

UNREPEATABLE = frozenset(
    {"get_current_time", "get_current_timestamp", "now", "today", "transaction_timestamp"}
    | {"gen_random_uuid", "random", "setseed", "uuid", "uuidv4", "uuidv7"}
    | {"current_connection_id", "current_query", "current_query_id", "current_transaction_id"}
    | {"currval", "nextval", "setval", "sleep_ms", "txid_current", "write_log"}
)
"""Functions whose answer depends on the clock, on chance or on the session."""

CLOCK_WORDS = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
)
"""The clock again, in the standard's form without parentheses."""
_SELECT_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_ACCEPTED = "accepted is one SELECT over the declared tables"

_READ_TREES = """
    select tree ->> '$.error_message',
           tree ->> '$..type',
           tree ->> '$..function_name',
           tree ->> '$..function.function_name',
           tree ->> '$..table_name',
           tree ->> '$..cte_map.map[*].key',
           tree -> '$..column_names',
           tree ->> '$..sample.method',
           one
    from (select json_serialize_sql(one)::json as tree, one from (select unnest($sqls) as one))
"""
_ahead: dict[str, tuple[Any, ...]] = {}
"""Trees that were read ahead, by text; many models may have the same one."""


@dataclass(frozen=True)
class Statement:
    """One SELECT without what stands around it, and what it uses; names are in lower case."""

    sql: str
    parameters: frozenset[str]
    tables: frozenset[str]


@functools.lru_cache(maxsize=4096)
def read_select(sql: str, name: str) -> Statement:
    """The one SELECT in `sql`; EngineError, naming `name`, for everything else.

    Refused as well: what could give other rows at the next run (now(), random(), samples), since a
    frame that is computed again must be the same frame.
    """
    parameters = _one_select(sql, name)
    tree = _read_tree(sql, name)
    _require_reading_only(tree, sql, name)
    _require_repeatable(tree, sql, name)
    return Statement(_without_end(sql)[start_of(sql) :], parameters, tree.tables - tree.ctes)


def read_ahead(texts: Iterable[str]) -> None:
    """Have many statements' trees at hand: together they take a fifth of the time.

    What is wrong with one of them is left to `read_select` to tell.
    """
    wanted = list(dict.fromkeys(texts))
    _ahead.clear()
    with contextlib.suppress(duckdb.Error, UnicodeEncodeError):
        _ahead.update({str(row[-1]): row for row in _rows(wanted)})


def require_tables(tables: frozenset[str], declared: Iterable[str], query: Query) -> None:
    """Raise EngineError where a statement reads a table that isn't declared."""
    known = {table.lower(): table for table in declared}
    for table in sorted(tables - known.keys()):
        raise EngineError(
            f"{query.name}:{place_of(table, query.sql)} table {shortened(table)!r} isn't declared"
            f"{suggestion(table, known.values())}; declared: {', '.join(sorted(known.values()))}"
        )


def suggestion(met: str, accepted: Iterable[str]) -> str:
    """`, did you mean 'x'?` where an accepted name is near; else nothing."""
    near = difflib.get_close_matches(met[:100], list(accepted), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


@dataclass(frozen=True)
class _Tree:
    nodes: frozenset[str]
    functions: frozenset[str]
    table_functions: frozenset[str]
    tables: frozenset[str]
    ctes: frozenset[str]
    columns: frozenset[str]
    samples: bool


def _one_select(sql: str, name: str) -> frozenset[str]:
    try:
        sql.encode()
        statements = _statements(sql)
    except (duckdb.Error, UnicodeEncodeError) as error:
        raise query_error(error, Query(sql, {}, name)) from error
    if len(statements) != 1:
        raise EngineError(f"{name}:{START} {len(statements)} statements; {_ACCEPTED}")
    kind = statements[0].type.name
    if kind == "MULTI":
        raise EngineError(
            f"{name}:{place_of('pivot', sql)} a PIVOT whose columns depend on the data; list them: "
            "PIVOT ... ON x IN (...)"
        )
    if kind != "SELECT":
        raise EngineError(f"{name}:{START} a statement of type {kind} is refused; {_ACCEPTED}")
    names = frozenset(parameter.lower() for parameter in statements[0].named_parameters)
    if any(parameter.isdigit() for parameter in names):
        raise EngineError(f"{name}:{START} parameters need names: $as_of, not ? or $1")
    return names


def _without_end(sql: str) -> str:
    """The text up to its closing semicolon: DuckDB can't write `(select 1; -- done)` to a file.

    A semicolon ends the statement where what stands before it is one, and nothing but comments
    follows.
    """
    sql = sql.rstrip("; \t\r\n")
    end = sql.rfind(";")
    while end >= 0:
        try:
            if len(_statements(sql[:end])) == 1 and not _statements(sql[end + 1 :]):
                sql = sql[:end]
        except duckdb.Error:  # it stands in a string or a comment
            pass
        end = sql.rfind(";", 0, end)
    return sql


def _statements(sql: str) -> list[duckdb.Statement]:
    return _parser().cursor().extract_statements(sql)


def _rows(texts: Sequence[str]) -> list[tuple[Any, ...]]:
    return _parser().cursor().execute(_READ_TREES, {"sqls": texts}).fetchall()


def _read_tree(sql: str, name: str) -> _Tree:
    try:
        row = _ahead.get(sql) or _rows([sql])[0]
    except duckdb.Error as error:
        raise query_error(error, Query(sql, {}, name)) from error
    if row[0] is not None:
        raise EngineError(f"{name}:{START} {row[0]}; {_ACCEPTED}")
    columns = {text[2:-2].lower() for text in row[6] if '","' not in text}
    return _Tree(
        nodes=frozenset(row[1]),
        functions=_lower(row[2]),
        table_functions=_lower(row[3]),
        tables=_lower(row[4]),
        ctes=_lower(row[5]),
        columns=frozenset(columns),
        samples=bool(row[7]),
    )


def _require_reading_only(tree: _Tree, sql: str, name: str) -> None:
    writing = {node for node in tree.nodes if node.endswith("_NODE")} - _SELECT_NODES
    if writing or "SHOW_REF" in tree.nodes:
        what = " and ".join(sorted(writing)) or "SHOW, DESCRIBE or SUMMARIZE"
        what = what.replace("_QUERY_NODE", "")
        raise EngineError(f"{name}:{START} {what} is refused; {_ACCEPTED}")
    for function in sorted(tree.table_functions - TABLE_FUNCTIONS):
        raise EngineError(
            f"{name}:{place_of(function, sql)} table function {shortened(function)}() is refused; "
            f"declare files under source.tables; accepted: {', '.join(sorted(TABLE_FUNCTIONS))}"
        )


def _require_repeatable(tree: _Tree, sql: str, name: str) -> None:
    met = (tree.functions & (UNREPEATABLE | CLOCK_WORDS)) | (tree.columns & CLOCK_WORDS)
    if met:
        first = sorted(met)[0]
        raise EngineError(
            f"{name}:{place_of(first, sql)} {first} differs at every run, so the same frame could "
            "not be computed twice; use $as_of for the time, hash(key) for chance (a column of "
            "that name is read as table.column)"
        )
    if tree.samples:
        raise EngineError(
            f"{name}:{_place_of_sample(sql)} a sample differs at every run; keep rows by "
            "hash(key) % 100 < ... instead"
        )


def _place_of_sample(sql: str) -> str:
    by_words = (place_of(word, sql) for word in ("tablesample", "sample"))
    return next((place for place in by_words if place != START), START)


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One connection a process that parses and sees nothing; a cursor of it a call."""
    return duckdb.connect(
        config={
            "threads": 1,
            "enable_external_access": "false",
            "python_enable_replacements": "false",
        }
    )


def _lower(names: list[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
