"""What the queries of every shape share: their texts, names that are free, kinds of columns."""

import unicodedata
from dataclasses import dataclass, field

from model_refresh.engines.identifiers import quoted
from model_refresh.scaffold.facts import ColumnFacts, listed, told
from model_refresh.scaffold.vocabulary import NAMES

_MOST_VALUES = 1_000
_MOST_NULLS = 0.95


@dataclass(frozen=True)
class Queries:
    """The texts of the queries, and what the declaration has to say of their columns.

    `ready` gives up to when the data are complete. `key`, `label` and the lists hold names of
    columns as the queries give them, unquoted.
    """

    features: str
    labels: str
    ready: str
    key: tuple[str, ...]
    label: str
    event_time: str | None = None
    categorical: tuple[str, ...] = ()
    assumes_known: tuple[str, ...] = ()


@dataclass
class Names:
    """Names that a query has given, so that each is given once, in whatever case or form."""

    taken: set[str] = field(default_factory=set)

    def free(self, wanted: str) -> str:
        """The name, or one like it that nothing else has; at most 255 characters."""
        name, number = wanted[:240], 2
        while self._folded(name) in self.taken:
            name, number = f"{wanted[:240]}_{number}", number + 1
        self.taken.add(self._folded(name))
        return name

    def sql(self, wanted: str) -> str:
        """A free name as a statement writes it."""
        return quoted(self.free(wanted))

    def _folded(self, name: str) -> str:
        return unicodedata.normalize("NFKC", name).strip().casefold()


@dataclass(frozen=True)
class Sorted:
    """The columns by what a query does with them; `left` is what it does nothing with, and why."""

    numbers: tuple[ColumnFacts, ...]
    booleans: tuple[ColumnFacts, ...]
    texts: tuple[ColumnFacts, ...]
    names: tuple[ColumnFacts, ...]
    left: tuple[tuple[str, str], ...]

    def told_left(self, not_seen: int) -> list[str]:
        """A comment line for each reason to leave columns out; `not_seen` were not looked at."""
        reasons = dict.fromkeys(reason for _, reason in self.left)
        beyond = [f"-- Not looked at: {not_seen} columns of other types, or that are too many"]
        return (beyond if not_seen else []) + [
            f"-- Left out, {reason}: {listed([n for n, r in self.left if r == reason])}"
            for reason in reasons
        ]


def sort_columns(columns: tuple[ColumnFacts, ...], *, most: int) -> Sorted:
    """At most `most` columns by kind, in the table's order.

    `names` are whole numbers that are names, such as the number of a shop.
    """
    kinds: dict[str, list[ColumnFacts]] = {}
    left: list[tuple[str, str]] = []
    used = 0
    for column in columns:
        reason = _no_use(column) or ("there are very many columns" if used >= most else None)
        if reason is not None:
            left.append((column.name, reason))
            continue
        used += 1
        is_name = column.kind == "integer" and column.words & NAMES
        kind = "name" if is_name else "number" if column.is_number else column.kind
        kinds.setdefault(kind, []).append(column)
    return Sorted(
        tuple(kinds.get("number", ())),
        tuple(kinds.get("boolean", ())),
        tuple(kinds.get("text", ())),
        tuple(kinds.get("name", ())),
        tuple(left),
    )


def seen(column: ColumnFacts) -> str:
    """What was seen of a column, for a comment."""
    said = f"{told(column.name)}: {column.kind}"
    if column.low is not None and column.high is not None:
        said += f" from {column.low:.6g} to {column.high:.6g}"
    elif column.values:
        said += f", such as {listed(column.values, 3)}"
    return f"{said}, {column.nulls:.0%} null" if column.nulls else said


def named(sql: str, name: str) -> str:
    """An expression under a name, which it may have already."""
    return sql if sql == name else f"{sql} AS {name}"


def indented(lines: list[str], by: int = 4) -> str:
    """Lines below one another, each moved to the right."""
    return "\n".join(" " * by + line for line in lines)


def _no_use(column: ColumnFacts) -> str | None:
    if column.nulls > _MOST_NULLS:
        return "nearly always null"
    if column.distinct <= 1:
        return "one value only"
    if column.kind in {"date", "timestamp"}:
        return "dates, which may lie after $as_of"
    if column.kind == "text" and column.distinct > _MOST_VALUES:
        return "texts with very many values"
    return None
