"""Batches as the scores step writes them, with every kind of key."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.sinks import Partition

MONDAY = dt.datetime(2024, 1, 15, tzinfo=dt.UTC)
NOON = MONDAY.replace(hour=12)

INSTANT = dt.datetime.fromisoformat("2024-01-15T23:59:59.123456")
KEYS: Mapping[str, tuple[pa.DataType, list[object]]] = {
    "boolean": (pa.bool_(), [True, False]),
    "int32": (pa.int32(), [-(2**31), 2**31 - 1]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 255]),
    "uint64": (pa.uint64(), [0, 2**64 - 1]),
    "decimal": (pa.decimal128(38, 4), [Decimal("0.0001"), Decimal("9" * 34 + ".9999")]),
    "double": (pa.float64(), [0.1 + 0.2, 1e-300]),
    "text": (pa.string(), ["", 'a"b,c\n\\.\\N\tünïcode \u2018q\u2019 \u202e; DROP TABLE x; --']),
    "category": (pa.dictionary(pa.int32(), pa.string()), ["x", "NULL"]),
    "date": (pa.date32(), [dt.date(1900, 2, 28), dt.date(2199, 12, 31)]),
    "time": (pa.time64("us"), [dt.time(0), dt.time(23, 59, 59, 999999)]),
    "timestamp": (pa.timestamp("us"), [INSTANT, dt.datetime.fromisoformat("1970-01-01")]),
    "zoned": (pa.timestamp("us", "UTC"), [INSTANT.replace(tzinfo=dt.UTC), MONDAY]),
    "bytes": (pa.binary(), [b"", b"\x00\xff\\x"]),
}
"""Each kind of key with two values that tempt to lose something."""


def key_batch(kind: str) -> pa.Table:
    """Two rows with a key of this kind, named `key`."""
    stored_as, values = KEYS[kind]
    return pa.table(
        {"key": pa.array(values, stored_as), "score": pa.array([0.1 + 0.2, 5e-324], pa.float64())}
    )


def batch(rows: int = 3, *, level: float = 0.25, challenger: bool = True) -> pa.Table:
    """Rows keyed by customer, the first without a challenger's score."""
    columns: dict[str, object] = {
        "customer_id": pa.array(range(rows), pa.int64()),
        "score": pa.array([level + i / (4 * rows) for i in range(rows)], pa.float64()),
    }
    if challenger:
        scores = [None if i == 0 else level / 2 for i in range(rows)]
        columns["challenger_score"] = pa.array(scores, pa.float64())
    return pa.table(columns)


def stored(folder: Path, table: pa.Table, name: str = "scores.parquet") -> Path:
    """A batch's file."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / name)
    return folder / name


def partition(
    rows: int,
    *,
    model: str = "churn",
    as_of: dt.datetime = MONDAY,
    key: Sequence[str] = ("customer_id",),
    entry: int = 1,
) -> Partition:
    return Partition(model, as_of, tuple(key), rows, "c" * 16, entry, f"{entry:016x}")


def expected(table: pa.Table, where: Partition) -> pl.DataFrame:
    """The rows that a sink should have of a batch, in the order of its columns."""
    rows = pl.DataFrame(table)
    scores = [n for n in rows.columns if n not in where.key and n.startswith("score")]
    beside = [f"challenger_{name}" for name in scores]
    return rows.select(
        pl.lit(where.model).alias("model"),
        pl.lit(where.as_of.replace(tzinfo=None)).alias("as_of"),
        *where.key,
        *scores,
        *[
            pl.col(name) if name in rows.columns else pl.lit(None, pl.Float64).alias(name)
            for name in beside
        ],
        pl.lit(where.champion).alias("champion"),
        pl.lit(where.entry).alias("entry"),
        pl.lit(where.batch).alias("batch"),
    )
