"""Calibrators of validation predictions, judged on rows that did not teach them."""

import numpy as np

from model_refresh.metrics import metric
from model_refresh.records import Recipe
from model_refresh.refresh.calibrating import Folds, calibrated, crossed

RECIPE = Recipe(algorithm="linear", options={}, parameters={}, features=(), categorical=(), seed=0)


def folds_with_a_moved_level(seed: int = 0) -> Folds:
    rng = np.random.default_rng(seed)
    found = []
    for rows in (801, 700):
        form = rng.normal(-1.0, 1.0, rows)
        target = (rng.random(rows) < 1 / (1 + np.exp(-(form - 1.5)))).astype(np.float64)
        found.append((target, 1 / (1 + np.exp(-form))))
    return found


def loss(folds: Folds) -> float:
    return float(np.mean([metric("log_loss").value(*fold) for fold in folds]))


def test_what_is_chosen_by_is_calibrated_as_what_is_deployed() -> None:
    folds = folds_with_a_moved_level()
    recipe, judged, why = calibrated(RECIPE, folds, "platt", "binary")
    assert recipe.calibration == "platt"
    assert why == "calibrated by platt: as declared"
    assert loss(judged) < 0.9 * loss(folds)


def test_a_rows_figure_does_not_know_its_own_outcome() -> None:
    folds = folds_with_a_moved_level()
    before = crossed(folds, "platt", "binary")
    turned = folds[0][0].copy()
    turned[10] = 1 - turned[10]
    after = crossed([(turned, folds[0][1]), folds[1]], "platt", "binary")
    assert after[0][1][10] == before[0][1][10]
    assert after[0][1][11] != before[0][1][11]


def test_without_calibration_folds_are_judged_as_they_are() -> None:
    folds = folds_with_a_moved_level()
    assert calibrated(RECIPE, folds, "none", "binary") == (RECIPE, folds, None)
