"""All features together: how well a classifier tells the measured frame from the reference."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.drift import separability
from model_refresh.features.categories import category_text
from model_refresh.features.columns import PlainFeature
from model_refresh.features.kinds import CategoryFeature
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.allowance import Asked, Measured, measured
from model_refresh.monitoring.drift.chance import area_chance
from model_refresh.monitoring.drift.reading import Sample
from model_refresh.monitoring.drift.tallies import numbers

_ROWS = 2_000
"""Of either side."""
_LEAST_ROWS = 60
"""Below, a classifier learns nothing that a fold could confirm."""
_CODES = 32
_OWN_FRAMES = 8
"""So many of the reference's frames are held against the others, where it comes to that."""


def told_apart(
    samples: Sequence[Sample],
    features: Sequence[PlainFeature],
    key: Sequence[str],
    *,
    limit: float | None,
) -> Measured | None:
    """The classifier's ROC AUC with its limit; None where it isn't asked or has too few rows.

    What the reference's frames differ by among themselves takes a classifier for each: that is
    only learned where the measured frame is told apart better than limit and chance allow.
    """
    rows = [each.table.height for each in samples]
    if limit is None or min(sum(rows[:-1]), rows[-1]) < _LEAST_ROWS or not features:
        return None
    matrix = _Matrix.of(samples, features, key)
    area, chance = matrix.area(len(samples) - 1)
    found = measured(Asked("classifier", limit, kind="area"), np.array([area]), np.array([chance]))
    if not found.is_breach or len(samples) < 3:
        return found
    own = [matrix.area(place) for place in _spread(len(samples) - 1)]
    values, chances = (np.array(each) for each in zip(*own, (area, chance), strict=True))
    return measured(Asked("classifier", limit, kind="area"), values, chances)


class _Matrix:
    """Some rows of every sample as numbers, with their key's group and their sample's place."""

    def __init__(
        self, values: Floats, groups: NDArray[np.intp], place: NDArray[np.intp], codes: list[int]
    ) -> None:
        self.values, self.groups, self.place, self.codes = values, groups, place, codes

    @classmethod
    def of(
        cls, samples: Sequence[Sample], features: Sequence[PlainFeature], key: Sequence[str]
    ) -> "_Matrix":
        """At most 2,000 rows of a sample, drawn by a seed."""
        kept = [Sample(each.as_of, each.rows, _drawn(each.table)) for each in samples]
        columns = [_column(feature, kept) for feature in features]
        return cls(
            np.column_stack(columns),
            _groups(pl.concat([each.table.select(key) for each in kept], how="vertical_relaxed")),
            np.repeat(np.arange(len(kept)), [each.table.height for each in kept]),
            [i for i, feature in enumerate(features) if isinstance(feature, CategoryFeature)],
        )

    def area(self, place: int) -> tuple[float, float]:
        """A sample told from all of the reference's others, and what chance allows as a square."""
        last = int(self.place.max())
        one = np.flatnonzero(self.place == place)
        others = np.flatnonzero((self.place != place) & (self.place != last))
        if len(others) > _ROWS:
            others = np.sort(np.random.default_rng(0).choice(others, _ROWS, replace=False))
        rows = np.concatenate([others, one])
        is_one = (self.place[rows] == place).astype(np.float64)
        groups = np.unique(self.groups[rows], return_inverse=True)[1]
        area = separability(self.values[rows], is_one, groups, codes=self.codes)
        return area, area_chance(len(others), len(one))


def _drawn(table: pl.DataFrame) -> pl.DataFrame:
    if table.height <= _ROWS:
        return table
    rows = np.random.default_rng(0).choice(table.height, _ROWS, replace=False)
    return table[np.sort(rows)]


def _column(feature: PlainFeature, samples: Sequence[Sample]) -> Floats:
    """A feature of all samples, one after the other; of a category its place by frequency."""
    if not isinstance(feature, CategoryFeature):
        return np.concatenate([numbers(feature, each) for each in samples])
    texts = pl.concat(
        each.table.select(value=category_text(feature).cast(pl.String)) for each in samples
    )
    counts = texts.drop_nulls().group_by("value").len()
    order = counts.sort(["len", "value"], descending=[True, False]).with_row_index("code")
    codes = texts.join(order, on="value", how="left", maintain_order="left")["code"]
    capped = codes.cast(pl.Float64).clip(upper_bound=_CODES).fill_null(float("nan"))
    return capped.to_numpy()


def _groups(keys: pl.DataFrame) -> NDArray[np.intp]:
    """The number of each row's key, by its first row."""
    first = keys.unique(maintain_order=True).with_row_index("__group__")
    joined = keys.join(first, on=keys.columns, how="left", maintain_order="left", nulls_equal=True)
    return joined["__group__"].to_numpy().astype(np.intp)


def _spread(frames: int) -> list[int]:
    """At most eight of so many places, evenly spread."""
    if frames <= _OWN_FRAMES:
        return list(range(frames))
    return sorted({int(place) for place in np.linspace(0, frames - 1, _OWN_FRAMES)})
