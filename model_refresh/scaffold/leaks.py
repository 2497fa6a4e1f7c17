"""Columns that know the label too well to have been known before it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.metrics import metric
from model_refresh.scaffold.facts import ColumnFacts, Table
from model_refresh.scaffold.labels import Label

_MOST_ROWS = 50_000
_FEWEST_ROWS = 200
_ROC_AUC, _SPEARMAN, _PURE = 0.95, 0.9, 0.99


@dataclass(frozen=True)
class Leak:
    """A column, and how it gives itself away."""

    column: ColumnFacts
    says: str


def find_leaks(table: Table, columns: tuple[ColumnFacts, ...], label: Label) -> tuple[Leak, ...]:
    """The columns that alone tell the label of the rows that were looked at, or nearly so."""
    rows = table.looked_at.filter(pl.col(label.column.name).is_not_null()).head(_MOST_ROWS)
    if rows.height < _FEWEST_ROWS:
        return ()
    targets = _targets(rows[label.column.name], label)
    found = [(c, _told(rows[c.name], c, targets, label)) for c in columns]
    return tuple(Leak(c, says) for c, says in found if says is not None)


def _targets(values: pl.Series, label: Label) -> list[NDArray[np.float64]]:
    """The label as numbers; of classes, each of the frequent ones against the others."""
    if label.task == "regression":
        return [values.cast(pl.Float64).fill_nan(None).fill_null(0.0).to_numpy()]
    if label.task == "binary":
        yes = (
            values == label.positive if label.positive is not None else values.cast(pl.Float64) > 0
        )
        return [yes.cast(pl.Float64).to_numpy()]
    frequent = values.value_counts(sort=True)[values.name].head(5).to_list()
    return [(values == each).cast(pl.Float64).to_numpy() for each in frequent]


def _told(
    values: pl.Series, column: ColumnFacts, targets: list[NDArray[np.float64]], label: Label
) -> str | None:
    if column.kind == "text":
        return _pure(values, targets) if label.task != "regression" else None
    numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
    ranks = (numbers.rank() / len(numbers)).fill_null(-1.0).to_numpy()
    if label.task == "regression":
        if np.ptp(targets[0]) == 0 or np.ptp(ranks) == 0:
            return None
        order = metric("spearman").value(targets[0], ranks)
        return f"rank correlation {order:.2f}" if abs(order) > _SPEARMAN else None
    best = max((_auc(target, ranks) for target in targets), default=0.0)
    return f"ROC AUC {best:.2f} alone" if best > _ROC_AUC else None


def _auc(target: NDArray[np.float64], ranks: NDArray[np.float64]) -> float:
    if not 0 < target.sum() < len(target):
        return 0.0
    auc = metric("roc_auc").value(target, ranks)
    return max(auc, 1 - auc)


def _pure(values: pl.Series, targets: list[NDArray[np.float64]]) -> str | None:
    """Whether each value of a text has one label only, and the labels are not all alike."""
    if values.n_unique() > len(values) / 10:
        return None
    for target in targets:
        base = max(target.mean(), 1 - target.mean())
        groups = pl.DataFrame({"value": values, "target": target}).group_by("value")
        parts = groups.agg(pl.col("target").mean().alias("mean"), pl.len().alias("rows"))
        mean = parts["mean"].to_numpy()
        pure = float(np.average(np.maximum(mean, 1 - mean), weights=parts["rows"].to_numpy()))
        if pure > _PURE and base < 0.95:
            return "each of its values has one label only"
    return None
