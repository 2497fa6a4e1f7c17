"""Models' predictions of validation rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model_refresh.errors import FitError
from model_refresh.metrics.protocol import Floats


@dataclass(frozen=True)
class Library:
    """Models' predictions of the same validation rows, fold by fold.

    A fold's predictions have shape (models, rows), or (models, rows, classes) for a multiclass
    task, its target (rows,). `cost` is what scoring a row takes each model, in the unit of
    `latency`, shape (models,). `groups` hold a code a row, the same in all folds, for rows whose
    errors belong together; None: rows are independent. Raises FitError where shapes differ or a
    name repeats.
    """

    names: tuple[str, ...]
    predictions: tuple[Floats, ...]
    targets: tuple[Floats, ...]
    cost: Floats | None = None
    groups: tuple[NDArray[np.int64], ...] | None = None

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise FitError(f"a library needs models of different names, met {list(self.names)}")
        if not self.targets or len(self.predictions) != len(self.targets):
            raise FitError(
                f"a library needs one target a fold, met {len(self.predictions)} folds of "
                f"predictions and {len(self.targets)} of targets"
            )
        groups = self.targets if self.groups is None else self.groups
        for fold in zip(self.predictions, self.targets, groups, strict=True):
            _require_fold(len(self.names), *fold)
        if self.cost is not None and self.cost.shape != (len(self.names),):
            raise FitError(f"costs of shape {self.cost.shape} for {len(self.names)} models")

    def only(self, folds: Sequence[int]) -> "Library":
        """The same models on some of the folds, by number."""
        return replace(
            self,
            predictions=tuple(self.predictions[each] for each in folds),
            targets=tuple(self.targets[each] for each in folds),
            groups=None if self.groups is None else tuple(self.groups[each] for each in folds),
        )

    def halved(self) -> "Library":
        """A library of one fold as one of two: every other row, and the rest."""
        parts = slice(0, None, 2), slice(1, None, 2)
        return replace(
            self,
            predictions=tuple(self.predictions[0][:, part] for part in parts),
            targets=tuple(self.targets[0][part] for part in parts),
            groups=None if self.groups is None else tuple(self.groups[0][part] for part in parts),
        )


def _require_fold(
    models: int, predictions: Floats, target: Floats, group: NDArray[np.generic]
) -> None:
    if predictions.shape[:2] != (models, len(target)) or predictions.ndim not in {2, 3}:
        raise FitError(
            f"predictions of shape {predictions.shape} for {models} models and {len(target)} rows"
        )
    if len(target) == 0 or group.shape != target.shape:
        raise FitError(f"{len(target)} rows with {len(group)} groups: give one group a row")
