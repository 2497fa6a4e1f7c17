"""Predictions of the validation folds' rows, as a candidate leaves them for ensembles."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.records import Digest
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import drafting
from model_refresh.storage.store import ROWS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FoldPredictions:
    """Outcomes, and what one or more models predicted of them before, by fold, newest first.

    `targets[fold]` has shape (rows,), `models[model][fold]` has (rows,) or (rows, classes).
    """

    targets: tuple[Floats, ...]
    models: tuple[tuple[Floats, ...], ...]

    def of(self, model: int) -> list[tuple[Floats, Floats]]:
        """Fold by fold, newest first: outcomes and one model's predictions."""
        return list(zip(self.targets, self.models[model], strict=True))


def publish_predictions(store: ModelStore, predictions: FoldPredictions) -> Digest:
    """Store them as one table; returns the digest by which `read_predictions` finds them."""
    columns = dict(_columns(predictions))
    with drafting(store.predictions_folder) as draft:
        pl.DataFrame(columns).write_parquet(draft.path / ROWS)
        return draft.publish(kind="predictions", inputs={}, libraries={}).digest


def read_predictions(store: ModelStore, digest: Digest) -> FoldPredictions:
    """What was stored; raises NotStored or CorruptError."""
    table = pl.read_parquet(store.predictions(digest).file(ROWS))
    folds = table.partition_by("fold", maintain_order=True)
    models = 1 + max(int(name.split(":")[1]) for name in table.columns if ":" in name)
    return FoldPredictions(
        targets=tuple(fold["target"].to_numpy() for fold in folds),
        models=tuple(tuple(_predicted(fold, model) for fold in folds) for model in range(models)),
    )


def _columns(predictions: FoldPredictions) -> Iterator[tuple[str, Floats]]:
    """The table's columns: fold, target, then `model:0`; of classes `model:0:0`, `model:0:1`..."""
    lengths = [len(target) for target in predictions.targets]
    yield "fold", np.repeat(np.arange(len(lengths)), lengths)
    yield "target", np.concatenate(predictions.targets)
    for model, folds in enumerate(predictions.models):
        whole = np.concatenate(folds)
        if whole.ndim == 1:
            yield f"model:{model}", whole
            continue
        for place in range(whole.shape[1]):
            yield f"model:{model}:{place}", whole[:, place]


def _predicted(fold: pl.DataFrame, model: int) -> Floats:
    own = [name for name in fold.columns if name.split(":")[:2] == ["model", str(model)]]
    if own == [f"model:{model}"]:
        return fold[own[0]].to_numpy()
    return np.ascontiguousarray(fold.select(own).to_numpy())
