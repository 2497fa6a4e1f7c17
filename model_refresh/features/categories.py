"""The categories of a column: which are frequent, and each row's place among them."""

import polars as pl

from model_refresh.features.kinds import CategoryFeature, TargetFeature

LEAST_ROWS = 5
"""A category seen on fewer training rows shares code 0 with the unknown ones."""
MOST_CODES = 254
"""With code 0 that makes 255, as many bins as LightGBM gives a feature."""


def frequent_values(rows: pl.DataFrame, feature: CategoryFeature, *, most: int) -> tuple[str, ...]:
    """The categories seen on at least `LEAST_ROWS` rows, most frequent first, then by text."""
    counts = rows.select(value=category_text(feature)).to_series().value_counts()
    kept = counts.filter(pl.col("count") >= LEAST_ROWS, pl.col("value").is_not_null())
    ordered = kept.sort("count", "value", descending=[True, False]).head(most)
    return tuple(ordered["value"].to_list())


def category_code(feature: CategoryFeature) -> pl.Expr:
    """The code of each row as a float; null where the category is missing."""
    text = category_text(feature)
    known = text.cast(pl.Enum(list(feature.values)), strict=False).to_physical() + 1
    return pl.when(text.is_not_null()).then(known.fill_null(0)).cast(pl.Float64)


def category_place(feature: CategoryFeature | TargetFeature) -> pl.Expr:
    """Each row's place in `values`; one more than the last for null, two more for any other."""
    text, last = category_text(feature), len(feature.values)
    known = text.cast(pl.Enum(list(feature.values)), strict=False).to_physical().cast(pl.UInt32)
    return pl.when(text.is_null()).then(last).otherwise(known.fill_null(last + 1)).cast(pl.UInt32)


def category_text(feature: CategoryFeature | TargetFeature) -> pl.Expr:
    """The category as text, null where it is missing."""
    column = pl.col(feature.name)
    if feature.type in {"text", "boolean"}:
        return column.cast(pl.String)
    number = column.cast(pl.Float64).fill_nan(None)
    whole = number.cast(pl.Int64, strict=False)
    return pl.when(whole == number).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
