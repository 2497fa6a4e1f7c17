"""Values for a statement's parameters: bound, never pasted."""

import datetime as dt
from dataclasses import dataclass

from model_refresh.engines.places import place_of
from model_refresh.engines.protocol import Query, Value
from model_refresh.engines.statements import read_select, suggestion
from model_refresh.errors import EngineError

_INTEGER_BITS = 127


@dataclass(frozen=True)
class Bound:
    """A query that has been read and may run: one SELECT and a value for each of its parameters."""

    query: Query
    sql: str
    tables: frozenset[str]
    values: dict[str, Value]


def bind(query: Query) -> Bound:
    """Read the statement and give values to the parameters that it names, and to no others.

    Instants become naive UTC: with an aware value and a local time zone, a row at midnight could
    fall on either side. Raises EngineError for what isn't one SELECT, and for a parameter without
    a value.
    """
    statement = read_select(query.sql, query.name)
    given = {name.lower(): value for name, value in query.parameters.items()}
    for name in sorted(statement.parameters - given.keys()):
        accepted = ", ".join(f"${known}" for known in sorted(given)) or "none"
        raise EngineError(
            f"{query.name}:{place_of(name, query.sql)} ${name} has no value here"
            f"{suggestion(name, given)}; accepted parameters: {accepted}"
        )
    values = {name: _bindable(given[name], name, query) for name in sorted(statement.parameters)}
    return Bound(query, statement.sql, statement.tables, values)


def _bindable(value: Value, name: str, query: Query) -> Value:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, int) and value.bit_length() > _INTEGER_BITS:
        raise EngineError(f"{query.name}: ${name} exceeds {_INTEGER_BITS} bits")
    if not isinstance(value, Value):
        kinds = ", ".join(kind.__name__ for kind in Value.__args__)
        raise EngineError(
            f"{query.name}: ${name} is a {type(value).__name__}; accepted types: {kinds}"
        )
    return value
