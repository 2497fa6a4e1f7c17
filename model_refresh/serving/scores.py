"""The scores step: one batch a frame, streamed in bounded memory, published whole or not at all.

A batch has the frame's key and the column `score`, beside it `challenger_score` where there is a
challenger. Of a multiclass task it has a column a class instead, `score_<class>` and
`challenger_score_<class>`, each class named as it is declared and in that order; a row's sum to 1.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_refresh.algorithms.version import Version
from model_refresh.errors import CorruptError, DataError, NotStored
from model_refresh.records import Entry, Frame, Scores
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest, drafting
from model_refresh.storage.store import ROWS, SCORES

SCORE = "score"
CHALLENGER_SCORE = "challenger_score"
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Role:
    """A version with the frame that its own SQL gives."""

    version: Version
    frame: Frame


def published_scores(store: ModelStore, as_of: dt.datetime) -> Line[Scores] | None:
    """The newest batch of a frame; a frame that has one is not scored again unless asked.

    Raises CorruptError or NotStored where its bytes are damaged or gone.
    """
    line = store.scores(as_of).last()
    if line is not None:
        store.content(store.scores(as_of), line.record.content).file(SCORES)
    return line


def publish_scores(
    store: ModelStore,
    entry: Entry,
    champion: Role,
    challenger: Role | None,
    *,
    notes: tuple[str, ...] = (),
) -> Line[Scores]:
    """Score the champion's frame and publish: the key, `score`, and `challenger_score` or null.

    Of a multiclass task each of the two is a column a class, as this module says.
    Raises DataError where a score is not finite; nothing is published then.
    """
    frame = champion.frame
    log = store.scores(frame.as_of)
    names = [entry.digest(), frame.content, challenger.version.name if challenger else ""]
    key = bytes_digest(" ".join(names).encode())
    if (line := log.recall(key)) is not None and _is_whole(store, line.record):
        return line
    with drafting(log.folder) as draft:
        path = draft.path / SCORES
        if challenger is None or challenger.frame.content == frame.content:
            _write_scores(store, path, champion, challenger)
        else:
            _write_paired(store, path, champion, challenger)
        content = draft.publish(
            kind="scores",
            inputs={"entry": entry.digest(), "frame": frame.content, "champion": entry.version},
            libraries={},
        )
    scores = Scores(
        as_of=frame.as_of,
        frame=frame.content,
        entry=entry.number,
        champion=entry.version,
        challenger=challenger.version.name if challenger else None,
        rows=frame.rows,
        content=content.digest,
        notes=notes,
    )
    return log.record_once(scores, key=key)


def _is_whole(store: ModelStore, scores: Scores) -> bool:
    """Whether a batch's bytes are there and match; a damaged one is made anew."""
    try:
        store.content(store.scores(scores.as_of), scores.content).file(SCORES)
    except (CorruptError, NotStored):
        return False
    return True


def _write_scores(store: ModelStore, path: Path, champion: Role, challenger: Role | None) -> None:
    """One pass over the frame; both versions score each chunk."""
    frame = champion.frame
    source = pq.ParquetFile(_rows(store, frame))
    keys = pa.schema([source.schema_arrow.field(name) for name in frame.key])
    names = [*score_names(champion.version, SCORE)]
    if challenger is not None:
        names += score_names(challenger.version, CHALLENGER_SCORE)
    schema = pa.schema([*keys, *[pa.field(name, pa.float64()) for name in names]])
    written = 0
    with source, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(source, frame, [champion, challenger]):
            columns = [batch.column(name) for name in frame.key]
            table = pl.DataFrame(pa.Table.from_batches([batch]))
            for role in (champion, challenger):
                columns += [pa.array(scores) for scores in _finite(role, table)] if role else []
            writer.write_batch(pa.record_batch(columns, schema=schema))
            written += batch.num_rows
    if written != frame.rows:
        raise DataError(f"{written} of {frame.rows} rows were scored: run the step again")


def _write_paired(store: ModelStore, path: Path, champion: Role, challenger: Role) -> None:
    """The versions' SQL differs: each scores its own frame, and rows pair on the key."""
    own, other = path.with_suffix(".champion"), path.with_suffix(".challenger")
    try:
        _write_scores(store, own, champion, None)
        _write_scores(store, other, challenger, None)
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


def _batches(
    source: pq.ParquetFile, frame: Frame, roles: list[Role | None]
) -> Iterator[pa.RecordBatch]:
    needed = {*frame.key}
    for role in roles:
        needed |= {c.name for c in role.version.recipe.features} if role else set()
    columns = [name for name in source.schema_arrow.names if name in needed]
    yield from source.iter_batches(batch_size=_BATCH_ROWS, columns=columns)


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
