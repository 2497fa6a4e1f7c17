"""Queries over what comes back: recency, frequency, sums, means and last values of its past.

They serve the shapes history and panel: both know of a key only its rows before `$as_of`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from model_refresh.engines.identifiers import quoted
from model_refresh.scaffold.facts import ColumnFacts, Table, told
from model_refresh.scaffold.outcomes import (
    OutcomeNames,
    exact,
    history_labels,
    interval,
    panel_labels,
    ready_sql,
)
from model_refresh.scaffold.queries import (
    Names,
    Queries,
    Sorted,
    indented,
    named,
    seen,
    sort_columns,
)
from model_refresh.scaffold.roles import Roles
from model_refresh.scaffold.timing import DAY, Timing

_AGGREGATED = 30
_MOST_COLUMNS = 400
_COUNTED = 5


def history_queries(table: Table, roles: Roles, timing: Timing) -> Queries:
    """The queries of a history or a panel."""
    return _Writer(table, roles, timing).queries()


@dataclass(frozen=True)
class _Window:
    """A stretch of the past: its condition on the rows, and the ending of names."""

    condition: str
    ending: str


class _Writer:
    """Writes the three queries of one table."""

    def __init__(self, table: Table, roles: Roles, timing: Timing) -> None:
        self._table, self._roles, self._timing = table, roles, timing
        columns = roles.features
        if roles.shape == "history" and roles.label is not None:
            columns = (*columns, roles.label.column)
        self._sorted: Sorted = sort_columns(columns, most=_MOST_COLUMNS)
        inside = Names()
        for column in (*table.columns,):
            inside.free(column.alias)
        self._at, self._ago = inside.sql("happened_at"), inside.sql(f"{self._unit}s_ago")
        self._nth, self._known = inside.sql("nth"), inside.sql("known_label")
        self._outcome = inside.sql("outcome")
        self._names = Names()
        self._keys = [quoted(self._names.free(c.alias)) for c in roles.entity]
        self._label = self._names.free(self._label_wanted())

    def queries(self) -> Queries:
        """All three, and what the declaration needs of them."""
        return Queries(
            features=self._features(),
            labels=self._labels(),
            ready=ready_sql(self._table, self._roles, self._timing),
            key=tuple(c.alias for c in self._roles.entity),
            label=self._label,
        )

    @property
    def _unit(self) -> str:
        return "hour" if self._timing.horizon < 2 * DAY else "day"

    def _label_wanted(self) -> str:
        roles = self._roles
        if roles.label is None:
            return "comes_back" if roles.amount is None else f"{roles.amount.alias}_ahead"
        return (
            roles.label.column.alias
            if roles.shape == "panel"
            else (f"{roles.label.column.alias}_ahead")
        )

    def _features(self) -> str:
        when = self._roles.moment.sql
        order = ", ".join([when, *[c.value for c in self._used()[:12]]])
        who = ", ".join(c.sql for c in self._roles.entity)
        inner = [
            *[
                f"{named(c.sql, key)},"
                for c, key in zip(self._roles.entity, self._keys, strict=True)
            ],
            f"{when} AS {self._at},",
            *[f"{named(exact(c), c.label)}," for c in self._used()],
            *self._past_label(),
            f"date_diff('{self._unit}', {when}, $as_of) AS {self._ago},",
            f"row_number() OVER (PARTITION BY {who} ORDER BY {order}) AS {self._nth},",
        ]
        known = " AND ".join(
            [f"{when} < $as_of", *[f"{c.sql} IS NOT NULL" for c in self._roles.entity]]
        )
        keys = ", ".join(self._keys)
        lines = [f"{key}," for key in self._keys]
        lines += [*self._activity(), *self._of_columns(), *self._of_label()]
        return (
            f"{self._opening()}WITH past AS (\n    SELECT\n{indented(inner, 8)}\n"
            f"    FROM {self._table.sql}\n    WHERE {known}\n)\n\n"
            f"SELECT\n{indented(lines)}\nFROM past\nGROUP BY {keys}\n{self._having()}"
            f"ORDER BY {keys}\n"
        )

    def _opening(self) -> str:
        roles = self._roles
        who = told(", ".join(c.name for c in roles.entity))
        lines = [
            f"-- One row for each {who}: what was known of it before $as_of.",
            "-- Nothing at or after $as_of may be read: it would not be there yet in production.",
            f"-- Seen in {told(self._table.name)}: {self._table.rows:,} rows; "
            f"{told(roles.moment.column.name)} says when.",
            *self._sorted.told_left(self._table.left_out),
            "-- Add what a person who knows the data would look at; delete what means nothing.",
        ]
        return "\n".join(lines) + "\n"

    def _used(self) -> list[ColumnFacts]:
        columns = self._sorted
        return [*columns.numbers, *columns.booleans, *columns.texts, *columns.names[:_COUNTED]]

    def _past_label(self) -> list[str]:
        label = self._roles.label
        if label is None or self._roles.shape == "history":
            return []
        known = interval(self._timing.horizon + self._timing.maturity)
        return [
            f"-- a past {told(label.column.name)} counts only once it was known",
            f"CASE WHEN {self._roles.moment.sql} + {known} <= $as_of THEN {label.sql} END "
            f"AS {self._known},",
        ]

    def _activity(self) -> list[str]:
        unit, ago = self._unit, self._ago
        lines = ["-- how often", f"count(*) AS {self._names.sql('times')},"]
        lines += [
            f"count(*) FILTER ({window.condition}) AS {self._names.sql('times' + window.ending)},"
            for window in self._windows()
        ]
        return [
            *lines,
            "-- how recently",
            f"min({ago}) AS {self._names.sql(f'{unit}s_since_last')},",
            f"max({ago}) AS {self._names.sql(f'{unit}s_since_first')},",
        ]

    def _windows(self) -> list[_Window]:
        """The last step and the last horizons, as far as a frame's past surely reaches."""
        step, horizon = self._timing.step, self._timing.horizon
        lengths = {step, horizon} if self._roles.shape == "history" else {3 * step}
        lengths |= {3 * horizon} if self._roles.shape == "history" else set()
        hour = self._unit == "hour"
        numbers = sorted({round(each / (DAY / 24 if hour else DAY)) for each in lengths})
        return [
            _Window(f"{self._ago} <= {number}", f"_{number}{self._unit[0]}") for number in numbers
        ]

    def _of_columns(self) -> Iterator[str]:
        for place, column in enumerate(self._sorted.numbers):
            yield f"-- {seen(column)}"
            yield from self._of_number(column, whole=place < _AGGREGATED)
        for place, column in enumerate(self._sorted.booleans):
            yield f"-- {seen(column)}"
            yield f"{self._last(column)}"
            if place < _AGGREGATED:
                name = self._names.sql(f"{column.alias}_share")
                yield f"avg({column.label}::INTEGER) AS {name},"
        for place, column in enumerate(self._sorted.texts):
            yield f"-- {seen(column)}"
            yield self._last(column)
            if place < _COUNTED and self._roles.shape == "history":
                name = self._names.sql(f"{column.alias}_different")
                yield f"count(DISTINCT {column.label}) AS {name},"
        for column in self._sorted.names[:_COUNTED]:
            yield f"-- {seen(column)}"
            name = self._names.sql(f"{column.alias}_different")
            yield f"count(DISTINCT {column.label}) AS {name},"

    def _of_number(self, column: ColumnFacts, *, whole: bool) -> Iterator[str]:
        yield self._last(column)
        if not whole:
            return
        order = "" if column.is_decimal or column.kind == "integer" else f" ORDER BY {column.label}"
        value = f"{column.label}{order}"
        yield f"avg({value}) AS {self._names.sql(f'{column.alias}_mean')},"
        if self._roles.shape == "history":
            yield f"sum({value})::DOUBLE AS {self._names.sql(f'{column.alias}_sum')},"
        window = self._windows()[-1]
        if self._roles.shape == "history":
            name = self._names.sql(f"{column.alias}_sum{window.ending}")
            yield f"coalesce(sum({value}) FILTER ({window.condition}), 0)::DOUBLE AS {name},"
        else:
            name = self._names.sql(f"{column.alias}_mean{window.ending}")
            yield f"avg({value}) FILTER ({window.condition}) AS {name},"

    def _last(self, column: ColumnFacts) -> str:
        cast = "::DOUBLE" if column.is_decimal and column.kind == "number" else ""
        name = self._names.sql(f"{column.alias}_last")
        return f"arg_max({column.label}, {self._nth}){cast} AS {name},"

    def _of_label(self) -> list[str]:
        label = self._roles.label
        if label is None or self._roles.shape == "history":
            return []
        name = label.column.alias
        lines = [f"arg_max({self._known}, {self._nth}) AS {self._names.sql(f'{name}_last')},"]
        if label.task != "multiclass":
            order = f" ORDER BY {self._known}" if label.task == "regression" else ""
            lines.append(f"avg({self._known}{order}) AS {self._names.sql(f'{name}_mean')},")
        return [f"-- {told(name)} of the past", *lines]

    def _having(self) -> str:
        """Of a panel those that are still there; of a history all, and how to leave some out."""
        if self._roles.shape == "history":
            long = interval(12 * self._timing.horizon)
            return (
                "-- to leave out who was last seen long ago (in labels.sql too):\n"
                f"-- HAVING max({self._at}) >= $as_of - {long}\n"
            )
        recent = interval(2 * self._timing.step)
        return f"-- still there of late\nHAVING max({self._at}) >= $as_of - {recent}\n"

    def _labels(self) -> str:
        names = OutcomeNames(tuple(self._keys), self._at, self._outcome, quoted(self._label))
        if self._roles.shape == "panel":
            return panel_labels(self._table, self._roles, names)
        return history_labels(self._table, self._roles, names)
