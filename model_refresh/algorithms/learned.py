"""What a fitted model says of the columns that it was given: told by feature, as people know them.

A feature may have several columns of the matrix, each named `FEATURE:part`; they count together.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms.protocol import Fitted
from model_refresh.errors import FitError
from model_refresh.features import Encoder
from model_refresh.records import Record

LEARNED = "learned.json"
_BASE = "base"


class Learned(Record):
    """How much a model leans on each feature: shares of the whole that sum to 1.

    It tells what the model uses, not what causes anything; features that say the same share it.
    Trees: the loss that splits took away (CatBoost: by how much predictions change); linear
    models: the standard deviation of what a term adds.
    """

    importances: dict[str, float]


def learned(encoder: Encoder, fitted: Fitted) -> Learned | None:
    """What the model leans on; None where it leans on nothing, or can't tell."""
    told = fitted.importances()
    if told is None:
        return None
    names = _feature_names(encoder)
    empty = pl.DataFrame(schema=dict.fromkeys(names, pl.Null))
    places = _places(encoder.transform(empty).names, names)
    sums = np.bincount(places, told, minlength=len(names)).tolist()
    return Learned(importances=dict(zip(names, sums, strict=True)))


def mixed(parts: Sequence[tuple[Learned | None, float]]) -> Learned | None:
    """The weighted mean of those that tell anything; None where none does."""
    told = [(part.importances, weight) for part, weight in parts if part is not None]
    whole = sum(weight for _, weight in told)
    if whole <= 0:
        return None
    names = sorted({name for importances, _ in told for name in importances})
    return Learned(
        importances={
            name: sum(weight * found.get(name, 0.0) for found, weight in told) / whole
            for name in names
        }
    )


def explained(encoder: Encoder, fitted: Fitted, rows: pl.DataFrame, *, by: str) -> pl.DataFrame:
    """What each feature adds to each row's prediction, one column a feature, and last the base.

    `by` is the algorithm's name. Raises FitError where it has no contributions.
    """
    matrix = encoder.transform(rows)
    told = fitted.contributions(matrix)
    if told is None:
        raise FitError(
            f"a model by {by} doesn't tell what each feature adds to a prediction: multiclass "
            "models never do; its importances are all that there is"
        )
    names = _feature_names(encoder)
    added = np.zeros((told.shape[0], len(names)))
    np.add.at(added.T, _places(matrix.names, names), told[:, :-1].T)
    columns = {name: added[:, place] for place, name in enumerate(names)}
    return pl.DataFrame(columns | {_free(_BASE, names): told[:, -1]})


def explained_together(
    parts: Sequence[tuple[pl.DataFrame, float]], predicted: NDArray[np.float64]
) -> pl.DataFrame:
    """The weighted mean of what `explained` tells of several models; features that one lacks add 0.

    `predicted` is what they predict together, on the link scale: the base makes up for what the
    sum of the means differs from it.
    """
    names = list(dict.fromkeys(name for table, _ in parts for name in table.columns[:-1]))
    columns = {
        name: sum(weight * table[name] for table, weight in parts if name in table.columns[:-1])
        for name in names
    }
    added = pl.DataFrame(columns)
    rest = predicted - added.to_numpy().sum(axis=1)
    return added.with_columns(pl.Series(_free(_BASE, names), rest))


def _feature_names(encoder: Encoder) -> list[str]:
    return list(dict.fromkeys(feature.name for feature in encoder.features))


def _places(columns: Sequence[str], names: Sequence[str]) -> NDArray[np.intp]:
    """By column of the matrix the place of its feature among the names."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[_owner(column, places)] for column in columns], dtype=np.intp)


def _owner(column: str, names: dict[str, int]) -> str:
    """The longest name that is the column's, or its beginning before a colon."""
    while column not in names:
        column, colon, _ = column.rpartition(":")
        if not colon:
            raise KeyError(column)
    return column


def _free(name: str, taken: Sequence[str]) -> str:
    """The name, with as many underscores as make it unlike those taken."""
    while name in taken:
        name += "_"
    return name
