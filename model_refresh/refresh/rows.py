"""From stored frames and labels to the rows that are learned from and judged on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.records import Column, Frame, LabelledFrame
from model_refresh.storage import ModelStore
from model_refresh.storage.store import ROWS

LABEL = "__label__"
AS_OF = "__as_of__"
KNOWN_AT = "__known_at__"
RESERVED = (LABEL, AS_OF, KNOWN_AT)


@dataclass(frozen=True)
class LabelledRows:
    """Rows of several frames, sorted by as_of and key, so that a fit doesn't depend on file order.

    `table` holds the frames' columns; `as_of`, and `known_at`, when a row's label was known, are
    datetime64[us] in UTC, shape (rows,).
    """

    table: pl.DataFrame
    as_of: NDArray[np.datetime64]
    target: NDArray[np.float64]
    known_at: NDArray[np.datetime64]

    def taken(self, rows: NDArray[np.intp]) -> "LabelledRows":
        """Only these rows, in this order."""
        return LabelledRows(
            self.table[rows], self.as_of[rows], self.target[rows], self.known_at[rows]
        )


def load_labelled(
    store: ModelStore, frames: Sequence[LabelledFrame], columns: Iterable[str]
) -> LabelledRows:
    """The labelled rows of some frames: their key and these columns, every file verified.

    Keys that have no label row were dropped by the label's policy; they don't appear.
    """
    wanted = list(columns)
    parts = [_labelled(store, frame, wanted) for frame in sorted(frames, key=lambda f: f.as_of)]
    table = pl.concat(parts, how="vertical_relaxed")
    return LabelledRows(
        table=table.drop(RESERVED),
        as_of=table[AS_OF].to_numpy().astype("datetime64[us]"),
        target=np.ascontiguousarray(table[LABEL].to_numpy().astype(np.float64)),
        known_at=table[KNOWN_AT].to_numpy().astype("datetime64[us]"),
    )


def load_frame(store: ModelStore, frame: Frame, columns: Iterable[str]) -> pl.DataFrame:
    """One frame's key and these columns, verified."""
    stored = store.content(store.frames(frame.query, frame.as_of), frame.content)
    wanted = list(dict.fromkeys([*frame.key, *columns]))
    return pl.read_parquet(stored.file(ROWS), columns=wanted)


def feature_names(columns: Sequence[Column]) -> list[str]:
    """The names of some columns."""
    return [column.name for column in columns]


def _labelled(store: ModelStore, pair: LabelledFrame, columns: list[str]) -> pl.DataFrame:
    labels = pair.labels
    log = store.labels(labels.query, labels.as_of)
    stored = store.content(log, labels.content)
    key = list(pair.frame.key)
    table = load_frame(store, pair.frame, columns)
    joined = table.join(pl.read_parquet(stored.file(ROWS)), on=key, how="inner")
    instants = {AS_OF: pair.as_of, KNOWN_AT: labels.known_at}
    return joined.with_columns(
        pl.lit(instant.replace(tzinfo=None)).cast(pl.Datetime("us")).alias(name)
        for name, instant in instants.items()
    ).sort(key)
