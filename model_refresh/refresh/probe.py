"""Run a model's queries once, outside of the store: rows, labels, and columns that look odd."""

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.config.demands import require_columns
from model_refresh.config.model import Model
from model_refresh.errors import NotDue
from model_refresh.metrics import metric
from model_refresh.records import Frame, LabelledFrame, Labels, Record
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.labels import compute_labels
from model_refresh.refresh.rows import LabelledRows, load_labelled
from model_refresh.sinks.columns import score_columns
from model_refresh.splits import matured
from model_refresh.storage import Store
from model_refresh.storage.store import stamp

_LEAKS_ABOVE = 0.99
_SHOWN = 5
_MOST_CLASSES = 20
_LEAST_ROWS = 30


class Probe(Record):
    """What one labelled frame looks like; `shares` is each class's, of a multiclass label.

    `sink` says whether the declared one takes the frame's batches; None where none is declared.
    """

    model: str
    as_of: dt.datetime
    rows: int
    labelled: int
    label_mean: float
    shares: dict[str, float] = Field(default_factory=dict)
    suspects: tuple[str, ...]
    sink: str | None = None

    @property
    def sentence(self) -> str:
        """One line for people."""
        odd = f"; look at {'; '.join(self.suspects)}" if self.suspects else ""
        sink = f"; sink: {self.sink}" if self.sink is not None else ""
        return (
            f"{self.model}, frame of {stamp(self.as_of)}: {self.rows} rows, "
            f"{self.labelled} with a label, {self._level}{odd}{sink}"
        )

    @property
    def _level(self) -> str:
        """The mean, or the largest classes' shares."""
        if not self.shares:
            return f"mean {self.label_mean:.4g}"
        ranked = sorted(self.shares.items(), key=lambda each: -each[1])
        more = f" and {len(ranked) - _SHOWN} more classes" if len(ranked) > _SHOWN else ""
        return ", ".join(f"{name} {share:.1%}" for name, share in ranked[:_SHOWN]) + more


def probe(model: Model, now: dt.datetime) -> Probe:
    """Compute the newest frame whose labels have matured by `now`, and its labels.

    Raises NotDue where there is none yet, ConfigError where a candidate names a feature that the
    query doesn't give, SinkError where the declared sink can't take the frame's batches, and what
    the queries and checks raise: a class that is met and not declared among it.
    """
    as_of = next(matured(model.cadence, now, model.sizes), None)
    if as_of is None:
        raise NotDue(f"{model.name}: no frame has matured labels by {now:%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="model-refresh-probe-") as folder:
        store = Store(Path(folder)).model(model.name)
        query = model.definition.frame
        frame = compute_frame(model, store, as_of, query=query, backfilled=True)
        require_columns(model, [column.name for column in frame.columns])
        labels = compute_labels(model, store, frame, earlier=[])
        names = [column.name for column in frame.columns if column.name not in frame.key]
        rows = load_labelled(store, [LabelledFrame(frame=frame, labels=labels)], names)
        sink = _examined_sink(model, pq.read_schema(store.place(frame)))
    return _probe(model, frame, labels, rows).model_copy(update={"sink": sink})


def _examined_sink(model: Model, rows: pa.Schema) -> str | None:
    """What the sink says to batches of these rows; it is asked, and not changed."""
    if (sink := model.spec.scores.sink) is None:
        return None
    key, classes = model.spec.frame.key, model.spec.label.classes
    scores = [pa.field(name, pa.float64()) for name in score_columns(classes)]
    return sink.examine(pa.schema([*map(rows.field, key), *scores]), key, model.folder)


def _probe(model: Model, frame: Frame, labels: Labels, rows: LabelledRows) -> Probe:
    return Probe(
        model=model.name,
        as_of=frame.as_of,
        rows=frame.rows,
        labelled=labels.rows,
        label_mean=labels.mean,
        shares=dict(zip(model.spec.label.classes, labels.shares, strict=True)),
        suspects=(*_label_suspects(model, labels, rows), *_suspects(model, rows)),
    )


def _label_suspects(model: Model, labels: Labels, rows: LabelledRows) -> list[str]:
    """A label of one value only, and declared classes that no row has."""
    classes = model.spec.label.classes
    found = []
    if len(rows.target) and np.ptp(rows.target) == 0:
        only = classes[int(rows.target[0])] if classes else f"{rows.target[0]:g}"
        found.append(f"the label (it is {only} on every row)")
    elif idle := [name for name, share in zip(classes, labels.shares, strict=True) if not share]:
        more = f" and {len(idle) - _SHOWN} more classes" if len(idle) > _SHOWN else ""
        found.append(f"the label (no row is {', '.join(idle[:_SHOWN])}{more})")
    return found


def _suspects(model: Model, rows: LabelledRows) -> list[str]:
    """Columns that are constant, all null, or rank the labels almost perfectly alone (a leak)."""
    found = []
    for name in rows.table.columns:
        column = rows.table[name]
        if name in model.definition.frame.key:
            continue
        if column.drop_nulls().n_unique() <= 1:
            found.append(f"{name} (one value only)")
        elif (told := _leak(model, column, rows.target)) is not None:
            found.append(f"{name} ({told}: does it know the label?)")
    return found


def _leak(model: Model, column: pl.Series, target: NDArray[np.float64]) -> str | None:
    """How a number, a boolean or a date alone ranks the labels, where that is too good."""
    if not (column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean):
        return None
    ranks = column.cast(pl.Float64).fill_nan(None).rank().fill_null(0.0) / len(column)
    if model.spec.task == "regression":
        order = metric("spearman").value(target, ranks.to_numpy())
        return f"its rank correlation is {order:.3f}" if abs(order) > _LEAKS_ABOVE else None
    told = [(_told(target == each, ranks.to_numpy()), each) for each in _classes(model, target)]
    best, place = max(told, default=(0.0, 0))
    if best <= _LEAKS_ABOVE:
        return None
    about = f" for {model.spec.label.classes[place]}" if model.spec.label.classes else ""
    return f"its own ROC AUC{about} is {best:.3f}"


def _classes(model: Model, target: NDArray[np.float64]) -> list[int]:
    """The classes to tell from all others: class 1 of two, or the most frequent ones.

    One of a few rows would be told apart by chance, by one of many columns.
    """
    if model.spec.task == "binary":
        return [1]
    counts = np.bincount(target.astype(np.intp))
    frequent = np.argsort(-counts, kind="stable")[:_MOST_CLASSES]
    return [int(place) for place in frequent if counts[place] >= _LEAST_ROWS]


def _told(is_class: NDArray[np.bool_], ranks: NDArray[np.float64]) -> float:
    """How well ranks tell a class from the rest, upwards or downwards; 0 where there is no rest."""
    if is_class.all() or not is_class.any():
        return 0.0
    auc = metric("roc_auc").value(is_class.astype(np.float64), ranks)
    return max(auc, 1 - auc)
