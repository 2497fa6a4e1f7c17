"""Queries over rows that happen once: what each says itself, and the past of whose it is."""

from model_refresh.engines.identifiers import quoted
from model_refresh.errors import DataError
from model_refresh.scaffold.facts import ColumnFacts, Table, told
from model_refresh.scaffold.leaks import find_leaks
from model_refresh.scaffold.outcomes import interval, known_label, ready_sql
from model_refresh.scaffold.queries import Names, Queries, indented, named, seen, sort_columns
from model_refresh.scaffold.roles import Roles
from model_refresh.scaffold.timing import Timing

_MOST_COLUMNS = 1_000
_MOST_IN_KEY = 50
_MOST_CATEGORIES = 1_000


def event_queries(table: Table, roles: Roles, timing: Timing) -> Queries:
    """The queries of events. Raises DataError where nothing but the label would be left."""
    return _Writer(table, roles, timing).queries()


class _Writer:
    """Writes the three queries of one table."""

    def __init__(self, table: Table, roles: Roles, timing: Timing) -> None:
        if roles.label is None or roles.row is None:
            raise NotImplementedError("events have a label and a key")
        self._table, self._roles, self._timing = table, roles, timing
        self._facts, self._row, self._when = roles.label, roles.row, roles.moment.sql
        self._leaks = find_leaks(table, roles.features, roles.label)
        leaking = {leak.column.name for leak in self._leaks}
        columns = tuple(c for c in roles.features if c.name not in leaking)
        self._sorted = sort_columns(columns, most=_MOST_COLUMNS)
        self._used = [
            *self._sorted.numbers, *self._sorted.booleans, *self._sorted.texts, *self._sorted.names
        ]  # fmt: skip
        names = Names({c.alias.casefold() for c in table.columns})
        plain = [c.alias for c in self._row.columns]
        self._aliases = plain if self._row.is_plain else [names.free("row_key")]
        self._keys = [quoted(alias) for alias in self._aliases]
        self._at = roles.moment.column.label
        self._who = [names.sql("whose") for _ in roles.entity]
        self._past = (names.sql("past_times"), names.sql("past_mean"))
        self._outcome = names.sql("outcome")

    def queries(self) -> Queries:
        """All three, and what the declaration needs of them."""
        if not self._used and not self._roles.entity:
            raise DataError(
                f"{told(self._table.name)} has no column that could be a feature beside key, time "
                "and label",
                check="features",
            )
        names = [c.alias for c in self._sorted.names if c.distinct <= _MOST_CATEGORIES]
        return Queries(
            features=self._features(),
            labels=self._labels(),
            ready=ready_sql(self._table, self._roles, self._timing),
            key=tuple(self._aliases),
            label=self._facts.column.alias,
            event_time=self._roles.moment.column.alias,
            categorical=tuple(names),
            assumes_known=tuple(c.alias for c in self._used),
        )

    def _features(self) -> str:
        keys = ", ".join(f"coming.{key}" for key in self._keys)
        lines = [f"coming.{key}," for key in self._keys] + [f"coming.{self._at},"]
        for column in self._used:
            lines += [f"-- {seen(column)}", f"coming.{column.label},"]
        past, join = "", ""
        if self._who:
            past, join = f",\n\n{self._past_rows()}", self._join()
            whose = told(", ".join(c.name for c in self._roles.entity))
            lines += [f"-- the past of the same {whose}", f"past.{self._past[0]},"]
            if self._facts.task != "multiclass":
                lines.append(f"past.{self._past[1]},")
        inner = [
            *self._key_lines(),
            f"{self._when} AS {self._at},",
            *[f"{c.sql} AS {who}," for c, who in zip(self._roles.entity, self._who, strict=True)],
            *[f"{named(c.value, c.label)}," for c in self._used],
        ]
        return (
            f"{self._opening()}WITH coming AS (\n    SELECT\n{indented(inner, 8)}\n"
            f"    FROM {self._table.sql}\n    WHERE {self._within('$next')}{self._once()}\n)"
            f"{past}\n\n"
            f"SELECT\n{indented(lines)}\nFROM coming\n{join}ORDER BY {keys}\n"
        )

    def _opening(self) -> str:
        lines = [
            f"-- One row for each row of {told(self._table.name)} that happens in [$as_of, $next).",
            "-- Keep the columns that are known at $as_of, before it happens; frame.assumes_known",
            "-- in model.yaml lists those that are used as if they were.",
            *[
                f"-- Left out, it knows the label ({leak.says}): {told(leak.column.name)}"
                for leak in self._leaks[:20]
            ],
            *self._sorted.told_left(self._table.left_out),
        ]
        return "\n".join(lines) + "\n"

    def _key_lines(self) -> list[str]:
        """The key's columns, or the text that is made of them."""
        if self._row.is_plain:
            return [
                f"{named(c.sql, key)},"
                for c, key in zip(self._row.columns, self._keys, strict=True)
            ]
        if self._row.columns:
            return [f"{_joined([c.sql for c in self._row.columns])} AS {self._keys[0]},"]
        others = [c for c in self._table.columns if c.name != self._facts.column.name]
        digest = f"md5({_joined([c.sql for c in others[:_MOST_IN_KEY]])})"
        nth = f"row_number() OVER (PARTITION BY {digest} ORDER BY {self._facts.column.sql})"
        return [
            "-- no columns tell rows apart, so the whole row does; a column with an id is better",
            f"{digest} || '-' || {nth} AS {self._keys[0]},",
        ]

    def _within(self, end: str) -> str:
        window = f"{self._when} >= $as_of AND {self._when} < {end}"
        return " AND ".join([window, *[f"{c.sql} IS NOT NULL" for c in self._key_columns()]])

    def _key_columns(self) -> list[ColumnFacts]:
        return list(self._row.columns) if self._row.is_plain else []

    def _once(self) -> str:
        """Where a key repeats, the first row of it."""
        if not self._row.repeated:
            return ""
        key = ", ".join(c.sql for c in self._row.columns)
        order = f"{self._when}, {self._facts.column.sql}"
        return (
            f"\n    -- {self._row.repeated:.2%} of the rows repeat another's key: the first counts"
            f"\n    QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order}) = 1"
        )

    def _past_rows(self) -> str:
        """The rows before `$as_of` by whose they are; labels only where they were known."""
        entity = list(zip(self._roles.entity, self._who, strict=True))
        known = f"{self._when} + {interval(self._timing.horizon + self._timing.maturity)} <= $as_of"
        lines = [*[f"{c.sql} AS {who}," for c, who in entity], f"count(*) AS {self._past[0]},"]
        if self._facts.task != "multiclass":
            value = self._facts.sql
            order = f" ORDER BY {value}" if self._facts.task == "regression" else ""
            there = known_label(self._facts.column)
            lines += [
                "-- labels that were known by then",
                f"avg({value}{order}) FILTER ({known} AND {there}) AS {self._past[1]},",
            ]
        before = " AND ".join(
            [f"{self._when} < $as_of", *[f"{c.sql} IS NOT NULL" for c, _ in entity]]
        )
        by = ", ".join(c.sql for c, _ in entity)
        return (
            f"past AS (\n    SELECT\n{indented(lines, 8)}\n    FROM {self._table.sql}\n"
            f"    WHERE {before}\n    GROUP BY {by}\n)"
        )

    def _join(self) -> str:
        return (
            f"LEFT JOIN past ON {' AND '.join(f'past.{who} = coming.{who}' for who in self._who)}\n"
        )

    def _labels(self) -> str:
        keys, column = ", ".join(self._keys), self._facts.column
        inner = [*self._key_lines(), f"{self._facts.sql} AS {self._outcome},"]
        there = (
            f"isfinite({self._outcome})" if self._facts.task == "regression"
            else f"{self._outcome} IS NOT NULL"
        )  # fmt: skip
        return (
            f"-- {told(column.name)} of the rows in [$as_of, $until).\n"
            f"SELECT {keys}, {self._outcome} AS {column.label}\nFROM (\n    SELECT\n"
            f"{indented(inner, 8)}\n    FROM {self._table.sql}\n    WHERE {self._within('$until')}"
            f"{self._once()}\n)\nWHERE {there}\n"
        )


def _joined(columns: list[str]) -> str:
    values = ", ".join(f"coalesce({column}::VARCHAR, '')" for column in columns)
    return f"concat_ws('|', {values})"
