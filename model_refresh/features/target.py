"""Target statistics that respect time: the mean label of a category, of labels known by then.

A training row at `as_of` gets the mean of the labels with `known_at <= as_of`, so never its own:
the ordered statistics of L. Prokhorenkova et al., CatBoost, NeurIPS 2018, with real time in place
of a random order. Rows to be scored get the mean of all training labels. Both are blended with the
overall mean (`shrinkage`).

Training rows by whose as_of no label was known get NaN, and rows to be scored never do. The
overall mean of all labels would tell them of the future, and look like "known, and average" on
other rows: where the level of the labels moves, models learned from it predict worse the later
labels are known (`model_refresh_tests/features/test_simulation.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.errors import DataError
from model_refresh.features.categories import category_place
from model_refresh.features.kinds import CategoryFeature, TargetFeature
from model_refresh.features.matrix import Part
from model_refresh.features.shrinkage import KnownMeans

MOST_STATISTICS = 50_000
"""The most means that a column keeps: one a category, or a category and class."""


@dataclass(frozen=True)
class TimedLabels:
    """The training rows' labels with their times, all of shape (rows,).

    `target` is as in `algorithms.protocol.Rows`; `as_of` is the instant at which a row stood,
    `known_at` that from which its label was known (until + maturity), both datetime64[us] in UTC.
    `classes` of a multiclass task, else 0.
    """

    target: NDArray[np.float64]
    as_of: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    classes: int = 0

    @property
    def columns(self) -> int:
        """How many columns a category becomes: one, or one a class."""
        return self.classes or 1

    def of_column(self, column: int) -> NDArray[np.float64]:
        """What is averaged: the label, or whether it is this class; shape (rows,)."""
        return (self.target == column).astype(np.float64) if self.classes else self.target


def require_labels(rows: pl.DataFrame, labels: TimedLabels | None) -> TimedLabels:
    """The labels. Raises DataError where there are none, or not one finite label a row."""
    if labels is None or rows.height == 0:
        raise DataError(
            "target statistics need labelled rows, and there are none: give the rows' labels, or "
            "encode categories as codes",
            check="features",
        )
    sizes = {len(labels.target), len(labels.as_of), len(labels.known_at)}
    if sizes != {rows.height}:
        raise DataError(
            f"{rows.height} rows have labels, as_of and known_at of {sorted(sizes)} rows: give "
            "one each a row",
            check="features",
        )
    if count := int((~np.isfinite(labels.target)).sum()):
        raise DataError(
            f"{count} of {rows.height} labels are not finite: target statistics average them",
            check="features",
        )
    return labels


def learn_means(
    rows: pl.DataFrame, feature: CategoryFeature, labels: TimedLabels, *, smoothing: float | None
) -> TargetFeature:
    """The statistics of all training labels, which rows to be scored get."""
    place = _places(rows, feature)
    means = []
    for column in range(labels.columns):
        known = KnownMeans(len(feature.values) + 2)
        known.add(place, labels.of_column(column))
        means.append(known.blended(smoothing).tolist())
    return TargetFeature(
        name=feature.name,
        type=feature.type,
        values=feature.values,
        means=tuple(tuple(each[:-2]) for each in means),
        missing=tuple(each[-2] for each in means),
        prior=tuple(each[-1] for each in means),
        smoothing=smoothing,
    )


def target_parts(feature: TargetFeature) -> list[Part]:
    """The columns of rows to be scored: looked up, so nothing is computed for a row."""
    place = category_place(feature)
    return [
        Part(name, pl.lit(pl.Series([*means, missing, prior], dtype=pl.Float64)).gather(place))
        for name, means, missing, prior in zip(
            _names(feature), feature.means, feature.missing, feature.prior, strict=True
        )
    ]


def ordered_means(
    rows: pl.DataFrame, feature: TargetFeature, labels: TimedLabels
) -> Iterator[NDArray[np.float64]]:
    """Column by column what training rows get, shape (rows,); NaN where nothing was known.

    Raises DataError where the labels are of another number of classes than learned from.
    """
    if labels.columns != len(feature.prior):
        raise DataError(
            f"labels of {labels.columns} columns meet statistics of {len(feature.prior)} "
            f"for {feature.name!r}: give the labels that the encoder was fitted on",
            check="features",
        )
    place = _places(rows, feature)
    for column in range(len(feature.prior)):
        yield _ordered(place, labels, labels.of_column(column), feature)


def _ordered(
    place: NDArray[np.intp],
    labels: TimedLabels,
    target: NDArray[np.float64],
    feature: TargetFeature,
) -> NDArray[np.float64]:
    known = KnownMeans(len(feature.values) + 2)
    means = np.empty(len(place))
    for asked, learned in _in_order(labels):
        known.add(place[learned], target[learned])
        means[asked] = known.blended(feature.smoothing)[place[asked]]
    return means


def _in_order(labels: TimedLabels) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """By as_of: the rows that stood then, and the rows whose labels became known since the last."""
    standing = np.argsort(labels.as_of, kind="stable")
    instants, starts = np.unique(labels.as_of[standing], return_index=True)
    becoming = np.argsort(labels.known_at, kind="stable")
    ends = np.searchsorted(labels.known_at[becoming], instants, side="right")
    news = np.split(becoming, ends)
    return zip(np.split(standing, starts[1:]), news, strict=False)


def _places(rows: pl.DataFrame, feature: CategoryFeature | TargetFeature) -> NDArray[np.intp]:
    place = rows.select(place=category_place(feature))["place"]
    return place.to_numpy().astype(np.intp)


def _names(feature: TargetFeature) -> list[str]:
    title = f"{feature.name}:target"
    if len(feature.prior) == 1:
        return [title]
    return [f"{title}:{column}" for column in range(len(feature.prior))]
