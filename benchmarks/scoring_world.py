"""What scoring is measured on: a stored version of 500 trees with 63 leaves, and a stored frame.

Seventeen numbers, five of them with missing values, and four texts of 12 to 250 categories. The
label is a chance that depends on ten of them, so the trees have something to find and split
everywhere.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.protocol import Rows
from model_refresh.algorithms.version import Single, Version, load_version, publish_version
from model_refresh.features import Encoder
from model_refresh.records import (
    Column,
    Definition,
    Frame,
    FrameQuery,
    LabelQuery,
    Lineage,
    Parameters,
    Recipe,
)
from model_refresh.serving.batch.writing import Role
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.folder import drafting
from model_refresh.storage.store import ROWS

AS_OF = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
TREES, LEAVES = 500, 63
NUMBERS, CATEGORIES = 17, (12, 40, 120, 250)
NULL_NUMBERS, NULL_SHARE = (2, 5, 9, 12, 15), 0.08
TRAINING_ROWS, BLOCK_ROWS = 150_000, 250_000
DAY = dt.timedelta(days=1)
QUERY = FrameQuery(sql="SELECT * FROM rows", key=("id",), rows="snapshot", every="7d")
PARAMETERS: Parameters = {
    "rounds": TREES,
    "num_leaves": LEAVES,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
}


@dataclass(frozen=True)
class World:
    """A store below a folder with one version and one frame."""

    folder: Path
    version: str

    @property
    def store(self) -> ModelStore:
        """Where both are."""
        return Store(self.folder).model("scored")

    def role(self) -> Role:
        """The version with the frame."""
        frame = self.store.frames(QUERY.digest(), AS_OF).lines()[-1].record
        return Role(self.load(), frame)

    def load(self) -> Version:
        """The version, read and verified."""
        return load_version(self.store, self.version)


def make_world(folder: Path, rows: int) -> World:
    """Fit and store a version, and store a frame of so many rows."""
    store = Store(folder).model("scored")
    version = _store_version(store)
    with drafting(store.frames(QUERY.digest(), AS_OF).folder) as draft:
        columns = _write_rows(draft.path / ROWS, rows)
        content = draft.publish(kind="frame", inputs={"query": QUERY.digest()}, libraries={})
    frame = Frame(
        as_of=AS_OF,
        query=QUERY.digest(),
        content=content.digest,
        rows=rows,
        columns=columns,
        key=QUERY.key,
        backfilled=False,
    )
    store.frames(QUERY.digest(), AS_OF).record_once(frame, key=content.digest)
    return World(folder, version)


def make_rows(rows: int, seed: int) -> pl.DataFrame:
    """Rows to score, without their label."""
    return _drawn(rows, seed)[0]


def _drawn(
    rows: int, seed: int
) -> tuple[pl.DataFrame, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Rows and the label of each."""
    rng, shape = np.random.default_rng(seed), np.random.default_rng(0)
    numbers = rng.normal(size=(rows, NUMBERS))
    numbers[:, 3] = np.round(numbers[:, 3] * 3)
    codes = [rng.integers(0, count, rows) for count in CATEGORIES]
    odds = numbers[:, 0] + np.sin(2 * numbers[:, 1]) * numbers[:, 2] + 0.3 * numbers[:, 6] ** 2
    odds += 0.5 * numbers[:, 4] * numbers[:, 5] + 0.2 * numbers[:, 3]
    for count, code in zip(CATEGORIES, codes, strict=True):
        odds += 0.4 * shape.normal(size=count)[code]
    label = (rng.random(rows) < 1 / (1 + np.exp(1 - odds))).astype(np.float64)
    for column in NULL_NUMBERS:
        numbers[rng.random(rows) < NULL_SHARE, column] = np.nan
    table = {"id": pl.Series(np.arange(rows) + seed * BLOCK_ROWS)}
    table |= {f"number_{i}": pl.Series(numbers[:, i]).fill_nan(None) for i in range(NUMBERS)}
    for i, code in enumerate(codes):
        texts = pl.Series([f"category {place}" for place in range(CATEGORIES[i])])
        table[f"text_{i}"] = texts.gather(code)
    return pl.DataFrame(table), label


def _store_version(store: ModelStore) -> str:
    table, label = _drawn(TRAINING_ROWS, seed=0)
    features = tuple(
        Column(name=name, type="text" if kind == pl.String else "number", stored_as=str(kind))
        for name, kind in table.drop("id").schema.items()
    )
    encoder = Encoder.fit(table, features, categorical=[])
    algorithm = rebuild("lightgbm", {})
    rows = Rows(encoder.transform(table), label)
    fit = algorithm.fit(rows, task="binary", parameters=PARAMETERS, seed=0, early=None)
    recipe = Recipe(
        algorithm="lightgbm",
        options={},
        parameters=fit.parameters,
        features=features,
        categorical=(),
        seed=0,
    )
    labelled = LabelQuery(sql=None, column="label", horizon=DAY, maturity=DAY, missing="error")
    lineage = Lineage(
        model=store.name,
        twin="final",
        definition=Definition(task="binary", frame=QUERY, label=labelled),
        frames=(),
        known_at=AS_OF - DAY,
    )
    stored = publish_version(store, recipe, lineage, predictor=Single(encoder, fit.fitted))
    return stored.digest[:16]


def _write_rows(path: Path, rows: int) -> tuple[Column, ...]:
    """The frame's file, made in blocks; gives its columns."""
    first = make_rows(1, seed=1).to_arrow().schema
    with pq.ParquetWriter(path, first, compression="zstd") as writer:
        for seed, start in enumerate(range(0, rows, BLOCK_ROWS), start=1):
            block = make_rows(min(BLOCK_ROWS, rows - start), seed).to_arrow()
            writer.write_table(block.cast(first))
    kinds = {pa.types.is_floating: "number", pa.types.is_integer: "integer"}
    return tuple(
        Column(
            name=field.name,
            type=next((kind for is_kind, kind in kinds.items() if is_kind(field.type)), "text"),
            stored_as=str(field.type),
        )
        for field in first
    )
