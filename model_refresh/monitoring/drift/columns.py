"""Each feature's measures with their limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.config.operation import DriftLimits
from model_refresh.drift import (
    counted_stability,
    counted_wasserstein,
    jensen_shannon,
    new_share,
    unseen_share,
)
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.allowance import Asked, Measured, measured
from model_refresh.monitoring.drift.chance import (
    divergence_chance,
    share_chance,
    stability_chance,
    wasserstein_chance,
)
from model_refresh.monitoring.drift.reading import Sample
from model_refresh.monitoring.drift.tallies import Tally, beside
from model_refresh.records import ColumnDrift

_COLUMN_MEASURES = ("psi", "wasserstein", "jensen_shannon", "missing", "new_categories")


@dataclass(frozen=True)
class Ground:
    """What every feature is measured on.

    `rows` of the frames, the measured one last; `looks`: how many features are looked at together.
    """

    rows: Floats
    looks: int = 1

    @classmethod
    def of(cls, samples: Sequence[Sample], *, looks: int = 1) -> Self:
        """What these samples are, the measured one last."""
        rows = np.array([float(each.table.height) for each in samples])
        return cls(rows=rows, looks=looks)

    @property
    def sizes(self) -> Floats:
        """1/n + 1/m of each comparison; shape (comparisons,).

        Where frames have the same keys, as snapshots do, rows are not independent, and less than
        this is due to chance: what a customer is peculiar in is in either sample.
        """
        return _sizes(self.rows)


@dataclass(frozen=True)
class Told:
    """A column's record, and its stability index as squares of all comparisons, with chances."""

    column: ColumnDrift
    stability: Floats
    chances: Floats


def told_columns(
    tallies: list[Tally], weights: Mapping[str, float], ground: Ground, limits: DriftLimits
) -> list[Told]:
    """Every feature, the one that weighs most first."""
    told = [_told(each, weights.get(each.name, 0.0), ground, limits) for each in tallies]
    return sorted(told, key=lambda each: (-each.column.weight, each.column.column))


def weighted_stability(told: list[Told], limits: DriftLimits) -> Measured:
    """The mean stability index of all features, by weight."""
    weights = np.array([each.column.weight for each in told])
    values = weights @ np.array([each.stability for each in told])
    chances = weights @ np.array([each.chances for each in told])
    return measured(Asked("weighted", limits.weighted), values, chances)


def distance(tally: Tally, ground: Ground, asked: Asked) -> Measured | None:
    """Wasserstein's distance in standard deviations of the reference; None where it has none."""
    if tally.fine is None or tally.levels is None or len(tally.levels) < 2:
        return None
    reference, levels = tally.fine[:-1].sum(axis=0), tally.levels
    mean = float(reference @ levels / reference.sum())
    spread = float(np.sqrt(reference @ np.square(levels - mean) / reference.sum()))
    scaled = levels / spread
    values = _compared(lambda one, other: counted_wasserstein(one, other, scaled), tally.fine)
    known = _sizes(tally.fine.sum(axis=1))
    return measured(asked, values, wasserstein_chance(reference, scaled, known))


def _sizes(rows: Floats) -> Floats:
    """1/n + 1/m of each comparison of frames with so many rows, of which 0 count as 1."""
    reference, current = (np.maximum(each, 1.0) for each in beside(rows))
    return np.asarray(1 / reference + 1 / current)


def _told(tally: Tally, weight: float, ground: Ground, limits: DriftLimits) -> Told:
    stability, chances = _stability(tally, ground)
    looked = [
        measured(Asked("psi", limits.psi, looks=ground.looks), stability, chances),
        _divergence(tally, ground, limits.jensen_shannon),
        _missing(tally, ground, limits.missing),
    ]
    asked = Asked("wasserstein", limits.wasserstein, kind="distance", looks=ground.looks)
    if (moved := distance(tally, ground, asked)) is not None:
        looked.append(moved)
    if tally.categories is not None:
        looked.append(_new(tally.categories, ground, limits.new_categories))
    found = {each.name: each for each in looked}
    values = {name: _finite(each.value) for name, each in found.items() if name != "missing"}
    column = ColumnDrift(
        column=tally.name,
        weight=weight,
        missing_before=float(tally.missing[:-1].sum() / max(tally.rows[:-1].sum(), 1)),
        missing_now=float(tally.missing[-1] / max(tally.rows[-1], 1)),
        limits={name: each.limit for name, each in found.items() if each.limit is not None},
        breaches=tuple(
            name for name in _COLUMN_MEASURES if name in found and found[name].is_breach
        ),
        **values,
    )
    return Told(column, stability, chances)


def _stability(tally: Tally, ground: Ground) -> tuple[Floats, Floats]:
    values = _compared(counted_stability, tally.bins)
    return values, stability_chance(tally.bins.shape[1], ground.sizes)


def _divergence(tally: Tally, ground: Ground, limit: float | None) -> Measured:
    values = _compared(jensen_shannon, tally.bins)
    chances = divergence_chance(tally.bins.shape[1], ground.sizes)
    return measured(Asked("jensen_shannon", limit, looks=ground.looks), values, chances)


def _missing(tally: Tally, ground: Ground, limit: float | None) -> Measured:
    before, now = beside(tally.missing)
    rows_before, rows_now = beside(tally.rows)
    values = np.abs(now / rows_now - before / rows_before)
    known = (tally.missing[:-1].sum() + 0.5) / (tally.rows[:-1].sum() + 1)
    chances = share_chance(float(known), ground.sizes, sides=2)
    return measured(Asked("missing", limit, kind="distance", looks=ground.looks), values, chances)


def _new(categories: Floats, ground: Ground, limit: float | None) -> Measured:
    values = _compared(new_share, categories)
    unseen = unseen_share(categories[:-1].sum(axis=0))
    known = _sizes(categories.sum(axis=1))
    chances = (unseen + np.sqrt(share_chance(unseen, known))) ** 2
    return measured(
        Asked("new_categories", limit, kind="distance", looks=ground.looks), values, chances
    )


def _compared(measure: Callable[[Floats, Floats], Floats], counts: Floats) -> Floats:
    """The measure of every comparison; nan where a side has no row."""
    reference, current = beside(counts)
    told: NDArray[np.bool_] = (reference.sum(axis=-1) > 0) & (current.sum(axis=-1) > 0)
    values = np.full(len(current), np.nan)
    if told.any():
        values[told] = measure(reference[told], current[told])
    return values


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
