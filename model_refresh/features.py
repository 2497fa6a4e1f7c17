"""Feature encoding: fitted on training rows, stored as JSON, the same at training and scoring.

Each row is encoded by itself: its values don't depend on the rows or columns around it.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self, assert_never

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.errors import DataError
from model_refresh.records import Column, Record

_LEAST_ROWS = 5
"""A category seen on fewer training rows shares code 0 with the unknown ones."""
_MOST_CATEGORIES = 254
"""With code 0 that makes 255, as many bins as LightGBM gives a feature."""
_DAYS_A_WEEK = 7


@dataclass(frozen=True)
class Matrix:
    """Encoded rows.

    `values` has shape (rows, columns), C-contiguous; NaN is a missing value. `categories` is 0 for
    a numeric column, else its number of codes: whole numbers from 0, which is "rare or unknown".
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    categories: tuple[int, ...]


class NumberFeature(Record):
    """A number as it is; a boolean as 0 or 1. Null and NaN are missing."""

    kind: Literal["number"] = "number"
    name: str
    type: Literal["boolean", "integer", "number"]


class MomentFeature(Record):
    """A date or timestamp, in UTC: days since 1970, weekday, and of a timestamp minute of the day.

    The days carry age and trend, the others the calendar; Monday is 1.
    """

    kind: Literal["moment"] = "moment"
    name: str
    type: Literal["date", "timestamp"]


class CategoryFeature(Record):
    """A category: `values[i]` has code i + 1, any other value code 0; null is missing.

    Numbers are compared by value: 7 and 7.0 are the same category.
    """

    kind: Literal["category"] = "category"
    name: str
    type: Literal["boolean", "integer", "number", "text"]
    values: tuple[str, ...] = Field(description="most frequent first, then in order of text")


Feature = Annotated[NumberFeature | MomentFeature | CategoryFeature, Field(discriminator="kind")]


class Encoder(Record):
    """How a table's columns become a matrix; `canonical` and `parse` store and read it."""

    features: tuple[Feature, ...]

    @classmethod
    def fit(
        cls, rows: pl.DataFrame, features: Sequence[Column], categorical: Sequence[str]
    ) -> Self:
        """Learn the categories of text columns and of those in `categorical`.

        Raises DataError where a column is missing, of another type than declared, of a type that
        is no feature, or holds infinite numbers.
        """
        _require_known(categorical, features)
        plain = [_plain_feature(column, column.name in categorical) for column in features]
        _require_columns(rows, plain)
        return cls(features=tuple(_with_values(rows, feature) for feature in plain))

    def transform(self, rows: pl.DataFrame) -> Matrix:
        """Encode rows; other columns than the fitted ones are ignored.

        Raises DataError where a column is missing, of another type, or holds infinite numbers;
        never for a category that wasn't seen in training.
        """
        _require_columns(rows, self.features)
        encoded = [part for feature in self.features for part in _encode(feature)]
        table = rows.select(part.value.alias(str(i)) for i, part in enumerate(encoded))
        return Matrix(
            values=_dense(table, height=rows.height),
            names=tuple(part.name for part in encoded),
            categories=tuple(part.categories for part in encoded),
        )


@dataclass(frozen=True)
class _Part:
    """One column of the matrix."""

    name: str
    value: pl.Expr
    categories: int = 0


def _plain_feature(column: Column, categorical: bool) -> Feature:
    """The feature of a column, its categories still to be learned."""
    match column.type:
        case "text":
            return CategoryFeature(name=column.name, type="text", values=())
        case "boolean" | "integer" | "number" as kind:
            if categorical:
                return CategoryFeature(name=column.name, type=kind, values=())
            return NumberFeature(name=column.name, type=kind)
        case "date" | "timestamp" as kind if not categorical:
            return MomentFeature(name=column.name, type=kind)
        case other:
            raise DataError(
                f"column {column.name!r} of type {other} ({column.stored_as}) can't be a "
                f"{'categorical ' if categorical else ''}feature: exclude it, or cast it in "
                "features.sql",
                check="features",
            )


def _with_values(rows: pl.DataFrame, feature: Feature) -> Feature:
    if not isinstance(feature, CategoryFeature):
        return feature
    counts = rows.select(value=_text(feature)).drop_nulls().get_column("value").value_counts()
    kept = counts.filter(pl.col("count") >= _LEAST_ROWS)
    ordered = kept.sort("count", "value", descending=[True, False]).head(_MOST_CATEGORIES)
    return feature.model_copy(update={"values": tuple(ordered["value"].to_list())})


def _encode(feature: Feature) -> list[_Part]:
    match feature:
        case NumberFeature():
            return [_Part(feature.name, pl.col(feature.name).cast(pl.Float64))]
        case CategoryFeature():
            return [_Part(feature.name, _code(feature), len(feature.values) + 1)]
        case MomentFeature():
            return _moment_parts(feature)
        case _:
            assert_never(feature)


def _moment_parts(feature: MomentFeature) -> list[_Part]:
    """The parts of a moment, whole numbers all.

    Polars divides a row by another rounding alone than among others, so nothing is divided.
    """
    instant = pl.col(feature.name).cast(pl.Datetime("us"))
    days = instant.dt.date().cast(pl.Int32)
    minute = instant.dt.hour().cast(pl.Int32) * 60 + instant.dt.minute()
    parts = [
        _Part(feature.name, days.cast(pl.Float64)),
        _Part(
            f"{feature.name}:weekday",
            instant.dt.weekday().cast(pl.Float64),
            categories=_DAYS_A_WEEK + 1,
        ),
    ]
    if feature.type == "timestamp":
        parts.append(_Part(f"{feature.name}:minute", minute.cast(pl.Float64)))
    return parts


def _code(feature: CategoryFeature) -> pl.Expr:
    text = _text(feature)
    known = text.cast(pl.Enum(list(feature.values)), strict=False).to_physical() + 1
    return pl.when(text.is_not_null()).then(known.fill_null(0)).cast(pl.Float64)


def _text(feature: CategoryFeature) -> pl.Expr:
    """The category as text, null where it is missing."""
    column = pl.col(feature.name)
    if feature.type in {"text", "boolean"}:
        return column.cast(pl.String)
    number = column.cast(pl.Float64).fill_nan(None)
    whole = number.cast(pl.Int64, strict=False)
    return pl.when(whole == number).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))


def _dense(table: pl.DataFrame, *, height: int) -> NDArray[np.float64]:
    if table.width == 0 or height == 0:
        return np.empty((height, table.width))
    return np.ascontiguousarray(table.to_numpy(order="c"), dtype=np.float64)


def _require_known(categorical: Sequence[str], features: Sequence[Column]) -> None:
    names = [column.name for column in features]
    for name in categorical:
        if name not in names:
            raise DataError(
                f"categorical names {name!r}, which is no feature{_hint(name, names)}",
                check="features",
            )


def _require_columns(rows: pl.DataFrame, features: Sequence[Feature]) -> None:
    schema = rows.schema
    for feature in features:
        if feature.name not in schema:
            raise DataError(
                f"column {feature.name!r} is missing{_hint(feature.name, schema.names())}",
                check="features",
            )
        if not _accepts(feature.type, schema[feature.name]):
            raise DataError(
                f"column {feature.name!r} is {schema[feature.name]}, learned from as "
                f"{feature.type}: cast it in features.sql, or exclude it",
                check="features",
            )
    _require_finite(rows, [f.name for f in features if schema[f.name].is_float()])


def _require_finite(rows: pl.DataFrame, names: list[str]) -> None:
    counts = rows.select(pl.col(name).is_infinite().sum() for name in names)
    for name in names:
        if count := counts.item(0, name):
            raise DataError(
                f"column {name!r} is infinite on {count} of {rows.height} rows: make it null or "
                "a number in features.sql",
                check="features",
            )


def _accepts(declared: str, found: pl.DataType) -> bool:
    """Whether a column of this type can be read as declared without loss."""
    if found == pl.Null:
        return True
    match declared:
        case "boolean":
            return found == pl.Boolean
        case "integer" | "number":
            return found.is_numeric()
        case "text":
            return found in (pl.String, pl.Categorical, pl.Enum)
        case _:
            return found in (pl.Date, pl.Datetime)


def _hint(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {list(names)}"
