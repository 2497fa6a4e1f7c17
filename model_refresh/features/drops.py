"""Columns that tell nothing, or nothing that another one doesn't."""

import hashlib
from collections.abc import Sequence

import polars as pl

from model_refresh.features.categories import category_text
from model_refresh.features.columns import PlainFeature
from model_refresh.features.kinds import CategoryFeature, Dropped, MomentFeature
from model_refresh.records.encoding import Encoding


def find_dropped(
    rows: pl.DataFrame, features: Sequence[PlainFeature], encoding: Encoding
) -> tuple[Dropped, ...]:
    """Which columns `encoding` wants left out, in order; of duplicates the first one stays.

    Null counts as a value, NaN as null. A number and a boolean are compared as numbers, and never
    with a category. Without rows nothing is left out.
    """
    if rows.height == 0 or not (encoding.drop_constant or encoding.drop_duplicate):
        return ()
    kept: dict[str, list[PlainFeature]] = {}
    dropped = []
    for feature in features:
        values = _compared(rows, feature)
        if encoding.drop_constant and _is_constant(values):
            dropped.append(Dropped(name=feature.name, reason="constant"))
            continue
        if encoding.drop_duplicate:
            alike = kept.setdefault(_fingerprint(values), [])
            twin = next((f for f in alike if _is_equal(values, _compared(rows, f))), None)
            if twin is not None:
                dropped.append(Dropped(name=feature.name, reason="duplicate", of=twin.name))
                continue
            alike.append(feature)
    return tuple(dropped)


def _compared(rows: pl.DataFrame, feature: PlainFeature) -> pl.Series:
    """The column as it is told apart from others."""
    if isinstance(feature, CategoryFeature):
        value = category_text(feature)
    elif isinstance(feature, MomentFeature):
        value = pl.col(feature.name).cast(pl.Datetime("us"))
    else:
        value = pl.col(feature.name).cast(pl.Float64).fill_nan(None)
    return rows.select(value=value).to_series()


def _is_constant(values: pl.Series) -> bool:
    missing = values.null_count()
    return missing == len(values) or (missing == 0 and bool((values == values[0]).all()))


def _fingerprint(values: pl.Series) -> str:
    """The same for equal columns; nearly never for others."""
    numbers = values.hash(0).to_numpy()
    return f"{values.dtype} {hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest()}"


def _is_equal(values: pl.Series, other: pl.Series) -> bool:
    return values.equals(other, null_equal=True)
