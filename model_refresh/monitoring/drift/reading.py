"""The rows that are looked at: few enough of each frame, the same ones each time."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_refresh.records import Frame
from model_refresh.storage import ModelStore
from model_refresh.storage.store import ROWS

_BLOCK_ROWS = 65_536
_CELLS = 8_000_000
"""Of all reference frames together: about 64 MB of numbers."""
_REFERENCE_ROWS = 100_000
_CURRENT_ROWS = 20_000
_LEAST_ROWS = 1_000


@dataclass(frozen=True)
class Sample:
    """Rows of one frame: its key and features; `rows` is how many the frame has."""

    as_of: dt.datetime
    rows: int
    table: pl.DataFrame


def most_rows(frames: int, columns: int) -> tuple[int, int]:
    """How many rows are looked at: of each reference frame, and of the current one."""
    fitting = _CELLS // max(columns, 1)
    each = min(_REFERENCE_ROWS, fitting) // max(frames, 1)
    return max(each, _LEAST_ROWS), max(min(_CURRENT_ROWS, fitting), _LEAST_ROWS)


def read_sample(store: ModelStore, frame: Frame, columns: Sequence[str], *, most: int) -> Sample:
    """The key and these columns of at most so many rows of a frame, every file verified.

    Which rows is drawn by a seed that only depends on how many there are. They are read in blocks:
    memory does not grow with the frame. Raises NotStored or CorruptError.
    """
    stored = store.content(store.frames(frame.query, frame.as_of), frame.content)
    path, wanted = stored.file(ROWS), list(dict.fromkeys([*frame.key, *columns]))
    if frame.rows <= most:
        return Sample(frame.as_of, frame.rows, pl.read_parquet(path, columns=wanted))
    drawn = np.random.default_rng(frame.rows).choice(frame.rows, most, replace=False, shuffle=False)
    with pq.ParquetFile(path, pre_buffer=False) as source:
        table = pl.concat(_picked(source, wanted, np.sort(drawn)), how="vertical")
    return Sample(frame.as_of, frame.rows, table)


def _picked(
    source: pq.ParquetFile, columns: list[str], rows: NDArray[np.int64]
) -> Iterator[pl.DataFrame]:
    """Those rows of a file, block by block; rows rise."""
    start = 0
    for block in source.iter_batches(batch_size=_BLOCK_ROWS, columns=columns):
        low, high = np.searchsorted(rows, [start, start + block.num_rows])
        yield pl.DataFrame(pa.Table.from_batches([block]))[rows[low:high] - start]
        start += block.num_rows
