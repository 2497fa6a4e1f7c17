"""Values for a statement's parameters: bound, never pasted."""

import datetime as dt

from model_refresh.engines.protocol import Query, Value
from model_refresh.engines.statements import Statement, suggestion
from model_refresh.errors import EngineError

_INTEGER_BITS = 127


def bind(statement: Statement, query: Query) -> dict[str, Value]:
    """The values of the parameters that the statement names, and of no others.

    Instants become naive UTC: with an aware value and a local time zone, a row at midnight could
    fall on either side. Raises EngineError for a parameter without a value.
    """
    given = {name.lower(): value for name, value in query.parameters.items()}
    for name in sorted(statement.parameters - given.keys()):
        accepted = ", ".join(f"${known}" for known in sorted(given)) or "none"
        raise EngineError(
            f"{query.name}: ${name} has no value here{suggestion(name, given)}; "
            f"accepted parameters: {accepted}"
        )
    return {name: _bindable(given[name], name, query) for name in sorted(statement.parameters)}


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
