"""The file of a batch: a frame's rows read, encoded, scored and written in blocks.

Beside the frame's key it has the column `score`, or of a multiclass task one a class; see `scores`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_refresh.algorithms.version import Version
from model_refresh.errors import DataError
from model_refresh.records import Frame
from model_refresh.serving.batch.ahead import ahead
from model_refresh.storage import ModelStore
from model_refresh.storage.store import ROWS

SCORE = "score"
CHALLENGER_SCORE = "challenger_score"
BLOCK_ROWS = 100_000


@dataclass(frozen=True)
class Role:
    """A version with the frame that its own SQL gives."""

    version: Version
    frame: Frame


def write_scores(store: ModelStore, path: Path, champion: Role, challenger: Role | None) -> None:
    """One pass over the frame; both versions score each block.

    While a block is scored the next one is read and the one before is written: three blocks are in
    memory, however long the frame.
    """
    frame, roles = champion.frame, [champion, *([challenger] if challenger else [])]
    with pq.ParquetFile(_rows(store, frame), pre_buffer=False) as source:  # else it keeps all
        schema = _schema(source.schema_arrow, champion, challenger)
        blocks = (_scored(block, frame, roles, schema) for block in ahead(_blocks(source, roles)))
        written = _write(path, blocks, schema, keys=list(frame.key))
    if written != frame.rows:
        raise DataError(f"{written} of {frame.rows} rows were scored: run the step again")


def write_paired(store: ModelStore, path: Path, champion: Role, challenger: Role) -> None:
    """The versions' SQL differs: each scores its own frame, and rows pair on the key."""
    own, other = path.with_suffix(".champion"), path.with_suffix(".challenger")
    try:
        write_scores(store, own, champion, None)
        write_scores(store, other, challenger, None)
        columns = score_names(challenger.version, SCORE)
        renamed = score_names(challenger.version, CHALLENGER_SCORE)
        theirs = pl.scan_parquet(other).rename(dict(zip(columns, renamed, strict=True)))
        key = list(champion.frame.key)
        joined = pl.scan_parquet(own).join(theirs, on=key, how="left", maintain_order="left")
        joined.sink_parquet(path)
    finally:
        own.unlink(missing_ok=True)
        other.unlink(missing_ok=True)


def _rows(store: ModelStore, frame: Frame) -> Path:
    stored = store.content(store.frames(frame.query, frame.as_of), frame.content)
    return stored.file(ROWS)


def _schema(read: pa.Schema, champion: Role, challenger: Role | None) -> pa.Schema:
    names = score_names(champion.version, SCORE)
    if challenger is not None:
        names += score_names(challenger.version, CHALLENGER_SCORE)
    keys = [read.field(name) for name in champion.frame.key]
    return pa.schema([*keys, *(pa.field(name, pa.float64()) for name in names)])


def _blocks(source: pq.ParquetFile, roles: list[Role]) -> Iterator[pa.RecordBatch]:
    needed = {name for role in roles for name in role.frame.key}
    needed |= {column.name for role in roles for column in role.version.recipe.features}
    columns = [name for name in source.schema_arrow.names if name in needed]
    yield from source.iter_batches(batch_size=BLOCK_ROWS, columns=columns)


def _scored(
    block: pa.RecordBatch, frame: Frame, roles: list[Role], schema: pa.Schema
) -> pa.RecordBatch:
    """The key of each row of a block, and its scores by each role's version."""
    table = pl.DataFrame(pa.Table.from_batches([block]))
    columns = [block.column(name) for name in frame.key]
    columns += [pa.array(scores) for role in roles for scores in _finite(role, table)]
    return pa.record_batch(columns, schema=schema)


def _write(
    path: Path, blocks: Iterator[pa.RecordBatch], schema: pa.Schema, *, keys: list[str]
) -> int:
    """How many rows were written; each block by a thread while the next one is made.

    Scores get no dictionary: nearly all differ.
    """
    rows, writing = 0, None
    with (
        pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=keys) as file,
        ThreadPoolExecutor(1) as writer,
    ):
        for block in blocks:
            if writing is not None:
                writing.result()
            writing = writer.submit(file.write_batch, block)
            rows += block.num_rows
        if writing is not None:
            writing.result()
    return rows


def score_names(version: Version, name: str) -> list[str]:
    """The columns that a version's scores have in a batch: `name`, or `name` and each class."""
    classes = version.lineage.definition.label.classes
    return [f"{name}_{each}" for each in classes] or [name]


def _finite(role: Role, table: pl.DataFrame) -> list[NDArray[np.float64]]:
    """The version's scores by column."""
    scores = role.version.predict(table)
    if bad := int(np.count_nonzero(~np.isfinite(scores))):
        raise DataError(
            f"version {role.version.name} gives {bad} scores that are not finite; "
            "nothing was published",
            check="finite_scores",
        )
    return [np.ascontiguousarray(column) for column in np.atleast_2d(scores.T)]
