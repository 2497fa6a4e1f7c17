"""From a table and its columns' expressions to one matrix, in blocks of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_BLOCK_BYTES = 32 << 20
"""What is held besides the matrix. Blocks are cut by row, so a matrix doesn't depend on its size:
each row is encoded by itself."""


@dataclass(frozen=True)
class Matrix:
    """Encoded rows.

    `values` has shape (rows, columns), C-contiguous; NaN is a missing value. `categories` is 0 for
    a numeric column, else its number of codes: whole numbers from 0, which is "rare or unknown".
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    categories: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """One column of the matrix; `categories` as in `Matrix`."""

    name: str
    value: pl.Expr
    categories: int = 0


def fill(rows: pl.DataFrame, parts: Sequence[Part]) -> Matrix:
    """The matrix of these parts: beside it at most a block of it is in memory."""
    values = np.empty((rows.height, len(parts)))
    chosen = [part.value.alias(str(i)) for i, part in enumerate(parts)]
    for block in _blocks(values):
        table = rows[block].select(chosen)
        values[block] = table.to_numpy(order="c")
    return Matrix(
        values=values,
        names=tuple(part.name for part in parts),
        categories=tuple(part.categories for part in parts),
    )


def _blocks(values: NDArray[np.float64]) -> Iterator[slice]:
    height, width = values.shape
    if width == 0:
        return
    size = max(1, _BLOCK_BYTES // (width * values.itemsize))
    for start in range(0, height, size):
        yield slice(start, min(start + size, height))
