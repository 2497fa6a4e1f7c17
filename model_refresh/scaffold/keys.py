"""Which columns tell rows apart, and which say whose rows they are."""

from dataclasses import dataclass
from itertools import combinations

from model_refresh.errors import DataError
from model_refresh.scaffold.facts import ColumnFacts, Table, listed, told
from model_refresh.scaffold.moments import Moment
from model_refresh.scaffold.vocabulary import MEASURES, NAMES, WHO

_EXACT_ROWS = 5_000_000
_MOST_COMBINED = 4
_FEWEST_INSTANTS = 4
_FEWEST_A_PERIOD = 3.0
_LEAST_COVERED = 0.2
_MOST_DOUBLE = 0.01


@dataclass(frozen=True)
class RowKey:
    """What tells rows apart: one column, several joined to a text, or nothing but the whole row.

    `repeated` is the share of rows that repeat the key of another: the first of them is taken.
    """

    columns: tuple[ColumnFacts, ...]
    repeated: float = 0.0
    is_numbered: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the key is columns as they are, and no text that is made of them."""
        return not self.is_numbered


def require_columns(table: Table, names: tuple[str, ...]) -> tuple[ColumnFacts, ...]:
    """The columns that --key names; DataError for one that there isn't, or that is no key."""
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise DataError(
                f"--key {told(name)!r} is no column of {told(table.name)}; there are "
                f"{listed([c.name for c in table.columns], 20)}",
                check="key",
            )
        found.append(column)
    return tuple(found)


def repeats(table: Table, columns: tuple[ColumnFacts, ...]) -> float:
    """The share of rows that repeat the key of another row; of very many rows roughly."""
    if 0 < table.looked_at.select(c.name for c in columns).n_unique() == table.rows:
        return 0.0
    distinct = _distinct(table, [c.sql for c in columns])
    share = max(0.0, 1 - distinct / max(1, table.rows))
    return 0.0 if table.rows > _EXACT_ROWS and share < 0.05 else share


def row_key(table: Table, moment: Moment, *, without: set[str]) -> RowKey:
    """The fewest columns that tell rows apart: an id, columns together, or the whole row."""
    columns = [c for c in table.columns if c.name not in without and c.kind != "boolean"]
    ids = [c for c in columns if _is_name(c) and c.nulls == 0 and c.name != moment.column.name]
    for column in sorted(ids, key=lambda c: not c.words & NAMES):
        if column.distinct == table.looked_at.height and repeats(table, (column,)) == 0:
            return RowKey((column,))
    several = [*ids[:6], moment.column]
    for size in range(2, _MOST_COMBINED + 1):
        for chosen in combinations(several, size):
            seen = table.looked_at.select(c.name for c in chosen)
            if seen.n_unique() == seen.height and repeats(table, chosen) == 0:
                return RowKey(chosen, is_numbered=True)
    return RowKey((), is_numbered=True)


def find_entity(table: Table, *, taken: set[str]) -> ColumnFacts | None:
    """The column that most likely says who comes back; None where none does."""
    columns = [c for c in table.columns if c.name not in taken and _is_name(c)]
    scored = [(_likely(c, table), -number, c) for number, c in enumerate(columns)]
    best = max(scored, default=None, key=lambda each: each[:2])
    return best[2] if best is not None and best[0] > 0 else None


def is_panel(table: Table, entity: tuple[ColumnFacts, ...], moment: Moment) -> bool:
    """Whether each entity has one row a period, and most have one in most periods."""
    keys = [c.sql for c in entity]
    instants = _distinct(table, [moment.sql])
    entities = _distinct(table, keys)
    if instants < _FEWEST_INSTANTS or entities < 2 or table.rows / instants < _FEWEST_A_PERIOD:
        return False
    covered = table.rows / (instants * entities)
    pairs = _distinct(table, [*keys, moment.sql])
    most = 0.05 if table.rows > _EXACT_ROWS else _MOST_DOUBLE
    return covered >= _LEAST_COVERED and pairs >= (1 - most) * table.rows


def _distinct(table: Table, columns: list[str]) -> float:
    """How many different values there are, counted up to some million rows, estimated beyond."""
    value = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"
    count = "count(DISTINCT {})" if table.rows <= _EXACT_ROWS else "approx_count_distinct({})"
    row = table.ask(f"SELECT {count.format(value)} AS different FROM {table.sql}")
    return float(str(row["different"]))


def _is_name(column: ColumnFacts) -> bool:
    """Whether values are names of something: text or whole numbers that measure nothing."""
    if column.words & MEASURES and not column.words & NAMES:
        return False
    return column.kind in {"integer", "text"} and column.distinct > 1


def _likely(column: ColumnFacts, table: Table) -> float:
    seen = table.looked_at.height
    per_value = seen * (1 - column.nulls) / max(1, column.distinct)
    if per_value < 1.05:
        return -1.0
    named = 3.0 * bool(column.words & WHO) + 2.0 * bool(column.words & NAMES)
    few = 2.0 * (column.distinct < 20) + 3.0 * (column.distinct < 5)
    return named + 0.5 * (column.kind == "text") + 1.0 - few - 2.0 * (column.nulls > 0.2)
