"""The folds of a search as encoded rows: each fold's own past, and the later rows that judge it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.protocol import Rows
from model_refresh.features import Encoder, TimedLabels
from model_refresh.records import LabelledFrame, Parameters, Recipe, Record
from model_refresh.refresh.rows import LabelledRows, feature_names, load_labelled
from model_refresh.storage import ModelStore

_OLDEST = 500.0
"""Half-lives, beyond which a row doesn't lose more: a weight is never 0."""


class Fold(Record):
    """Frames that are learned from, and later ones that judge what was learned."""

    tuning: tuple[LabelledFrame, ...]
    validation: tuple[LabelledFrame, ...]


class FoldRows:
    """Folds, newest first, as `tuning.Ground` wants them.

    A fold is encoded once for each length of window, and only the last length is kept.
    """

    def __init__(
        self, store: ModelStore, recipe: Recipe, folds: Sequence[Fold], *, classes: int
    ) -> None:
        """Nothing is read yet; `classes` is 0 where the task isn't multiclass."""
        self._store, self._recipe, self._folds, self._classes = store, recipe, folds, classes
        self._judges: dict[int, LabelledRows] = {}
        self._encoded: dict[int, tuple[int | None, Rows, Rows, NDArray[np.datetime64]]] = {}

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return len(self._folds)

    def own(self, parameters: Parameters) -> Parameters:
        """Those parameters that are the algorithm's business."""
        return self._recipe.model_copy(update={"parameters": parameters}).own_parameters

    def rows(self, fold: int, parameters: Parameters) -> tuple[Rows, Rows]:
        """A fold's past, weighted, and its later rows."""
        recipe = self._recipe.model_copy(update={"parameters": parameters})
        found = self._encoded.get(fold)
        if found is None or found[0] != recipe.window:
            self._encoded[fold] = found = self._encode(fold, recipe)
        _, learned, judge, as_of = found
        return replace(learned, weight=recency(as_of, recipe.half_life)), judge

    def judge(self, fold: int) -> LabelledRows:
        """A fold's later rows as they are stored."""
        if fold not in self._judges:
            frames = self._folds[fold].validation
            self._judges[fold] = load_labelled(self._store, frames, self.names)
        return self._judges[fold]

    @property
    def names(self) -> list[str]:
        """The columns that are learned from."""
        return feature_names(self._recipe.features)

    def _encode(
        self, fold: int, recipe: Recipe
    ) -> tuple[int | None, Rows, Rows, NDArray[np.datetime64]]:
        frames = newest(self._folds[fold].tuning, recipe.window)
        past = load_labelled(self._store, frames, self.names)
        encoder, learned = encode_training(past, recipe, classes=self._classes)
        judge = self.judge(fold)
        later = Rows(encoder.transform(judge.table), judge.target, self._classes)
        return recipe.window, learned, later, past.as_of


def newest(frames: Sequence[LabelledFrame], window: int | None) -> tuple[LabelledFrame, ...]:
    """The newest frames, as many as the window is long; all where it is None."""
    ordered = sorted(frames, key=lambda frame: frame.as_of)
    return tuple(ordered if window is None else ordered[-window:])


def encode_training(rows: LabelledRows, recipe: Recipe, *, classes: int) -> tuple[Encoder, Rows]:
    """An encoder fitted on these rows, and the rows as it encodes them for training."""
    labels = TimedLabels(rows.target, rows.as_of, rows.known_at, classes)
    encoder = Encoder.fit(
        rows.table, recipe.features, recipe.categorical, recipe.encoding, labels=labels
    )
    return encoder, Rows(encoder.transform_training(rows.table, labels), rows.target, classes)


def recency(
    as_of: NDArray[np.datetime64], half_life: dt.timedelta | None
) -> NDArray[np.float64] | None:
    """Weights, shape (rows,), mean 1: rows of the newest frame count most.

    A row that is older by one half-life counts half as much. None: all rows count alike.
    """
    if half_life is None:
        return None
    age = (as_of.max() - as_of) / np.timedelta64(half_life)
    weight = np.exp2(-np.minimum(age, _OLDEST))
    return np.asarray(weight / weight.mean(), dtype=np.float64)
