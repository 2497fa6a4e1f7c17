"""The common ground: one set of holdout rows and everybody's predictions of them.

Metrics refuse predictions of rows that a version has learned from (`Predicted.known_at`); here
the rows are chosen so that they are legal for both.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms.version import Version, load_version
from model_refresh.config.model import Model
from model_refresh.errors import NotStored
from model_refresh.metrics import Holdout, Predicted
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Dataset, Incumbent
from model_refresh.refresh.contamination import require_disjoint, require_other_tables
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.incumbent import OnGround, bring_to_ground, find_incumbent
from model_refresh.refresh.rows import (
    AS_OF,
    LabelledRows,
    feature_names,
    load_frame,
    load_labelled,
)
from model_refresh.storage import ModelStore

_INCUMBENT = "__incumbent__"
_GROUP = "__group__"


@dataclass(frozen=True)
class Contest:
    """The holdout rows, the predictions of all three, and what is worth saying about them."""

    artifact: str
    instants: tuple[dt.datetime, ...]
    holdout: Holdout
    rows: LabelledRows
    version: Version
    challenger: Predicted
    constant: Predicted
    incumbent: Predicted | None
    found: Incumbent | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Paired:
    """Holdout rows with the incumbent's predictions beside them, where it can be judged."""

    rows: LabelledRows
    predictions: Floats | None
    incumbent: Incumbent | None
    notes: tuple[str, ...] = ()


def hold_contest(model: Model, store: ModelStore, dataset: Dataset, *, challenger: str) -> Contest:
    """Let challenger, incumbent and constant predict the same holdout rows.

    Raises Contaminated where training and holdout share rows, or what `comparison.disjoint` names.
    """
    incumbent, ground = find_incumbent(store, dataset.as_of), None
    if incumbent is not None:
        incumbent, ground = bring_to_ground(model, store, incumbent, holdout=dataset.plan.holdout)
    version = load_version(store, challenger)
    met = [version.lineage] if ground is None else [version.lineage, ground.trial.lineage]
    require_other_tables(store, dataset, met)
    paired = _paired(_holdout_rows(model, store, dataset, ground), store, incumbent, ground)
    rows = paired.rows
    require_disjoint(model, store, dataset, rows.table)
    learned_until = version.lineage.learned_until
    return Contest(
        artifact=version.artifact,
        instants=_instants(rows),
        holdout=Holdout(target=rows.target, group=groups_of(model, rows), as_of=rows.as_of),
        rows=rows,
        version=version,
        challenger=Predicted(version.predict(rows.table), learned_until),
        constant=Predicted(constant_predictions(dataset, len(rows.target)), learned_until),
        incumbent=None
        if paired.predictions is None or ground is None
        else Predicted(paired.predictions, ground.trial.lineage.learned_until),
        found=paired.incumbent,
        notes=(*paired.notes, *_null_group(model, rows)),
    )


def constant_of(dataset: Dataset) -> float:
    """The mean of the trial frames' labels: what predicts without a model."""
    labels = [pair.labels for pair in frames_of(dataset, dataset.plan.trial)]
    rows = sum(label.rows for label in labels)
    return sum(label.mean * label.rows for label in labels) / rows


def constant_predictions(dataset: Dataset, rows: int) -> Floats:
    """The constant for so many rows: shape (rows,), for classes (rows, classes).

    A class counts half a row more than it has, as the algorithm `constant` does.
    """
    labels = [pair.labels for pair in frames_of(dataset, dataset.plan.trial)]
    if not labels[0].shares:
        return np.full(rows, constant_of(dataset))
    counts = 0.5 + np.sum([np.asarray(label.shares) * label.rows for label in labels], axis=0)
    return np.tile(counts / counts.sum(), (rows, 1))


def beside(
    rows: LabelledRows, store: ModelStore, ground: OnGround
) -> tuple[NDArray[np.intp], Floats]:
    """Which of the rows a version's own frames have too, and its predictions of those.

    Raises NotStored where there is none, or the keys are of other types.
    """
    theirs = pl.concat(
        [_predicted_frame(store, ground, instant) for instant in sorted(ground.frames)]
    )
    key = [*next(iter(ground.frames.values())).key, AS_OF]
    table = rows.table.select(key[:-1]).with_columns(pl.Series(AS_OF, rows.as_of))
    for name in key[:-1]:
        if (ours := table.schema[name]) != (met := theirs.schema[name]):
            raise NotStored(f"its key {name!r} is {met}, the challenger's is {ours}")
    joined = table.with_row_index("__row__").join(
        theirs, on=key, how="inner", maintain_order="left"
    )
    if joined.is_empty():
        raise NotStored("its frames and the challenger's have no row in common")
    predictions = joined[_INCUMBENT].to_numpy()
    return joined["__row__"].to_numpy().astype(np.intp), np.asarray(predictions, dtype=np.float64)


def _holdout_rows(
    model: Model, store: ModelStore, dataset: Dataset, ground: OnGround | None
) -> LabelledRows:
    """The holdout's labelled rows, of the frames that are legal for both."""
    frames = frames_of(dataset, dataset.plan.holdout)
    if ground is not None:
        frames = tuple(pair for pair in frames if pair.as_of in ground.frames)
    wanted = {*feature_names(dataset.features), *extra_columns(model)}
    present = [name for name in feature_names(dataset.current.columns) if name in wanted]
    return load_labelled(store, frames, present)


def extra_columns(model: Model) -> set[str]:
    """Columns that judging reads, be they features or not."""
    spec = model.spec
    named = spec.comparison
    names = [named.group, named.disjoint, spec.frame.event_time, *named.slices]
    return {name for name in names if name is not None}


def _paired(
    rows: LabelledRows, store: ModelStore, incumbent: Incumbent | None, ground: OnGround | None
) -> _Paired:
    if incumbent is None or ground is None:
        return _Paired(rows, None, incumbent)
    try:
        kept, predictions = beside(rows, store, ground)
    except NotStored as error:
        why = str(error)
        return _Paired(rows, None, incumbent.model_copy(update={"incomparable": why}))
    lost = len(rows.target) - len(kept)
    notes = (f"{lost} of {len(rows.target)} rows are in one frame only: left out",) if lost else ()
    return _Paired(rows.taken(kept), predictions, incumbent, notes)


def _predicted_frame(store: ModelStore, ground: OnGround, instant: dt.datetime) -> pl.DataFrame:
    frame = ground.frames[instant]
    table = load_frame(store, frame, feature_names(ground.trial.recipe.features))
    at = pl.lit(instant.replace(tzinfo=None)).cast(pl.Datetime("us")).alias(AS_OF)
    predictions = pl.Series(_INCUMBENT, ground.trial.predict(table))
    return table.select(*frame.key, at).with_columns(predictions)


def _instants(rows: LabelledRows) -> tuple[dt.datetime, ...]:
    return tuple(
        instant.replace(tzinfo=dt.UTC) for instant in np.unique(rows.as_of).astype(object).tolist()
    )


def groups_of(model: Model, rows: LabelledRows) -> NDArray[np.int64]:
    """One code a cluster: the declared column, else the key, for events the event's day."""
    spec, table = model.spec, rows.table
    if spec.comparison.group is not None:
        columns = [pl.col(spec.comparison.group).alias(_GROUP)]
    elif spec.frame.event_time is not None:
        columns = [pl.col(spec.frame.event_time).cast(pl.Date).alias(_GROUP)]
    else:
        columns = [pl.col(name) for name in model.definition.frame.key]
    named = table.select(columns)
    codes = named.unique(maintain_order=True).with_row_index("__code__")
    joined = named.join(
        codes, on=named.columns, how="left", maintain_order="left", nulls_equal=True
    )
    return joined["__code__"].to_numpy().astype(np.int64)


def _null_group(model: Model, rows: LabelledRows) -> tuple[str, ...]:
    """Rows without a group are one group: their errors may belong together, nobody knows."""
    name = model.spec.comparison.group
    missing = rows.table[name].null_count() if name is not None else 0
    if not missing:
        return ()
    return (f"{missing} of {len(rows.target)} holdout rows have no {name!r}: they are one group",)
