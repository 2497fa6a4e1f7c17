"""What is seen of a table: its columns by a look at its first rows, and answers to questions.

The look is bounded: at most 200,000 rows and 4 million values, however large the table is. What
has to be known of all rows (the span of time, whether a key repeats) is asked of few columns.
"""

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
import pyarrow as pa

from model_refresh.engines import Engine, Query, Value
from model_refresh.engines.identifiers import quoted
from model_refresh.engines.memory import Memory
from model_refresh.engines.statements import CLOCK_WORDS

Kind = Literal["integer", "number", "boolean", "text", "date", "timestamp", "other"]

_MOST_ROWS = 200_000
_MOST_VALUES = 4_000_000
_MOST_COLUMNS = 2_000
_LISTED = 40
_SHOWN = 60
_LARGEST_DECIMAL = 1e11


@dataclass(frozen=True)
class ColumnFacts:
    """One column of the table; `alias` is the name under which a feature may have it.

    `nulls` is a share of the rows that were looked at, `distinct` counts theirs; `values` are the
    most frequent of a column that has few, as text.
    """

    name: str
    alias: str
    kind: Kind
    nulls: float
    distinct: int
    low: float | None = None
    high: float | None = None
    infinite: bool = False
    is_decimal: bool = False
    values: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The column as a statement names it."""
        return quoted(self.name)

    @property
    def label(self) -> str:
        """The alias as a statement names it."""
        return quoted(self.alias)

    @property
    def is_number(self) -> bool:
        """Whether it can be summed."""
        return self.kind in {"integer", "number"}

    @property
    def value(self) -> str:
        """The column as a number that is finite or null, else as it is."""
        return f"CASE WHEN isfinite({self.sql}) THEN {self.sql} END" if self.infinite else self.sql

    @property
    def words(self) -> frozenset[str]:
        """The words of its name in lower case: `isChurned` and `is_churned` are `is`, `churned`."""
        parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name)
        return frozenset(re.split(r"[^a-z0-9]+", parts.lower())) - {""}


@dataclass(frozen=True)
class Table:
    """A table of an opened source, with what the look at its first rows has shown."""

    engine: Engine
    name: str
    rows: int
    looked_at: pl.DataFrame
    columns: tuple[ColumnFacts, ...]
    left_out: int = 0

    @property
    def sql(self) -> str:
        """The table as a statement names it."""
        return quoted(self.name)

    def column(self, name: str) -> ColumnFacts | None:
        """The column of that name, in whatever case it is written."""
        found = [c for c in self.columns if c.name == name]
        return next(
            iter(found or [c for c in self.columns if c.name.lower() == name.lower()]), None
        )

    def ask(self, select: str) -> Mapping[str, object]:
        """The one row of a query."""
        (row,) = answers(self.engine, select)
        return row


def look(engine: Engine, name: str) -> Table:
    """Look at a table; what fits is asked in memory from then on.

    Raises EngineError where it can't be read.
    """
    empty = _read(engine, f"SELECT * FROM {quoted(name)} LIMIT 0")
    usable = (field for field in empty.schema if field.name.lower() not in CLOCK_WORDS)
    fields = [field for field in usable if _kind(field.type) != "other"]
    named, left_out = fields[:_MOST_COLUMNS], len(empty.schema) - len(fields[:_MOST_COLUMNS])
    limit = max(1_000, min(_MOST_ROWS, _MOST_VALUES // max(1, len(named))))
    listed = ", ".join(quoted(field.name) for field in named) or "1 AS nothing"
    arrow = _read(engine, f"SELECT {listed} FROM {quoted(name)} LIMIT {limit}")
    seen, rows = pl.DataFrame(arrow), arrow.num_rows
    if rows == limit:
        (counted,) = answers(engine, f"SELECT count(*) AS rows FROM {quoted(name)}")
        rows = int(str(counted["rows"]))
    else:
        engine = Memory({name: arrow})  # all of it is here: files needn't be read again
    taken: set[str] = set()
    columns = [
        _facts(seen[field.name], _kind(field.type), alias=_alias(field.name, number, taken))
        for number, field in enumerate(named)
    ]
    return Table(engine, name, rows, seen, tuple(columns), left_out)


def answers(
    engine: Engine, select: str, parameters: Mapping[str, Value] | None = None
) -> Iterator[Mapping[str, object]]:
    """The rows of a query, each as its columns' values."""
    for batch in engine.batches(Query(select, parameters or {}, "a look at the data")):
        yield from batch.to_pylist()


def told(text: object) -> str:
    """A name or value as a comment may hold it: one line, printable, not long."""
    plain = "".join(char if char.isprintable() else "?" for char in str(text))
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 3]}..."


def listed(names: Sequence[str], most: int = 8) -> str:
    """Some names as a comment may hold them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(told(name) for name in names[:most]) + more


def _read(engine: Engine, select: str) -> pa.Table:
    return pa.Table.from_batches(list(engine.batches(Query(select, {}, "a look at the data"))))


def _kind(kind: pa.DataType) -> Kind:
    tests: tuple[tuple[Kind, bool], ...] = (
        ("boolean", pa.types.is_boolean(kind)),
        ("integer", pa.types.is_integer(kind)),
        ("number", pa.types.is_floating(kind) or pa.types.is_decimal(kind)),
        ("text", pa.types.is_string(kind) or pa.types.is_large_string(kind)),
        ("date", pa.types.is_date(kind)),
        ("timestamp", pa.types.is_timestamp(kind)),
    )
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    return next((name for name, holds in tests if holds), "other")


def _alias(name: str, number: int, taken: set[str]) -> str:
    """The name itself where a declaration can name it, else `column_17`."""
    plain = unicodedata.normalize("NFC", name)
    odd = not plain.isprintable() or plain != plain.strip() or not 0 < len(plain) <= 255
    alias = f"column_{number + 1}" if odd or plain.startswith("__") else plain
    while _folded(alias) in taken:
        alias = f"{alias[:240]}_{number + 1}"
    taken.add(_folded(alias))
    return alias


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _facts(values: pl.Series, kind: Kind, *, alias: str) -> ColumnFacts:
    rows = max(1, values.len())
    known = values.drop_nulls()
    facts = ColumnFacts(
        name=values.name,
        alias=alias,
        kind=kind,
        nulls=1 - known.len() / rows,
        distinct=known.n_unique(),
        values=_values(known),
    )
    if not facts.is_number:
        return facts
    numbers = known.cast(pl.Float64, strict=False).drop_nans()
    finite = numbers.filter(numbers.is_finite())
    return replace(
        facts,
        low=_number(finite.min()),
        high=_number(finite.max()),
        infinite=finite.len() < numbers.len(),
        is_decimal=_is_decimal(finite),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _values(known: pl.Series) -> tuple[str, ...]:
    if known.n_unique() > _LISTED:
        return ()
    counts = known.rename("value").value_counts().sort(["count", "value"], descending=[True, False])
    with contextlib.suppress(pl.exceptions.PolarsError):
        return tuple(counts["value"].cast(pl.String).to_list())
    return ()


def _is_decimal(finite: pl.Series) -> bool:
    """Whether all have at most four digits behind the point, and fit a DECIMAL(18, 4)."""
    largest = _number(finite.abs().max())
    if largest is None or largest >= _LARGEST_DECIMAL:
        return False
    return bool(((finite - finite.round(4)).abs() < 1e-9).all())
