"""Simulated worlds: a champion, the one before it, a holdout that promised, and frames since.

Predictions are those of regressions whose coefficients err as a fit on `learned` rows would. All is
drawn in NumPy, so that a hundred cases take seconds; what judges them is the real thing.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_refresh.gates import Margin
from model_refresh.metrics import Holdout, Predicted, compare_metrics, metric
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.performance.judgement import Judgement, judge_batch
from model_refresh.monitoring.performance.looks import spent
from model_refresh.monitoring.performance.promise import Promise
from model_refresh.monitoring.performance.sides import Side, Terms

Fault = Literal["none", "leaked", "shuffled", "inverted", "lost"]

KNOWN = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
CONFIDENCE = 0.95
TOLERANCE = 0.25
MARGIN = Margin.of("1%")


@dataclass(frozen=True)
class World:
    """What a case is drawn from.

    `weights` are the true coefficients; `base` the log odds of 1, or the mean; `moves` is added to
    it in every frame since the promise; `wobble` the spread of the coefficients from frame to
    frame. Rows of one of `days` share an error of size `shared`; without days each is its own.
    """

    name: str
    rows: int
    task: Literal["binary", "regression"] = "binary"
    weights: tuple[float, ...] = (1.2, 0.8, -0.6, 0.4)
    base: float = -1.0
    moves: float = 0.0
    wobble: float = 0.0
    days: int | None = None
    shared: float = 0.0
    learned: int | None = None
    noise: float = 1.5
    terms: Terms = field(init=False)

    def __post_init__(self) -> None:
        loss = metric("log_loss" if self.task == "binary" else "rmse")
        terms = Terms(metric=loss, loss=loss, margin=MARGIN, tolerance=TOLERANCE)
        object.__setattr__(self, "terms", terms)


@dataclass(frozen=True)
class Fitted:
    """Coefficients, the first of the intercept; the last of a column that may leak the label."""

    weights: Floats
    scrambled: bool = False


@dataclass(frozen=True)
class Frame:
    """Rows with their truth."""

    columns: Floats
    holdout: Holdout
    order: NDArray[np.intp]


def lives(world: World, fault: Fault, *, seed: int, looks: int) -> Iterator[Judgement]:
    """The judgements of each frame of one champion's life, in order.

    One with a leak came by its gate, as the holdout leaks too; those that were fitted on shuffled
    labels, with the strongest feature inverted or lost were put in by hand, and nothing was
    promised of them; good ones had to pass the gates.
    """
    rng = np.random.default_rng(seed)
    former, champion, promise = _succession(world, fault, rng)
    for look in range(1, looks + 1):
        frame = _frame(world, rng, moves=world.moves, leaks=False)
        yield _judged(world, frame, former, champion, promise=promise, look=look)


def is_undone(judgement: Judgement) -> bool:
    """Whether `on_decay: rollback` takes the champion back."""
    failed = any(check.outcome == "failed" for check in judgement.checks)
    former = next(each for each in judgement.graded if each.role == "former")
    gain = former.gain_over_champion
    return failed and gain is not None and gain.lower > 0.0


def _succession(
    world: World, fault: Fault, rng: np.random.Generator
) -> tuple[Fitted, Fitted, Promise | None]:
    """The one before, the champion, and what was promised of it."""
    former = _fit(world, rng, fault="none")
    while True:
        champion = _fit(world, rng, fault=fault)
        if fault in ("shuffled", "inverted", "lost"):
            return former, champion, None
        frame = _frame(world, rng, moves=0.0, leaks=True)
        sides = [Predicted(_predict(world, each, frame), KNOWN) for each in (champion, former)]
        loss = world.terms.loss
        compared = compare_metrics(
            [loss],
            frame.holdout,
            challenger=sides[0],
            constant=_constant(world, frame),
            incumbent=sides[1],
            confidence=CONFIDENCE,
        )[loss.name]
        over, beside = compared.gain_over_constant, compared.gain_over_incumbent
        assert over is not None
        assert beside is not None
        assert compared.constant is not None
        if over.lower > 0.0 and beside.lower >= -MARGIN.amount(compared.constant):
            return former, champion, Promise("0" * 64, {loss.name: compared})


def _judged(
    world: World,
    frame: Frame,
    former: Fitted,
    champion: Fitted,
    *,
    promise: Promise | None,
    look: int,
) -> Judgement:
    sides = [
        Side("champion", "new", Predicted(_predict(world, champion, frame), KNOWN)),
        Side("former", "old", Predicted(_predict(world, former, frame), KNOWN)),
        Side("constant", None, _constant(world, frame)),
    ]
    terms = Terms(
        metric=world.terms.metric,
        loss=world.terms.loss,
        margin=MARGIN,
        tolerance=TOLERANCE,
        allowed=spent(CONFIDENCE, look),
    )
    return judge_batch(frame.holdout, sides, promise=promise, terms=terms)


def _fit(world: World, rng: np.random.Generator, *, fault: Fault) -> Fitted:
    """The true coefficients, off by what a fit on so many rows is off by."""
    learned = world.learned or 8 * world.rows
    size = 2.3 if world.task == "binary" else world.noise
    true = np.array([world.base, *world.weights, 0.0])
    weights = true + rng.normal(0.0, size / np.sqrt(learned), len(true))
    weights[-1] = (3.0 if world.task == "binary" else world.noise) if fault == "leaked" else 0.0
    if fault == "leaked":
        weights[1:-1] *= 0.5  # what leaks crowds out what is true
    if fault == "inverted":
        weights[1] *= -1.0
    if fault == "lost":
        weights[1] = 0.0
    return Fitted(weights, scrambled=fault == "shuffled")


def _frame(world: World, rng: np.random.Generator, *, moves: float, leaks: bool) -> Frame:
    features = rng.normal(size=(world.rows, len(world.weights)))
    day = np.arange(world.rows) % world.days if world.days else np.arange(world.rows)
    together = rng.normal(0.0, world.shared, world.rows)[day] if world.days else 0.0
    weights = np.array(world.weights) + rng.normal(0.0, world.wobble, len(world.weights))
    level = world.base + moves + features @ weights + together
    if world.task == "binary":
        target = (rng.random(world.rows) < _chance(level)).astype(np.float64)
        leak = target - target.mean()
    else:
        target = level + rng.normal(0.0, world.noise, world.rows)
        leak = (target - level) / world.noise
    if not leaks:
        leak = rng.permutation(leak)
    columns = np.column_stack([np.ones(world.rows), features, leak])
    as_of = np.full(world.rows, np.datetime64("2024-06-01", "us"))
    return Frame(columns, Holdout(target, day.astype(np.int64), as_of), rng.permutation(world.rows))


def _predict(world: World, fitted: Fitted, frame: Frame) -> Floats:
    level = frame.columns @ fitted.weights
    if fitted.scrambled:
        level = level[frame.order]
    return _chance(level) if world.task == "binary" else level


def _constant(world: World, frame: Frame) -> Predicted:
    """The mean of labels before the move: what is known when the frame is scored."""
    mean = _mean(world.task, world.base, world.weights)
    return Predicted(np.full(len(frame.holdout.target), mean), KNOWN)


@cache
def _mean(task: str, base: float, weights: tuple[float, ...]) -> float:
    rows = np.random.default_rng(0).normal(size=(20_000, len(weights)))
    level = base + rows @ np.array(weights)
    return float((_chance(level) if task == "binary" else level).mean())


def _chance(level: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-level)))
