"""The columns that a batch has in a sink, the same ones whatever the sink is.

`model`, `as_of` (UTC), the frame's key, `score` or one a class, `challenger_score` likewise (null
where the batch has none), then `champion`, `entry` and `batch`, which say where a row comes from.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from model_refresh.errors import SinkError
from model_refresh.sinks.protocol import Partition

Kind = Literal[
    "boolean",
    "integer",
    "unsigned",
    "decimal",
    "number",
    "text",
    "date",
    "time",
    "timestamp",
    "nanoseconds",
    "instant",
    "bytes",
]

PARTITION = ("model", "as_of")
ORIGIN = ("champion", "entry", "batch")
_SCORE = "score"
_CHALLENGER = "challenger_"
_BLOCK_ROWS = 65_536


@dataclass(frozen=True)
class Column:
    """A column's name and kind; a decimal's digits in all and behind the point."""

    name: str
    kind: Kind
    digits: tuple[int, int] = (0, 0)


def columns_of(
    batch: pa.Schema, key: Sequence[str], longest_name: int | None = None
) -> tuple[Column, ...]:
    """The columns of a table that takes such batches, in their order.

    Raises SinkError for a key's column of a type, or a column of a name, that the table can't have.
    """
    return tuple(_column(field) for field in table_schema(batch, key, longest_name))


def table_schema(
    batch: pa.Schema, key: Sequence[str], longest_name: int | None = None
) -> pa.Schema:
    """The same with Arrow's types: a key's as the batch has them, `as_of` as naive UTC.

    Raises SinkError where two columns would have one name.
    """
    scores = [name for name in batch.names if name not in key and name.startswith(_SCORE)]
    if (problem := next(name_problems(key, scores, longest_name), None)) is not None:
        raise SinkError(problem)
    origin = {"champion": pa.string(), "entry": pa.int64(), "batch": pa.string()}
    return pa.schema(
        [
            pa.field("model", pa.string()),
            pa.field("as_of", pa.timestamp("us")),
            *[batch.field(name) for name in key],
            *[pa.field(name, pa.float64()) for name in scores],
            *[pa.field(f"{_CHALLENGER}{name}", pa.float64()) for name in scores],
            *[pa.field(name, origin[name]) for name in ORIGIN],
        ]
    )


def blocks(batch: Path, partition: Partition) -> Iterator[pa.RecordBatch]:
    """The rows of a batch as a table has them, a block at a time.

    The first has no rows: it may be asked for its schema. Raises SinkError where two columns would
    have one name, or the file's rows are not as many as the partition says.
    """
    with pq.ParquetFile(batch, pre_buffer=False) as source:
        if source.metadata.num_rows != partition.rows:
            raise SinkError(f"{batch} has {source.metadata.num_rows} of {partition.rows} rows")
        schema = table_schema(source.schema_arrow, partition.key)
        yield pa.RecordBatch.from_pylist([], schema=schema)
        for block in source.iter_batches(batch_size=_BLOCK_ROWS):
            yield _block(block, schema, partition)


def score_columns(classes: Sequence[str]) -> list[str]:
    """The names of the champion's scores: one, or one a class."""
    return [f"{_SCORE}_{each}" for each in classes] or [_SCORE]


def name_problems(
    key: Sequence[str], scores: Sequence[str], longest: int | None = None
) -> Iterator[str]:
    """Each name that a table can't have beside the others, letters' case set aside.

    `longest` is in bytes of UTF-8.
    """
    given = [*PARTITION, *ORIGIN, *scores, *[f"{_CHALLENGER}{name}" for name in scores]]
    seen: dict[str, str] = {}
    for name in [*given, *key]:
        if (other := seen.get(name.casefold())) is not None:
            yield (
                f"the table would have the column {name!r} beside {other!r}: name the key's column "
                "otherwise with AS" + ("" if name in key else ", or the class")
            )
        if longest is not None and len(name.encode()) > longest:
            yield f"the column {name!r} has more than {longest} bytes, a table's most"
        seen[name.casefold()] = name


def _block(block: pa.RecordBatch, schema: pa.Schema, partition: Partition) -> pa.RecordBatch:
    given = {
        "model": partition.model,
        "as_of": partition.as_of.replace(tzinfo=None),
        "champion": partition.champion,
        "entry": partition.entry,
        "batch": partition.batch,
    }
    columns = []
    for field in schema:
        if field.name in block.schema.names:
            columns.append(block.column(field.name))
        elif field.name in given:
            columns.append(pa.repeat(pa.scalar(given[field.name], field.type), block.num_rows))
        else:
            columns.append(pa.nulls(block.num_rows, field.type))
    return pa.record_batch(columns, schema=schema)


def _column(field: pa.Field) -> Column:
    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    if types.is_decimal128(kind) or types.is_decimal32(kind) or types.is_decimal64(kind):
        return Column(field.name, "decimal", (kind.precision, kind.scale))
    if types.is_timestamp(kind):
        return Column(field.name, _timestamp(kind))
    for of_kind, name in _KINDS:
        if of_kind(kind):
            return Column(field.name, name)
    raise SinkError(
        f"column {field.name!r} of the key is of the type {kind}, which no table has: "
        "cast it in the features query"
    )


def _timestamp(kind: pa.DataType) -> Kind:
    if kind.tz is not None:
        return "instant"
    return "nanoseconds" if kind.unit == "ns" else "timestamp"


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


_KINDS: tuple[tuple[Callable[[pa.DataType], bool], Kind], ...] = (
    (types.is_boolean, "boolean"),
    (types.is_uint64, "unsigned"),
    (types.is_integer, "integer"),
    (types.is_floating, "number"),
    (_is_text, "text"),
    (types.is_date, "date"),
    (types.is_time, "time"),
    (_is_bytes, "bytes"),
)
