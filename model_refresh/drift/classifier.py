"""A classifier that tells two samples apart."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model_refresh.booster import prepare_lightgbm
from model_refresh.metrics import metric
from model_refresh.metrics.protocol import Floats

_FOLDS = 3
_ROUNDS = 40
_PARAMETERS: dict[str, bool | int | float | str] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "lambda_l2": 1.0,
    "feature_pre_filter": False,
    "max_bin": 63,
    "min_data_in_bin": 3,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
    "verbosity": -1,
}


def separability(
    values: Floats, is_current: Floats, groups: NDArray[np.intp], *, codes: Sequence[int] = ()
) -> float:
    """ROC AUC of a small classifier in telling current rows from reference rows; 0.5: it can't.

    A classifier two-sample test: Lopez-Paz and Oquab (2017), Revisiting classifier two-sample
    tests, ICLR. It sees what no column shows by itself. Trees of LightGBM are grown on two thirds
    of the groups and judged on the third; the mean of the three areas is given. Rows of a group,
    such as one customer's, are never on both sides, or knowing the customer would tell the sample.

    `values` has shape (rows, columns), nan is missing; `is_current`, 0 or 1, and `groups`, from 0,
    have shape (rows,); `codes` are the places of columns of category codes. nan where a fold lacks
    rows of either side. The same input gives the same answer.
    """
    areas = [
        _area(values, is_current, held, codes) for held in _held_out(groups) if values.shape[1]
    ]
    return float(np.mean(areas)) if areas else math.nan


def _held_out(groups: NDArray[np.intp]) -> Iterator[NDArray[np.bool_]]:
    """Which rows each fold is judged on: whole groups, dealt out by a seeded shuffle."""
    if not len(groups):
        return
    count = int(groups.max()) + 1
    fold = np.random.default_rng(0).permutation(count) % _FOLDS
    for each in range(_FOLDS):
        yield np.asarray(fold[groups] == each)


def _area(
    values: Floats, is_current: Floats, held: NDArray[np.bool_], codes: Sequence[int]
) -> float:
    prepare_lightgbm()
    import lightgbm  # here: it takes a while

    if any(len(np.unique(is_current[side])) < 2 for side in (held, ~held)):
        return math.nan
    rows = lightgbm.Dataset(
        values[~held], is_current[~held], categorical_feature=list(codes), params=_PARAMETERS
    )
    trees = lightgbm.train(_PARAMETERS, rows, num_boost_round=_ROUNDS)
    told = np.asarray(trees.predict(values[held], num_threads=1), dtype=np.float64)
    return metric("roc_auc").value(is_current[held], told)
