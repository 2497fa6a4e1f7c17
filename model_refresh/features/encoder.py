"""The encoder: what it learns from training rows, and the matrices it makes."""

from collections.abc import Sequence
from typing import Self, assert_never

import polars as pl
from pydantic import Field

from model_refresh.features.categories import MOST_CODES, category_code, frequent_values
from model_refresh.features.columns import PlainFeature, plain_features, require_columns
from model_refresh.features.drops import find_dropped
from model_refresh.features.kinds import (
    CategoryFeature,
    Dropped,
    Feature,
    IndicatorFeature,
    MomentFeature,
    NumberFeature,
    TargetFeature,
)
from model_refresh.features.matrix import Matrix, Part, fill
from model_refresh.features.moments import moment_parts
from model_refresh.features.target import (
    MOST_STATISTICS,
    TimedLabels,
    learn_means,
    ordered_means,
    require_labels,
    target_parts,
)
from model_refresh.records import Column, Record
from model_refresh.records.encoding import Encoding

_CODES = Encoding()


class Encoder(Record):
    """How a table's columns become a matrix; `canonical` and `parse` store and read it."""

    features: tuple[Feature, ...]
    dropped: tuple[Dropped, ...] = Field(
        (), description="columns that were left out", exclude_if=lambda dropped: not dropped
    )

    @classmethod
    def fit(
        cls,
        rows: pl.DataFrame,
        features: Sequence[Column],
        categorical: Sequence[str],
        encoding: Encoding = _CODES,
        labels: TimedLabels | None = None,
    ) -> Self:
        """Learn the categories of text columns and of those in `categorical`.

        `labels` are needed where `encoding.needs_labels`. Raises DataError where a column is
        missing, of another type than declared, of a type that is no feature, or holds infinite
        numbers, and where labels are needed and not given.
        """
        plain = plain_features(features, categorical)
        require_columns(rows, plain)
        dropped = find_dropped(rows, plain, encoding)
        names = {each.name for each in dropped}
        learned = [
            part
            for feature in plain
            if feature.name not in names
            for part in _learned(rows, feature, encoding, labels)
        ]
        return cls(features=tuple(learned), dropped=dropped)

    def transform(self, rows: pl.DataFrame) -> Matrix:
        """Encode rows to be scored; other columns than the fitted ones are ignored.

        Raises DataError where a column is missing, of another type, or holds infinite numbers;
        never for a category that wasn't seen in training.
        """
        require_columns(rows, self.features)
        return fill(rows, [part for feature in self.features for part in _parts(feature)])

    def transform_training(self, rows: pl.DataFrame, labels: TimedLabels) -> Matrix:
        """Encode the rows that the encoder was fitted on, to learn from.

        As `transform`, but target statistics hold what was known by each row's as_of; NaN where
        nothing was.
        """
        matrix = self.transform(rows)
        column = 0
        for feature in self.features:
            if not isinstance(feature, TargetFeature):
                column += len(_parts(feature))
                continue
            known = require_labels(rows, labels)
            for means in ordered_means(rows, feature, known):
                matrix.values[:, column] = means
                column += 1
        return matrix


def _learned(
    rows: pl.DataFrame, feature: PlainFeature, encoding: Encoding, labels: TimedLabels | None
) -> list[Feature]:
    """What becomes of a column: its features, with all that is learned of it."""
    match feature:
        case CategoryFeature():
            return _learned_category(rows, feature, encoding, labels)
        case MomentFeature():
            return [feature.model_copy(update={"parts": encoding.date_parts})]
        case NumberFeature() if (
            encoding.indicators and rows.select(_is_missing(feature)).to_series().any()
        ):
            return [feature, IndicatorFeature(name=feature.name, type=feature.type)]
        case _:
            return [feature]


def _learned_category(
    rows: pl.DataFrame, feature: CategoryFeature, encoding: Encoding, labels: TimedLabels | None
) -> list[Feature]:
    """Codes, target statistics, or both; of both, the statistics know more categories."""
    if not encoding.needs_labels:
        return [_with_values(feature, frequent_values(rows, feature, most=MOST_CODES))]
    known = require_labels(rows, labels)
    values = frequent_values(
        rows, feature, most=max(MOST_CODES + 1, MOST_STATISTICS // known.columns)
    )
    coded = _with_values(feature, values[:MOST_CODES])
    if encoding.categories == "codes" and len(values) <= MOST_CODES:
        return [coded]
    means = learn_means(rows, _with_values(feature, values), known, smoothing=encoding.smoothing)
    return [means] if encoding.categories == "target" else [coded, means]


def _with_values(feature: CategoryFeature, values: tuple[str, ...]) -> CategoryFeature:
    return feature.model_copy(update={"values": values})


def _parts(feature: Feature) -> list[Part]:
    match feature:
        case NumberFeature():
            return [Part(feature.name, pl.col(feature.name).cast(pl.Float64))]
        case IndicatorFeature():
            return [Part(f"{feature.name}:missing", _is_missing(feature).cast(pl.Float64))]
        case CategoryFeature():
            return [Part(feature.name, category_code(feature), len(feature.values) + 1)]
        case MomentFeature():
            return moment_parts(feature)
        case TargetFeature():
            return target_parts(feature)
        case _:
            assert_never(feature)


def _is_missing(feature: NumberFeature | IndicatorFeature) -> pl.Expr:
    return pl.col(feature.name).cast(pl.Float64).fill_nan(None).is_null()
