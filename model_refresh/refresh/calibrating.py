"""Calibrators of validation predictions, and what they are worth on rows that didn't teach them."""

from collections.abc import Sequence

import numpy as np

from model_refresh.calibration import choose_method, fit_calibrator, squared_errors
from model_refresh.metrics.losses import LogLoss
from model_refresh.records import Recipe, Task
from model_refresh.refresh.predictions import Floats

Folds = Sequence[tuple[Floats, Floats]]
"""Outcomes and predictions by fold, newest first."""


def calibrated(
    recipe: Recipe, folds: Folds, asked: str, task: Task
) -> tuple[Recipe, Folds, str | None]:
    """The recipe with the calibrator that the folds teach, what to judge it by, and why it is so.

    It is judged by the folds' predictions as `crossed` calibrates them; as they are without one.
    """
    if asked == "none":
        return recipe, folds, None
    method, why = asked, "as declared"
    if asked == "auto":
        loss = squared_errors if task == "regression" else LogLoss().loss
        oldest_first = [(predicted, target) for target, predicted in reversed(folds)]
        choice = choose_method(oldest_first, task=task, loss=loss)
        method, why = choice.method, choice.sentence
    if method == "none":
        return recipe, folds, f"not calibrated: {why}"
    target, predicted = pooled(folds)
    calibrator = fit_calibrator(method, predicted, target, task=task)
    learned = {"calibration": method, "calibrator": calibrator.model_dump(mode="json")}
    judged = crossed(folds, method, task)
    return recipe.model_copy(update=learned), judged, f"calibrated by {method}: {why}"


def crossed(folds: Folds, method: str, task: Task) -> Folds:
    """The folds with calibrated predictions, by calibrators that every other row taught."""
    target, predicted = pooled(folds)
    mapped = np.empty_like(predicted)
    for first in (0, 1):
        taught, judged = slice(first, None, 2), slice(1 - first, None, 2)
        calibrator = fit_calibrator(method, predicted[taught], target[taught], task=task)
        mapped[judged] = calibrator.apply(predicted[judged])
    ends = np.cumsum([len(outcomes) for outcomes, _ in folds])[:-1]
    return [
        (outcomes, part) for (outcomes, _), part in zip(folds, np.split(mapped, ends), strict=True)
    ]


def pooled(folds: Folds) -> tuple[Floats, Floats]:
    """Outcomes and predictions of all folds together."""
    targets, predicted = zip(*folds, strict=True)
    return np.concatenate(targets), np.concatenate(predicted)
