"""Which columns can be features, and whether a table has them as they were learned from."""

import difflib
from collections.abc import Sequence

import polars as pl

from model_refresh.errors import DataError
from model_refresh.features.kinds import CategoryFeature, Feature, MomentFeature, NumberFeature
from model_refresh.records import Column

PlainFeature = NumberFeature | MomentFeature | CategoryFeature


def plain_features(
    features: Sequence[Column], categorical: Sequence[str]
) -> tuple[PlainFeature, ...]:
    """The feature of each column, its categories still to be learned.

    Raises DataError for a type that is no feature, and where `categorical` names no feature.
    """
    _require_known(categorical, features)
    return tuple(_plain_feature(column, column.name in categorical) for column in features)


def require_columns(rows: pl.DataFrame, features: Sequence[Feature]) -> None:
    """Raise DataError where a column is missing, of another type, or holds infinite numbers."""
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
    names = dict.fromkeys(feature.name for feature in features)
    _require_finite(rows, [name for name in names if schema[name].is_float()])


def _plain_feature(column: Column, categorical: bool) -> PlainFeature:
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


def _require_known(categorical: Sequence[str], features: Sequence[Column]) -> None:
    names = [column.name for column in features]
    for name in categorical:
        if name not in names:
            raise DataError(
                f"categorical names {name!r}, which is no feature{_hint(name, names)}",
                check="features",
            )


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
