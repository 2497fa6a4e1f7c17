"""Run a model's queries once, outside of the store: rows, label mean, and columns that look odd."""

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

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
    for name in rows.table.columns:
        column = rows.table[name]
        if name in model.definition.frame.key:
            continue
        if column.drop_nulls().n_unique() <= 1:
            found.append(f"{name} (one value only)")
        elif model.spec.task == "binary" and column.dtype.is_numeric():
            values = column.cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()
            auc = metric("roc_auc").value(rows.target, values)
            if np.isfinite(auc) and max(auc, 1 - auc) > _LEAKS_ABOVE:
                found.append(f"{name} (its own ROC AUC is {auc:.3f}: does it know the label?)")
    return found
