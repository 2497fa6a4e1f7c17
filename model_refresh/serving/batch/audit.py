"""What a batch must be before it is published: the frame's rows, each with scores that can be.

The batch is read back from its file, beside the keys of the frame that it claims to score, a block
at a time: what was written is what is audited, in constant memory.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.errors import DataError
from model_refresh.records import Task
from model_refresh.serving.chances import Flags, not_one_in_all, outside

_BLOCK_ROWS = 100_000


@dataclass(frozen=True)
class Columns:
    """The columns of one version's scores; `may_be_constant`: it gives all rows one value.

    `may_be_null`: its rows are its own, some keys of the frame may not be among them.
    """

    names: tuple[str, ...]
    may_be_constant: bool = False
    may_be_null: bool = False


@dataclass(frozen=True)
class Expected:
    """What a batch should hold: so many rows of the key, and the scores of one version or two."""

    task: Task
    key: tuple[str, ...]
    rows: int
    scores: tuple[Columns, ...]

    @property
    def names(self) -> list[str]:
        """All columns in their order."""
        return [*self.key, *[name for columns in self.scores for name in columns.names]]


def audit(batch: Path, frame: Path, expected: Expected) -> tuple[str, ...]:
    """Read a batch's file against its frame's; notes on what is odd but may be.

    Raises DataError (check `audit`) naming the first row that is wrong, and its key.
    """
    ranges, first = _Ranges(), 0
    with (
        pq.ParquetFile(batch, pre_buffer=False) as scored,  # else it keeps all that it reads
        pq.ParquetFile(frame, pre_buffer=False) as known,
    ):
        _require_schema(scored.schema_arrow, known.schema_arrow, expected)
        written, there = scored.metadata.num_rows, known.metadata.num_rows
        if not written == there == expected.rows:
            raise _failed(f"it has {written} rows; its frame {there}, of {expected.rows} recorded")
        blocks = scored.iter_batches(batch_size=_BLOCK_ROWS)
        keys = known.iter_batches(batch_size=_BLOCK_ROWS, columns=list(expected.key))
        for rows, wanted in _side_by_side(blocks, keys):
            _require_keys(rows, wanted.select(expected.key), first)
            for columns in expected.scores:
                _require_scores(rows, columns, expected, first)
            ranges.add(rows)
            first += rows.height
    return tuple(ranges.notes(expected))


def _require_schema(found: pa.Schema, known: pa.Schema, expected: Expected) -> None:
    """The columns in their order; a key's of the frame's types, scores in double precision."""
    if found.names != expected.names:
        raise _failed(f"the columns are {found.names} where {expected.names} are due")
    for name in expected.key:
        types = [_type_of(schema, name) for schema in (found, known)]
        if types[0] != types[1]:
            raise _failed(f"column {name!r} is {types[0]}, in the frame {types[1]}")
    for name in expected.names[len(expected.key) :]:
        if found.field(name).type != pa.float64():
            raise _failed(f"column {name!r} is {found.field(name).type}, which is no double")


def _type_of(schema: pa.Schema, name: str) -> pl.DataType:
    """As Polars sees it, to which all ways to store a text are one."""
    kind = pl.DataFrame(pa.schema([schema.field(name)]).empty_table()).dtypes[0]
    return pl.String() if kind == pl.Categorical else kind


def _side_by_side(
    left: Iterator[pa.RecordBatch], right: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Blocks of equally many rows of two files that have equally many, however they are cut."""
    one, two = pl.DataFrame(), pl.DataFrame()
    while True:
        one = one if one.height else _next(left)
        two = two if two.height else _next(right)
        if not (height := min(one.height, two.height)):
            return
        yield one.head(height), two.head(height)
        one, two = one.slice(height), two.slice(height)


def _next(blocks: Iterator[pa.RecordBatch]) -> pl.DataFrame:
    """The next block that has rows; an empty one after the last."""
    found = next((block for block in blocks if block.num_rows), None)
    return pl.DataFrame() if found is None else pl.DataFrame(pa.Table.from_batches([found]))


def _require_keys(rows: pl.DataFrame, wanted: pl.DataFrame, first: int) -> None:
    """Each key of the frame once and in its order, since the frame has each once."""
    differ = np.zeros(rows.height, dtype=np.bool_)
    for name in wanted.columns:
        differ |= rows[name].ne_missing(wanted[name]).to_numpy()
    keys = rows.select(wanted.columns)
    _refuse_any(
        differ, first, lambda at: f"has the key {keys.row(at)}, its frame {wanted.row(at)} there"
    )


def _require_scores(rows: pl.DataFrame, columns: Columns, expected: Expected, first: int) -> None:
    """Finite; of a task that tells classes apart within [0, 1], and over all classes 1."""
    table = rows.select(columns.names)

    def say(what: str) -> Callable[[int], str]:
        names = ", ".join(columns.names)
        keys = rows.select(expected.key)
        return lambda at: f"with the key {keys.row(at)} has {names} = {table.row(at)}: {what}"

    nulls = np.stack([series.is_null().to_numpy() for series in table], axis=1)
    scores = np.stack([series.fill_null(np.nan).to_numpy() for series in table], axis=1)
    left_out = nulls.all(axis=1) & columns.may_be_null
    _refuse_any(~np.isfinite(scores).all(axis=1) & ~left_out, first, say("null or not finite"))
    if expected.task == "regression":
        return
    _refuse_any(np.any(outside(scores), axis=1), first, say("not within [0, 1]"))
    if expected.task == "multiclass":
        _refuse_any(not_one_in_all(scores), first, say("not 1 in all"))


def _refuse_any(wrong: Flags, first: int, saying: Callable[[int], str]) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        more = int(wrong.sum()) - 1
        also = f", and {more} more of the next rows" if more else ""
        raise _failed(f"row {first + at + 1} {saying(at)}{also}")


def _failed(sentence: str) -> DataError:
    return DataError(
        f"the batch failed its audit, nothing was published: {sentence}", check="audit"
    )


@dataclass
class _Ranges:
    """The lowest and the highest value of each column so far, and how often it was null."""

    found: dict[str, tuple[float, float]] = field(default_factory=dict)
    nulls: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Widen by what these rows have."""
        self.rows += rows.height
        for series in rows:
            self.nulls[series.name] += series.null_count()
            if series.dtype != pl.Float64 or series.null_count() == series.len():
                continue
            low, high = float(series.min()), float(series.max())  # type: ignore[arg-type]
            before = self.found.get(series.name, (low, high))
            self.found[series.name] = (min(low, before[0]), max(high, before[1]))

    def notes(self, expected: Expected) -> Iterator[str]:
        """Rows left out, and columns of one score in all rows where it should depend on the row."""
        for columns in expected.scores:
            yield from self._left_out(columns)
            for name in columns.names:
                low, high = self.found.get(name, (0.0, 1.0))
                if self.rows > 1 and low == high and not columns.may_be_constant:
                    yield f"{name} is {low:.6g} in all {self.rows:,} rows"

    def _left_out(self, columns: Columns) -> Iterator[str]:
        """How many rows of the frame a version with rows of its own does not score."""
        name, rows = columns.names[0], f"of {self.rows:,} rows"
        if (lacking := self.nulls[name]) == 0:
            return
        if lacking == self.rows:
            yield f"none {rows} has a {name}: no key of the champion's is among the challenger's"
        else:
            yield f"{lacking:,} {rows} have no {name}: the challenger's rows lack their keys"
