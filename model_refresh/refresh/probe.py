"""Run a model's queries once, outside of the store: rows, label mean, and columns that look odd."""

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.config.model import Model
from model_refresh.errors import NotDue
from model_refresh.metrics import metric
from model_refresh.records import Frame, LabelledFrame, Labels, Record
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.labels import compute_labels
from model_refresh.refresh.rows import LabelledRows, load_labelled
from model_refresh.splits import matured
from model_refresh.storage import Store
from model_refresh.storage.store import stamp

_LEAKS_ABOVE = 0.99


class Probe(Record):
    """What one labelled frame looks like."""

    model: str
    as_of: dt.datetime
    rows: int
    labelled: int
    label_mean: float
    suspects: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One line for people."""
        odd = f"; look at {'; '.join(self.suspects)}" if self.suspects else ""
        return (
            f"{self.model}, frame of {stamp(self.as_of)}: {self.rows} rows, "
            f"{self.labelled} with a label, mean {self.label_mean:.4g}{odd}"
        )


def probe(model: Model, now: dt.datetime) -> Probe:
    """Compute the newest frame whose labels have matured by `now`, and its labels.

    Raises NotDue where there is none yet, and what the queries and checks raise.
    """
    as_of = next(matured(model.cadence, now, model.sizes), None)
    if as_of is None:
        raise NotDue(f"{model.name}: no frame has matured labels by {now:%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="model-refresh-probe-") as folder:
        store = Store(Path(folder)).model(model.name)
        query = model.definition.frame
        frame = compute_frame(model, store, as_of, query=query, backfilled=True)
        labels = compute_labels(model, store, frame, earlier=[])
        names = [column.name for column in frame.columns if column.name not in frame.key]
        rows = load_labelled(store, [LabelledFrame(frame=frame, labels=labels)], names)
    return _probe(model, frame, labels, rows)


def _probe(model: Model, frame: Frame, labels: Labels, rows: LabelledRows) -> Probe:
    return Probe(
        model=model.name,
        as_of=frame.as_of,
        rows=frame.rows,
        labelled=labels.rows,
        label_mean=labels.mean,
        suspects=tuple(_suspects(model, rows)),
    )


def _suspects(model: Model, rows: LabelledRows) -> list[str]:
    """Columns that are constant, all null, or rank the labels almost perfectly alone (a leak)."""
    found = []
    if len(rows.target) and np.ptp(rows.target) == 0:
        found.append(f"the label (it is {rows.target[0]:g} on every row)")
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
    if model.spec.task == "binary":
        auc = metric("roc_auc").value(target, ranks.to_numpy())
        return f"its own ROC AUC is {auc:.3f}" if max(auc, 1 - auc) > _LEAKS_ABOVE else None
    order = metric("spearman").value(target, ranks.to_numpy())
    return f"its rank correlation is {order:.3f}" if abs(order) > _LEAKS_ABOVE else None
