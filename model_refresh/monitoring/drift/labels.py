"""How the newest matured labels differ from those that the champion learned from."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from model_refresh.config.model import Model
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.allowance import Asked, Measured, measured
from model_refresh.monitoring.drift.chance import mean_chance
from model_refresh.monitoring.drift.columns import Ground
from model_refresh.monitoring.drift.tallies import beside
from model_refresh.records import Frame, Labels, Lineage
from model_refresh.refresh.frame import earlier_frames, stored_frame
from model_refresh.refresh.labels import compute_labels, label_digest
from model_refresh.splits import matured
from model_refresh.storage import ModelStore


def newest_labels(
    model: Model, store: ModelStore, lineage: Lineage, as_of: dt.datetime
) -> Labels | None:
    """The newest labels that had matured by as_of and that the version has not learned from.

    They are computed where they aren't stored yet, as the next refresh will need them, if those
    before are there to check their level by. None where there are none, or the version predicts
    something else than the model does now. Raises DataError where their checks fail.
    """
    if lineage.definition.question() != model.definition.question():
        return None
    newest, query = lineage.frames[-1].as_of, model.definition.frame.digest()
    for instant in matured(model.cadence, as_of, model.sizes):
        if instant <= newest:
            return None
        frame = stored_frame(store, query, instant)
        if frame is None:
            continue
        labels = _stored(model, store, frame)
        if labels is None and (earlier := _earlier(model, store, frame)) is not None:
            labels = compute_labels(model, store, frame, earlier=earlier)
        if labels is not None and labels.rows:
            return labels
    return None


def moved_labels(reference: Sequence[Labels], newest: Labels, *, limit: float | None) -> Measured:
    """The move of the labels' mean, in standard deviations of the reference, with its limit.

    Of several classes the largest move of a class's share.
    """
    every = [*reference, newest]
    rows = np.array([float(each.rows) for each in every])
    ground = Ground(rows=rows)
    levels = np.array([each.shares or (each.mean,) for each in every])
    spreads = _spreads(reference, rows[:-1])
    before, now = beside(levels * rows[:, None])
    rows_before, rows_now = beside(rows)
    moved = np.abs(now / rows_now[:, None] - before / rows_before[:, None])
    far = np.where(moved > 0, np.inf, 0.0)
    moves = np.divide(moved, spreads, out=far, where=spreads > 0)
    return measured(
        Asked("labels", limit, kind="distance"), moves.max(axis=1), mean_chance(ground.sizes)
    )


def _spreads(reference: Sequence[Labels], rows: Floats) -> Floats:
    """The standard deviation of all reference labels, by class."""
    levels = np.array([each.shares or (each.mean,) for each in reference])
    mean = rows @ levels / rows.sum()
    if reference[0].spread is None:
        known = (rows @ levels + 0.5) / (rows.sum() + 1)  # a share that was 0 so far may rise
        return np.asarray(np.sqrt(known * (1 - known)))
    within = np.array([[(each.spread or 0.0) ** 2] for each in reference])
    return np.asarray(np.sqrt(rows @ (within + np.square(levels - mean)) / rows.sum()))


def _earlier(model: Model, store: ModelStore, frame: Frame) -> list[Labels] | None:
    """The labels of the stored frames before one, oldest first; None where one's are not stored."""
    before = earlier_frames(store, frame.query, frame.as_of)
    found = [labels for each in before if (labels := _stored(model, store, each)) is not None]
    return found if len(found) == len(before) else None


def _stored(model: Model, store: ModelStore, frame: Frame) -> Labels | None:
    lines = store.labels(label_digest(model), frame.as_of).lines()
    return next((line.record for line in lines if line.record.frame == frame.content), None)
