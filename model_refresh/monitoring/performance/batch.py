"""The kept scores of a batch beside what became of its rows."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.config.model import Model
from model_refresh.errors import NotDue, NotStored
from model_refresh.metrics import Holdout
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.sources import has_reached
from model_refresh.records import Frame, FrameQuery, LabelledFrame, Labels, Scores
from model_refresh.refresh.contest import extra_columns, groups_of
from model_refresh.refresh.frame import stored_frame
from model_refresh.refresh.labels import compute_labels, label_digest
from model_refresh.refresh.rows import LabelledRows, feature_names, load_labelled
from model_refresh.serving.batch.writing import CHALLENGER_SCORE, SCORE
from model_refresh.splits import matured
from model_refresh.storage import ModelStore
from model_refresh.storage.store import SCORES, stamp

_RECENT = 4


@dataclass(frozen=True)
class Batch:
    """A batch's labelled rows, sorted by key, and the scores that were kept of them.

    Scores have shape (rows,), for classes (rows, classes). `challenger` are those of the rows
    numbered `challenger_rows`; both are None where no challenger was scored.
    """

    scores: Scores
    labels: Labels
    rows: LabelledRows
    holdout: Holdout
    champion: Floats
    challenger: Floats | None
    challenger_rows: NDArray[np.intp] | None


def load_batch(model: Model, store: ModelStore, scores: Scores, *, now: dt.datetime) -> Batch:
    """The batch with its labels, computed now where they aren't stored.

    Raises NotDue where they are to be computed and the source's watermark, where it is declared,
    has not reached their end: labels are kept for ever. Raises NotStored where the frame is gone,
    and DataError where a check on the labels fails: damaged labels say nothing of a model.
    """
    frame = _frame_of(store, scores)
    earlier = earlier_labels(model, store, scores.as_of)
    _require_source(model, store, frame, now=now)
    labels = compute_labels(model, store, frame, earlier=earlier[-_RECENT:])
    wanted = extra_columns(model)
    columns = [name for name in feature_names(frame.columns) if name in wanted]
    rows = load_labelled(store, [LabelledFrame(frame=frame, labels=labels)], columns)
    table = _in_order(rows.table, _kept(store, scores), frame.key)
    champion = _values(table, _names(model, SCORE))
    challenger, places = None, None
    if scores.challenger is not None:
        names = _names(model, CHALLENGER_SCORE)
        present = table.select(pl.all_horizontal(pl.col(names).is_not_null())).to_series()
        if present.any():  # else it scored none of the rows that have labels
            places = np.flatnonzero(present.to_numpy())
            challenger = _values(table.filter(present), names)
    return Batch(
        scores=scores,
        labels=labels,
        rows=rows,
        holdout=Holdout(rows.target, groups_of(model, rows), rows.as_of),
        champion=champion,
        challenger=challenger,
        challenger_rows=places,
    )


def kept_chances(model: Model, store: ModelStore, scores: Scores) -> Floats:
    """The champion's scores of a batch as they were published, in the frame's order."""
    return _values(_kept(store, scores), _names(model, SCORE))


def earlier_labels(model: Model, store: ModelStore, as_of: dt.datetime) -> list[Labels]:
    """The stored labels that were known at as_of, of the newest frames, oldest first."""
    instants = matured(model.cadence, as_of, model.sizes)
    found: list[Labels] = []
    for instant, _ in zip(instants, range(model.sizes.window), strict=False):
        line = store.labels(label_digest(model), instant).last()
        if line is not None and line.record.rows:
            found.append(line.record)
    return found[::-1]


def _frame_of(store: ModelStore, scores: Scores) -> Frame:
    """The frame that a batch scored, by content: the champion's own SQL may be a former one."""
    folder = store.root / "frames"
    for query in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []:
        for line in store.frames(query, scores.as_of).lines():
            if line.record.content == scores.frame:
                return line.record
    raise NotStored(
        f"{store.name}: the frame of {stamp(scores.as_of)} that was scored is not stored: restore "
        "it from a backup"
    )


def _require_source(model: Model, store: ModelStore, frame: Frame, *, now: dt.datetime) -> None:
    """Labels that are stored need no source; others need all of its data."""
    stored = store.labels(label_digest(model), frame.as_of).lines()
    if any(line.record.frame == frame.content for line in stored):
        return
    known = frame.as_of + model.sizes.gap
    if not has_reached(model, known, now):
        raise NotDue(
            f"{model.name}: the source has not reached {known:%Y-%m-%d %H:%M} UTC "
            f"({model.spec.source.ready}), when the labels of {stamp(frame.as_of)} are complete: "
            "run again when the data has arrived"
        )


def _kept(store: ModelStore, scores: Scores) -> pl.DataFrame:
    """The table of a batch, verified."""
    stored = store.content(store.scores(scores.as_of), scores.content)
    return pl.read_parquet(stored.file(SCORES))


def _in_order(rows: pl.DataFrame, kept: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The scores of these rows, in their order; keys without a label were dropped by policy."""
    table = rows.select(key).join(kept, on=list(key), how="left", maintain_order="left")
    if table.height != rows.height:
        raise NotStored("a batch has several scores of one key: it is not one of ours")
    return table


def _names(model: Model, column: str) -> list[str]:
    return [f"{column}_{each}" for each in model.spec.label.classes] or [column]


def _values(table: pl.DataFrame, names: list[str]) -> Floats:
    """Shape (rows,), of several columns (rows, columns)."""
    values = table.select(names).to_numpy().astype(np.float64)
    return np.ascontiguousarray(values[:, 0] if len(names) == 1 else values)


def require_frame_of_its_time(store: ModelStore, query: FrameQuery, scores: Scores) -> None:
    """Raises NotStored where the frame of a query wasn't stored when this batch was scored.

    Computed now, it might know what came later, and whoever is scored on it would look better.
    """
    frame = stored_frame(store, query.digest(), scores.as_of)
    if frame is None or (frame.backfilled and frame.content != scores.frame):
        raise NotStored("its own frame was not computed at the time, and may not be by now")
