"""Queries for what became of rows: labels in the horizon, and up to when the data are complete."""

import datetime as dt
from dataclasses import dataclass

from model_refresh.scaffold.facts import ColumnFacts, Table, told
from model_refresh.scaffold.queries import named
from model_refresh.scaffold.roles import Roles
from model_refresh.scaffold.timing import Timing, last_quiet

_DAY, _HOUR, _MINUTE = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(minutes=1)
_AHEAD = "{at} >= $as_of AND {at} < $until"


@dataclass(frozen=True)
class OutcomeNames:
    """How a labels query names what it reads and gives, each as a statement writes it."""

    keys: tuple[str, ...]
    at: str
    outcome: str
    label: str


def history_labels(table: Table, roles: Roles, names: OutcomeNames) -> str:
    """Everyone who is known at `$as_of`, and what they do in the horizon."""
    ahead, at = _AHEAD.format(at=names.at), names.at
    value, says = _of_history(roles, names, ahead)
    keys = ", ".join(names.keys)
    met = f" AND count(*) FILTER ({ahead}) > 0" if roles.task == "multiclass" else ""
    return (
        f"-- Everyone of the frame, and {says} in [$as_of, $until).\n"
        f"SELECT\n    {keys},\n    {value} AS {names.label},\nFROM (\n"
        f"    SELECT {_inner(roles, names)}\n    FROM {table.sql}\n    WHERE {_known(roles)}\n)\n"
        f"GROUP BY {keys}\nHAVING min({at}) < $as_of{met}\n"
    )


def panel_labels(table: Table, roles: Roles, names: OutcomeNames) -> str:
    """The labels of the coming period's rows."""
    at, outcome, keys = names.at, names.outcome, ", ".join(names.keys)
    value, says = {
        "binary": (f"max({outcome})", "any"),
        "regression": (f"avg({outcome} ORDER BY {outcome})", "their mean"),
        "multiclass": (f"first({outcome} ORDER BY {at}, {outcome})", "the first"),
    }[roles.task]
    column = _required(roles.label.column if roles.label else None)
    return (
        f"-- {told(column.name)} of the rows in [$as_of, $until); of several of a key {says}.\n"
        f"SELECT\n    {keys},\n    {value} AS {names.label},\nFROM (\n"
        f"    SELECT {_inner(roles, names)}\n    FROM {table.sql}\n"
        f"    WHERE {_known(roles)} AND {known_label(column)}\n)\n"
        f"WHERE {_AHEAD.format(at=at)}\nGROUP BY {keys}\n"
    )


def ready_sql(table: Table, roles: Roles, timing: Timing) -> str:
    """Up to when the data are complete: the newest row; of dates, that day's end.

    Rows of a history that come at times of their own end before their day does: as long as that
    takes is added, or each night's load would be complete only with the next one.
    """
    when, where, why = f"max({roles.moment.sql})", "", ""
    if roles.shape == "events" and roles.label is not None:
        where = f"\nWHERE {known_label(roles.label.column)}"
    elif roles.moment.is_day and roles.shape == "history":
        when = f"{when} + INTERVAL 1 DAY"
    elif roles.shape == "history" and (quiet := last_quiet(table, roles.moment, timing.step)):
        unit = "day" if timing.step >= _DAY else "hour"
        length = interval(quiet) if unit == "day" else f"INTERVAL {round(quiet / _MINUTE)} MINUTE"
        when = f"{when} + {length}"
        why = f"-- On 19 of 20 {unit}s the last row is less than that before the {unit}'s end.\n"
    return (
        "-- Up to when the data are complete. No frame is computed before this has reached\n"
        "-- $as_of, so a feed that is late is waited for. If another table knows better, ask it.\n"
        f"{why}SELECT {when} AS complete_until\nFROM {table.sql}{where}\n"
    )


def known_label(column: ColumnFacts) -> str:
    """That a label is there: neither null nor, of a fraction, NaN or infinite."""
    return f"isfinite({column.sql})" if column.kind == "number" else f"{column.sql} IS NOT NULL"


def exact(column: ColumnFacts) -> str:
    """Fractions as decimals, whose sums are the same in whatever order rows are added."""
    if column.kind == "number" and column.is_decimal:
        value = f"({column.value})" if column.infinite else column.value
        return f"{value}::DECIMAL(18, 4)"
    return column.value


def interval(length: dt.timedelta) -> str:
    """A length of time as SQL writes it."""
    if not length % _DAY:
        return f"INTERVAL {length // _DAY} DAY"
    return f"INTERVAL {round(length / _HOUR)} HOUR"


def _of_history(roles: Roles, names: OutcomeNames, ahead: str) -> tuple[str, str]:
    """The label's expression, and what it says."""
    outcome = names.outcome
    column = roles.label.column if roles.label else roles.amount
    if column is None:
        return f"(count(*) FILTER ({ahead}) > 0)::INTEGER", "whether they come back"
    if roles.task == "regression":
        fixed = column.is_decimal or column.kind == "integer"
        value = outcome if fixed else f"{outcome} ORDER BY {outcome}"
        total = f"coalesce(sum({value}) FILTER ({ahead}), 0)::DOUBLE"
        return total, f"their {told(column.name)} in all"
    if roles.task == "binary":
        value = f"coalesce(max({outcome}) FILTER ({ahead}), 0)"
        return value, f"whether any row of theirs has {told(column.name)}"
    first = f"first({outcome} ORDER BY {names.at}, {outcome}) FILTER ({ahead})"
    return first, f"the {told(column.name)} of their next row"


def _inner(roles: Roles, names: OutcomeNames) -> str:
    """Key, instant and outcome of each row, read once."""
    if roles.label is None:
        value = exact(roles.amount) if roles.amount else None
    elif roles.shape == "history" and roles.task == "regression":
        value = exact(roles.label.column)
    else:
        value = roles.label.sql
    columns = [named(c.sql, key) for c, key in zip(roles.entity, names.keys, strict=True)]
    columns.append(f"{roles.moment.sql} AS {names.at}")
    if value is not None:
        columns.append(f"{value} AS {names.outcome}")
    return ", ".join(columns)


def _known(roles: Roles) -> str:
    return " AND ".join(f"{c.sql} IS NOT NULL" for c in roles.entity)


def _required(column: ColumnFacts | None) -> ColumnFacts:
    if column is None:
        raise NotImplementedError("a panel has a label")
    return column
