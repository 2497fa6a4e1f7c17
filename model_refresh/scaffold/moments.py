"""Which columns say when: dates and timestamps, and text or numbers that are written dates."""

from dataclasses import dataclass

import polars as pl

from model_refresh.errors import DataError
from model_refresh.scaffold.facts import ColumnFacts, Table, listed, told
from model_refresh.scaffold.vocabulary import OTHER_TIMES, TIMES

_SAMPLE = 2_000
_MOST_ODD = 0.01
_TEXTS = (
    (r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?", "try_cast({} AS TIMESTAMP)"),
    (
        r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)",
        "try_cast({} AS TIMESTAMPTZ)::TIMESTAMP",
    ),
    (r"\d{4}-\d{2}", "try_strptime({} || '-01', '%Y-%m-%d')"),
    (r"\d{4}/\d{2}/\d{2}", "try_strptime({}, '%Y/%m/%d')"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "try_strptime({}, '%d.%m.%Y')"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "try_strptime({}, '%m/%d/%Y')"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "try_strptime({}, '%d/%m/%Y')"),
    (r"\d{8}", "try_strptime({}, '%Y%m%d')"),
)
_NUMBERS = (
    (19_000_101, 21_001_231, "try_strptime({}::VARCHAR, '%Y%m%d')", False),
    (190_001, 210_012, "try_strptime({}::VARCHAR || '01', '%Y%m%d')", True),
    (600_000_000, 4_100_000_000, "make_timestamp({}::BIGINT * 1000000)", True),
    (600_000_000_000, 4_100_000_000_000, "make_timestamp({}::BIGINT * 1000)", True),
)
"""From, to, how to read it, and whether the column's name must speak of time."""


@dataclass(frozen=True)
class Moment:
    """A column that says when; `sql` makes it a TIMESTAMP without zone, in UTC.

    `is_day`: it has no time of day.
    """

    column: ColumnFacts
    sql: str
    is_day: bool


def find_moments(table: Table) -> list[Moment]:
    """Every column that can say when, the likeliest first."""
    found = [moment for c in table.columns if (moment := _moment(table, c)) is not None]
    order = {c.name: number for number, c in enumerate(table.columns)}
    return sorted(found, key=lambda m: (-_likely(m.column), order[m.column.name]))


def require_moment(table: Table, named: str | None) -> Moment:
    """The column that a person named, or the likeliest; DataError where there is none."""
    moments = find_moments(table)
    if named is None:
        usable = [moment for moment in moments if moment.column.distinct > 1]
        if usable:
            return usable[0]
        same = f": {told(moments[0].column.name)!r} is the same on every row" if moments else ""
        raise DataError(
            f"{told(table.name)} has no column that says when{same}. A refresh learns from rows "
            "whose outcome is known and scores later ones, so each row needs a date or a time: add "
            "one, or name it by --time COLUMN. There are the columns "
            f"{listed([c.name for c in table.columns], 20)}",
            check="time",
        )
    column = table.column(named)
    moment = next((m for m in moments if column and m.column.name == column.name), None)
    if moment is None:
        known = listed([m.column.name for m in moments], 20) or "none"
        raise DataError(
            f"--time {told(named)!r} is no column of dates or times{_written_as(table, column)}; "
            f"accepted: {known}",
            check="time",
        )
    return moment


def _written_as(table: Table, column: ColumnFacts | None) -> str:
    """What stands in a column of text, since it may be dates that nothing here reads."""
    if column is None or column.kind != "text":
        return ""
    values = table.looked_at[column.name].drop_nulls()
    if values.is_empty():
        return ""
    return f": it has text such as {told(str(values[0]))!r}; write dates as 2026-01-31"


def _moment(table: Table, column: ColumnFacts) -> Moment | None:
    if column.distinct == 0:
        return None
    match column.kind:
        case "date":
            return Moment(column, f"{column.sql}::TIMESTAMP", is_day=True)
        case "timestamp":
            return Moment(column, f"{column.sql}::TIMESTAMP", is_day=_on_midnight(table, column))
        case "text":
            return _written(table, column)
        case "integer":
            return _numbered(table, column)
    return None


def _on_midnight(table: Table, column: ColumnFacts) -> bool:
    seen = table.looked_at[column.name].drop_nulls().cast(pl.Datetime("us"))
    return bool((seen.dt.truncate("1d") == seen).all())


def _written(table: Table, column: ColumnFacts) -> Moment | None:
    """Text that one of the formats reads; of two that fit, the one that reads more of all rows."""
    seen = table.looked_at[column.name].drop_nulls().head(_SAMPLE)
    best, share = None, 1 - _MOST_ODD
    for pattern, sql in _TEXTS:
        if seen.str.contains(f"^{pattern}$").mean() > 1 - _MOST_ODD:  # type: ignore[operator]
            read = sql.format(column.sql)
            found = _readable(table, read, column)
            if found > share or (best is None and found == share):
                best, share = read, found
    if best is None:
        return None
    return Moment(column, best, is_day=not seen.str.contains(":").any())


def _numbered(table: Table, column: ColumnFacts) -> Moment | None:
    if column.low is None or column.high is None or column.nulls > 0.5:
        return None
    for low, high, sql, needs_name in _NUMBERS:
        if low <= column.low and column.high <= high and (column.words & TIMES or not needs_name):
            read = sql.format(column.sql)
            if _readable(table, read, column) >= 1 - _MOST_ODD:
                return Moment(column, read, is_day="make_timestamp" not in sql)
    return None


def _readable(table: Table, read: str, column: ColumnFacts) -> float:
    """The share of all known values that can be read so."""
    row = table.ask(f"SELECT count({read}) AS read, count({column.sql}) AS known FROM {table.sql}")
    return float(str(row["read"])) / max(float(str(row["known"])), 1.0)


def _likely(column: ColumnFacts) -> float:
    poor, good = bool(column.words & OTHER_TIMES), bool(column.words & TIMES)
    typed = column.kind in {"date", "timestamp"}
    return 2.0 * good - 3.0 * poor + 0.5 * typed + (1 - column.nulls) + (column.distinct > 1)
