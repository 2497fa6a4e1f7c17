"""Worlds in which nothing drifts, however much their frames differ, and shifts to plant in them.

A world draws frames of the same law: eight that a champion learns from, and later ones. `x0` to `x5`
are what it leans on, `region` is a category, `filled` has missing values; `constant` and `empty`
are what such columns are.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.config.operation import DriftLimits
from model_refresh.features.columns import PlainFeature
from model_refresh.features.kinds import CategoryFeature, NumberFeature
from model_refresh.monitoring.drift.columns import Ground
from model_refresh.monitoring.drift.judging import checks_of
from model_refresh.monitoring.drift.measuring import Subject, measure
from model_refresh.monitoring.drift.reading import Sample
from model_refresh.monitoring.drift.scores import scored_apart

Floats = NDArray[np.float64]
Transform = Callable[[Floats], Floats]

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
REFERENCE = 8
OLDER, BETWEEN = 5, 3
"""Frames that a champion has not learned from: before its own, and since."""
GAP = 4
NUMBERS = tuple(f"x{i}" for i in range(6))
WEIGHTS = dict.fromkeys(NUMBERS, 0.12) | {"region": 0.14, "filled": 0.14}
FEATURES: tuple[PlainFeature, ...] = (
    *(
        NumberFeature(name=name, type="number")
        for name in (*NUMBERS, "filled", "constant", "empty")
    ),
    CategoryFeature(name="region", type="text", values=()),
)


@dataclass(frozen=True)
class World:
    """How frames come about; `effect` is the standard deviation of what a frame's rows share.

    `repeats`: the same customers in every frame, who change slowly, one in fifty of them replaced
    each week. `days` is the deviation of what rows of one day share, `weekday` that of weekdays,
    which come back: a frame is a week of days, or with `daily` a single one. `tail` makes the
    numbers' tails heavy; `regions` is how many there are, the first the most frequent by far. `hides`
    are shifts that its frames' own differences come near to: four times their deviation or less.
    """

    name: str
    rows: int
    repeats: bool = False
    effect: float = 0.0
    days: float = 0.0
    weekday: float = 0.0
    daily: bool = False
    tail: Transform = field(default=lambda values: values)
    regions: int = 8
    reference: int = REFERENCE
    hides: tuple[str, ...] = ()

    def frames(self, count: int, seed: int) -> list[Sample]:
        """The first frames of the world, one after the other."""
        rng = np.random.default_rng([seed, self.rows])
        people = self._people(rng, self.rows)
        pattern = rng.normal(size=(7, len(NUMBERS))) * self.weekday
        found = []
        for number in range(count):
            if self.repeats:
                people = self._a_week_later(rng, people)
            else:
                people = self._people(rng, self.rows)
            table = self._table(rng, people, pattern, number)
            step = dt.timedelta(days=number if self.daily else 7 * number)
            found.append(Sample(START + step, table.height, table))
        return found

    def _people(self, rng: np.random.Generator, rows: int) -> dict[str, NDArray[np.generic]]:
        numbers = rng.normal(size=(rows, len(NUMBERS)))
        numbers[:, 5] = 0.7 * numbers[:, 4] + np.sqrt(1 - 0.49) * numbers[:, 5]
        place = np.minimum(rng.zipf(1.5, rows), self.regions)
        return {
            "key": rng.integers(0, 2**62, rows),
            "numbers": numbers,
            "filled": np.where(rng.random(rows) < 0.1, np.nan, rng.exponential(size=rows)),
            "region": place,
        }

    def _a_week_later(
        self, rng: np.random.Generator, people: dict[str, NDArray[np.generic]]
    ) -> dict[str, NDArray[np.generic]]:
        """The same customers, their numbers a little further; some are new."""
        fresh = self._people(rng, self.rows)
        moved = 0.95 * np.asarray(people["numbers"], dtype=np.float64) + np.sqrt(
            1 - 0.95**2
        ) * np.asarray(fresh["numbers"], dtype=np.float64)
        kept = rng.random(self.rows) >= 0.02
        later = {**people, "numbers": moved}
        return {
            name: np.where(kept[:, None] if each.ndim == 2 else kept, each, fresh[name])
            for name, each in later.items()
        }

    def _table(
        self,
        rng: np.random.Generator,
        people: dict[str, NDArray[np.generic]],
        pattern: Floats,
        number: int,
    ) -> pl.DataFrame:
        day = np.full(self.rows, number % 7) if self.daily else rng.integers(0, 7, self.rows)
        shared = rng.normal(size=(7, len(NUMBERS))) * self.days
        shared = shared + pattern + rng.normal(size=len(NUMBERS)) * self.effect
        numbers = self.tail(np.asarray(people["numbers"], dtype=np.float64) + shared[day])
        return pl.DataFrame(
            {
                "key": people["key"],
                **{name: numbers[:, i] for i, name in enumerate(NUMBERS)},
                "filled": people["filled"],
                "region": [f"r{each}" for each in people["region"].tolist()],
                "constant": np.full(self.rows, 3.0),
                "empty": pl.Series([None] * self.rows, dtype=pl.Float64),
            }
        )


MOVED = ("scores moved",)
HIDDEN = ("mean shift of half a deviation", "correlation turned", *MOVED)
WORLDS = (
    World("customers, 300 rows", 300, repeats=True),
    World("customers, 10,000 rows", 10_000, repeats=True),
    World("independent, 300 rows", 300),
    World("independent, 10,000 rows", 10_000),
    World("frame effects, 300 rows", 300, effect=0.05, hides=MOVED),
    World("frame effects, 10,000 rows", 10_000, effect=0.05, hides=MOVED),
    World("strong frame effects, 3,000 rows", 3_000, effect=0.5, hides=HIDDEN),
    World("events with weather, 3,000 rows", 3_000, days=0.15, weekday=0.3, hides=MOVED),
    World(
        "daily with weekdays, 1,000 rows",
        1_000,
        days=0.1,
        weekday=0.3,
        daily=True,
        reference=14,
        hides=HIDDEN,
    ),
    World("heavy tails, 300 rows", 300, tail=lambda z: np.exp(2 * z)),
    World("heavy tails, 3,000 rows", 3_000, tail=lambda z: np.sign(z) * np.expm1(1.5 * np.abs(z))),
    World("rare categories, 2,000 rows", 2_000, regions=100_000),
)


@dataclass(frozen=True)
class Stage:
    """A world's reference with later frames: what is measured against what."""

    world: World
    reference: list[Sample]
    unlearned: list[Sample]
    later: list[Sample]

    @classmethod
    def of(cls, world: World, seed: int, *, later: int = 4) -> "Stage":
        """Later frames lie from the gap on, three frames apart."""
        end = OLDER + world.reference
        frames = world.frames(end + GAP + 3 * later, seed)
        unlearned = [*frames[:OLDER], *frames[end : end + BETWEEN]]
        places = [end + GAP - 1 + 3 * i for i in range(later)]
        return cls(world, frames[OLDER:end], unlearned, [frames[i] for i in places])

    def alarms(
        self, frame: Sample, limits: DriftLimits, weights: dict[str, float] | None = None
    ) -> list[str]:
        """The names of the checks that fail."""
        known = WEIGHTS if weights is None else weights
        subject = Subject(FEATURES, ("key",), known)
        found = measure([*self.reference, frame], subject, limits)
        scored = [*self.unlearned, frame]
        of_scores = [self.score(each) for each in scored]
        scores = scored_apart(of_scores, Ground.of(scored), limits)
        checks = (*found.checks, *checks_of(scores))
        return [check.name for check in checks if check.outcome == "failed"]

    def score(self, frame: Sample) -> Floats:
        """What a champion makes of a frame: the mean of what it leans on, by rank of the reference."""
        parts = []
        for name in NUMBERS:
            known = np.sort(
                np.concatenate([each.table[name].to_numpy() for each in self.reference])
            )
            place = np.searchsorted(known, frame.table[name].fill_null(known[len(known) // 2]))
            parts.append(place / len(known))
        return np.asarray(np.mean(parts, axis=0))


def spread(stage: Stage, name: str) -> float:
    """The standard deviation of a column over the reference."""
    return float(np.concatenate([each.table[name].to_numpy() for each in stage.reference]).std())


def mean_shift(stage: Stage, frame: Sample) -> Sample:
    """x0 is half a standard deviation higher."""
    return _with(frame, x0=frame.table["x0"] + 0.5 * spread(stage, "x0"))


def new_category(stage: Stage, frame: Sample) -> Sample:
    """A tenth of the rows has a region that was never there."""
    del stage
    rng = np.random.default_rng(frame.rows)
    is_new = pl.Series(rng.random(frame.table.height) < 0.1)
    return _with(frame, region=_chosen(is_new, frame.table["region"]))


def missing_values(stage: Stage, frame: Sample) -> Sample:
    """20 more of 100 rows lack x1."""
    del stage
    rng = np.random.default_rng(frame.rows + 1)
    gone = pl.Series(rng.random(frame.table.height) < 0.2)
    return _with(frame, x1=frame.table["x1"].set(gone, None))


def other_correlation(stage: Stage, frame: Sample) -> Sample:
    """x4 and x5 go against each other, which went together by 0.7; each by itself is as before."""
    del stage
    order = np.argsort(frame.table["x4"].to_numpy())
    turned = np.empty(len(order), dtype=np.intp)
    turned[order] = order[::-1]
    return _with(frame, x4=frame.table["x4"][turned])


def many_small_shifts(stage: Stage, frame: Sample) -> Sample:
    """All six numbers are a fifth of a standard deviation higher: the scores by about half of theirs."""
    moved = {name: frame.table[name] + 0.2 * spread(stage, name) for name in NUMBERS}
    return _with(frame, **moved)


PLANTED: dict[str, Callable[[Stage, Sample], Sample]] = {
    "mean shift of half a deviation": mean_shift,
    "new category on a tenth": new_category,
    "20 points more missing": missing_values,
    "correlation turned": other_correlation,
    "scores moved": many_small_shifts,
}


def _chosen(where: pl.Series, otherwise: pl.Series) -> pl.Series:
    table = pl.DataFrame({"where": where, "otherwise": otherwise})
    return table.select(pl.when("where").then(pl.lit("new")).otherwise("otherwise").alias("r"))["r"]


def _with(frame: Sample, **columns: pl.Series) -> Sample:
    changed = frame.table.with_columns(each.alias(name) for name, each in columns.items())
    return Sample(frame.as_of, frame.rows, changed)
