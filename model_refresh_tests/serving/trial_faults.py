"""What can go wrong on a challenger's way to its scores, planted in a world of trial_worlds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from model_refresh.algorithms.protocol import Fitted
from model_refresh.config.production import ShiftLimits
from model_refresh.serving.trial.judgement import judge_trial
from model_refresh.serving.trial.pairing import Batches, Ground
from model_refresh_tests.serving.trial_worlds import (
    CLASSES,
    CURRENT,
    HEAT,
    HOLDOUT,
    HOUR,
    JOINED,
    PLAN,
    RECENCY,
    SPEND,
    VISITS,
    Drift,
    Floats,
    World,
    scored,
)

Of = Callable[[World, np.random.Generator], Floats]
"""A fault: the challenger's scores of the current frame, as they come out with it."""

MATERIAL = 0.3
"""A fault counts where it moves scores by this share of their standard deviation on average..."""

BEYOND = 1.25
"""... and by this many times what the new model, without it, differs from the old one."""


def ground_of(world: World) -> Ground:
    held = world.frame(HOLDOUT)
    return Ground(
        world.target(HOLDOUT),
        scored(world.old[0], held),
        scored(world.new[0], held),
        scored(world.old[0], world.frame(CURRENT)),
    )


def columns_of(world: World) -> tuple[str, ...]:
    many = world.task == "multiclass"
    return tuple(f"score_{k}" for k in range(CLASSES)) if many else ("score",)


def table(world: World, scores: Floats) -> pl.DataFrame:
    columns = scores.reshape(len(scores), -1).T
    named = dict(zip(columns_of(world), columns, strict=True))
    return pl.DataFrame({"id": np.arange(len(scores)), **named})


def batches(world: World, challenger: pl.DataFrame) -> Batches:
    old = scored(world.old[1], world.frame(CURRENT))
    return Batches(world.task, ("id",), columns_of(world), challenger, table(world, old))


def right(world: World) -> Floats:
    return scored(world.new[1], world.frame(CURRENT))


def moved_by(before: Floats, after: Floats) -> float:
    """Mean absolute change in standard deviations of the right scores; the most of the classes.

    Infinite where there are no such scores any more.
    """
    if before.shape != after.shape or not np.isfinite(after).all():
        return np.inf
    change = np.abs(after - before).mean(axis=0) / before.std(axis=0)
    return float(np.max(change))


def _column(place: int, change: Callable[[Floats], Floats]) -> Of:
    def fault(world: World, rng: np.random.Generator) -> Floats:
        values = world.frame(CURRENT).copy()
        values[:, place] = change(values[:, place])
        return scored(world.new[1], values)

    return fault


def _model(change: Callable[[World], Fitted]) -> Of:
    return lambda world, rng: scored(change(world), world.frame(CURRENT))


def _scores(change: Callable[[World, Floats], Floats]) -> Of:
    return lambda world, rng: change(world, right(world))


def _swapped(world: World, scores: Floats) -> Floats:
    if world.task == "binary":
        return 1 - scores
    if world.task == "multiclass":
        return np.ascontiguousarray(scores[:, [1, 0, 2]])
    return np.asarray(2 * world.target(HOLDOUT).mean() - scores)


def _other_link(world: World, scores: Floats) -> Floats:
    if world.task == "regression":
        return np.asarray(np.exp(scores / 50))
    return np.asarray(np.log(scores / (1 - scores)))


def _other_calibrator(world: World, scores: Floats) -> Floats:
    if world.task == "regression":
        return 0.5 * scores + 10.0
    odds = np.log(scores / (1 - scores)) * 0.5 - 1.0
    bent = 1 / (1 + np.exp(-odds))
    return np.asarray(bent if scores.ndim == 1 else bent / bent.sum(axis=1, keepdims=True))


def _stale(frames: int) -> Of:
    return lambda world, rng: scored(world.new[1], world.frame(CURRENT - frames))


def _shuffled(world: World, rng: np.random.Generator) -> Floats:
    return right(world)[rng.permutation(world.rows)]


def _partly_null(world: World, rng: np.random.Generator) -> Floats:
    values = world.frame(CURRENT).copy()
    lost = rng.random(world.rows) < 0.5
    for place in (VISITS, SPEND, JOINED):
        values[lost, place] = np.nan
    return scored(world.new[1], values)


def _swapped_columns(world: World, rng: np.random.Generator) -> Floats:
    values = world.frame(CURRENT).copy()
    values[:, [VISITS, JOINED]] = values[:, [JOINED, VISITS]]
    return scored(world.new[1], values)


def _truncated(world: World) -> Fitted:
    """Trees of which only the first five rounds were written."""
    return world.fit(range(HOLDOUT - 1, HOLDOUT + 1), algorithm="lightgbm", rounds=5)


FAULTS: dict[str, Of] = {
    "scaled: spend in cents": _column(SPEND, lambda x: x * 100),
    "scaled: visits x 10": _column(VISITS, lambda x: x * 10),
    "scaled: recency in hours": _column(RECENCY, lambda x: x * 24),
    "unit: Fahrenheit for Celsius": _column(HEAT, lambda x: x * 1.8 + 32),
    "unit: zero for missing spend": _column(SPEND, lambda x: x * 0.0),
    "dropped join: column null": _column(JOINED, lambda x: x * np.nan),
    "dropped join: visits null": _column(VISITS, lambda x: x * np.nan),
    "partial join: three columns null in half": _partly_null,
    "wrong encoder: codes reversed": _column(PLAN, lambda x: 5 - x),
    "wrong encoder: codes moved by one": _column(PLAN, lambda x: (x + 1) % 6),
    "wrong encoder: all unknown": _column(PLAN, lambda x: x * np.nan),
    "sign: visits": _column(VISITS, lambda x: -x),
    "sign: joined": _column(JOINED, lambda x: -x),
    "zone: hour 8 later": _column(HOUR, lambda x: (x + 8) % 24),
    "zone: hour 12 later": _column(HOUR, lambda x: (x + 12) % 24),
    "columns swapped": _swapped_columns,
    "stale frame": _stale(1),
    "frame of long ago": _stale(4),
    "shuffled rows": _shuffled,
    "swapped classes": _scores(_swapped),
    "wrong link": _scores(_other_link),
    "wrong calibrator": _scores(_other_calibrator),
    "constant scores": _scores(lambda world, s: np.broadcast_to(s.mean(axis=0), s.shape).copy()),
    "rounded scores": _scores(lambda world, s: np.round(s) if s.max() <= 1 else np.round(s, -1)),
    "truncated model": _model(_truncated),
    "another model's artifact": _model(
        lambda w: w.fit(range(HOLDOUT - 1, HOLDOUT + 1), algorithm=w.algorithm, upset=9)
    ),
    "scores that are NaN": _scores(lambda world, s: np.where(np.arange(len(s)) < 3, np.nan, s.T).T),
}
"""By name; three more are planted in the keys, see KEY_FAULTS."""

KEY_FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "truncated keys": lambda table: table.head(int(table.height * 0.98)),
    "repeated keys": lambda table: pl.concat([table, table.head(3)]),
    "other keys": lambda table: table.with_columns(pl.col("id") + 1),
}


@dataclass(frozen=True)
class Planted:
    """A fault in a world: how far it moves scores, and the trial batch that comes of it.

    `honest` is how far the new model's right scores are from the old model's, in the same unit.
    """

    kind: str
    size: float
    honest: float
    batches: Batches

    @property
    def is_material(self) -> bool:
        """Whether it counts: a smaller one can't be told from an honest refit."""
        return self.size >= max(MATERIAL, BEYOND * self.honest)


def plant(world: World, *, seed: int) -> list[Planted]:
    """Every fault, one at a time."""
    good, found = right(world), []
    honest = moved_by(good, scored(world.old[1], world.frame(CURRENT)))
    for kind, fault in FAULTS.items():
        bad = fault(world, np.random.default_rng(seed))
        found.append(Planted(kind, moved_by(good, bad), honest, batches(world, table(world, bad))))
    for kind, cut in KEY_FAULTS.items():
        found.append(Planted(kind, np.inf, honest, batches(world, cut(table(world, good)))))
    return found


HARMLESS: dict[str, Callable[[World], World]] = {
    "a normal refit": lambda world: world,
    "features rise": lambda world: replace(world, drift=Drift(shift=0.5)),
    "features fall": lambda world: replace(world, drift=Drift(shift=-0.5)),
    "features spread": lambda world: replace(world, drift=Drift(scale=1.5)),
    "another mix of plans": lambda world: replace(world, drift=Drift(plans=True)),
    "more nulls": lambda world: replace(world, drift=Drift(nulls=0.3)),
    "the level rises": lambda world: replace(world, level=0.8),
    "the level falls": lambda world: replace(world, level=-0.8),
    "the law changes faster": lambda world: replace(world, pace=0.12),
    "level and features move": lambda world: replace(world, level=0.5, drift=Drift(shift=0.4)),
    "a rare class": lambda world: replace(world, base=-2.5),
    "many alike": lambda world: replace(world, idle=0.2),
    "another algorithm": lambda world: replace(
        world, algorithm_before="linear" if world.algorithm == "lightgbm" else "lightgbm"
    ),
    "half the rows": lambda world: replace(world, fewer=2),
}
"""What happens to any business, and to old and new model alike."""


def tiers_of(world: World) -> tuple[float, ...]:
    return {"binary": (0.3, 0.6), "regression": (45.0, 55.0), "multiclass": ()}[world.task]


def failures(world: World, tried: Batches, ground: Ground) -> list[str]:
    """The checks that block it, by the limits that are declared by default."""
    judged = judge_trial(tried, ground, ShiftLimits(), tiers=tiers_of(world))
    return [check.name for check in judged.checks if check.outcome == "failed"]
