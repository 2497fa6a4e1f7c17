"""A business whose models are refreshed, for trial batches with and without planted faults.

Each frame has the same customers, whose features persist in part and drift slowly, as the law
behind their labels does. An old model was fitted one refresh before the new one; either has a trial
twin, judged on the holdout, and a final one, which scores the current frame. All are real fits.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms import LightGBM, Linear
from model_refresh.algorithms.protocol import Fitted, Parameters, Rows
from model_refresh.features import Matrix
from model_refresh.records import Task

Floats = NDArray[np.float64]

NAMES = ("visits", "spend", "heat", "hour", "joined", "plan", "idle", "recency")
KINDS = (0, 0, 0, 0, 0, 6, 0, 0)
VISITS, SPEND, HEAT, HOUR, JOINED, PLAN, IDLE, RECENCY = range(8)
CLASSES = 3
HOLDOUT, CURRENT = 5, 6
_WINDOW = 2
_ROUNDS = 40


@dataclass(frozen=True)
class World:
    """A task, how it is learned, how many customers there are, and what drifts.

    `algorithm_before` is the old model's; `level` moves the labels' level over the frames, `pace`
    is how fast the law changes, `fewer` 2 leaves every other customer in the
    current frame, `idle` is the share of customers of whom nothing is known: they all
    have one score.
    """

    task: Task
    algorithm: str
    rows: int
    seed: int
    algorithm_before: str = ""
    level: float = 0.0
    pace: float = 0.05
    base: float = -0.7
    idle: float = 0.0
    fewer: int = 1
    drift: "Drift" = field(default_factory=lambda: Drift())

    def frame(self, at: int) -> Floats:
        """The features of a frame, shape (rows, 8); the current one has drifted as it was told."""
        values = self._frames[at]
        return values[:: self.fewer] if at == CURRENT else values

    @cached_property
    def _frames(self) -> list[Floats]:
        rng = np.random.default_rng(self.seed)
        trait = rng.normal(size=(self.rows, 8))
        plan = rng.integers(0, 6, self.rows).astype(np.float64)
        frames = []
        for at in range(CURRENT + 1):
            passing = rng.normal(size=(self.rows, 8))
            values = _features(np.sqrt(0.6) * trait + np.sqrt(0.4) * passing, plan, rng)
            values[: int(self.idle * self.rows)] = (-1.0, 10.0, 15.0, 0.0, np.nan, 0, 0.0, 30.0)
            frames.append(self.drift.of(values, rng) if at == CURRENT else values)
        return frames

    def target(self, at: int) -> Floats:
        """The labels of a frame: 0 and 1, a value, or the place of one of three classes."""
        rng = np.random.default_rng(self.seed * 1000 + at)
        forms = self._forms(self.frame(at), at)
        if self.task == "regression":
            noise = rng.normal(size=self.rows)
            level = forms[:, 0] + self.level * at / CURRENT
            return np.asarray(50.0 + 10.0 * level + 8.0 * noise)
        if self.task == "multiclass":
            forms[:, 0] += self.level * at / CURRENT
            chosen = (forms + rng.gumbel(size=forms.shape)).argmax(axis=1)
            return np.asarray(chosen, dtype=np.float64)
        chance = 1 / (1 + np.exp(-(self.base + forms[:, 0] + self.level * at / CURRENT)))
        return (rng.random(self.rows) < chance).astype(np.float64)

    def _forms(self, values: Floats, at: int) -> Floats:
        rng = np.random.default_rng(self.seed + 77)
        weights = rng.normal(size=(8, CLASSES)) * 0.7
        plans = rng.normal(size=(6, CLASSES)) * 0.8
        moved = weights + self.pace * at * rng.normal(size=weights.shape)
        joined = np.where(np.isnan(values[:, JOINED]), -1.0, values[:, JOINED])
        hour = np.cos(2 * np.pi * (values[:, HOUR] - 14) / 24)
        terms = np.column_stack(
            [
                values[:, VISITS],
                (np.log(values[:, SPEND]) - 3.0) / 0.8,
                (values[:, HEAT] - 15) / 8,
                1.4 * hour,
                joined,
                np.log1p(values[:, RECENCY]) - 2.0,
            ]
        )
        return np.asarray(terms @ moved[[0, 1, 2, 3, 4, 7]] + plans[values[:, PLAN].astype(int)])

    def fit(
        self, frames: range, *, algorithm: str, upset: int = 0, rounds: int = _ROUNDS
    ) -> Fitted:
        """A model of some frames; `upset` not 0 gives labels of another meaning."""
        table = np.concatenate([self.frame(at) for at in frames])
        target = np.concatenate([self.target(at) for at in frames])
        if upset:
            target = np.random.default_rng(upset).permutation(target)
        count = CLASSES if self.task == "multiclass" else 0
        made = Linear() if algorithm == "linear" else LightGBM(rounds=rounds)
        used: Parameters = {} if algorithm == "linear" else {"rounds": rounds, "num_leaves": 15}
        rows = Rows(Matrix(table, NAMES, KINDS), target, count)
        return made.fit(rows, task=self.task, parameters=used, seed=self.seed, early=None).fitted

    @cached_property
    def old(self) -> tuple[Fitted, Fitted]:
        """The incumbent's trial and final twin."""
        algorithm = self.algorithm_before or self.algorithm
        first = HOLDOUT - 2 - _WINDOW
        trial = self.fit(range(first, HOLDOUT - 2), algorithm=algorithm)
        return trial, self.fit(range(first + 1, HOLDOUT - 1), algorithm=algorithm)

    @cached_property
    def new(self) -> tuple[Fitted, Fitted]:
        """The challenger's trial and final twin."""
        first = HOLDOUT - _WINDOW
        trial = self.fit(range(first, HOLDOUT), algorithm=self.algorithm)
        return trial, self.fit(range(first + 1, HOLDOUT + 1), algorithm=self.algorithm)


@dataclass(frozen=True)
class Drift:
    """What becomes of everybody's features in the current frame: harmless to any one model."""

    shift: float = 0.0
    scale: float = 1.0
    plans: bool = False
    nulls: float = 0.0

    def of(self, values: Floats, rng: np.random.Generator) -> Floats:
        moved = values.copy()
        moved[:, VISITS] = moved[:, VISITS] * self.scale + self.shift
        moved[:, SPEND] *= np.exp(0.8 * self.shift)
        moved[:, HEAT] += 8 * self.shift
        if self.plans:
            flips = rng.random(len(moved)) < 0.5
            moved[flips, PLAN] = np.minimum(moved[flips, PLAN], 1)
        moved[rng.random(len(moved)) < self.nulls, JOINED] = np.nan
        return moved


def scored(model: Fitted, values: Floats) -> Floats:
    """What a model makes of rows; shape (rows,) or (rows, classes)."""
    return model.predict(Matrix(values, NAMES, KINDS))


def _features(values: Floats, plan: Floats, rng: np.random.Generator) -> Floats:
    table = values.copy()
    table[:, SPEND] = np.exp(3.0 + 0.8 * values[:, SPEND])
    table[:, HEAT] = 15 + 8 * values[:, HEAT]
    table[:, HOUR] = np.floor(24 * (0.5 + np.arctan(values[:, HOUR]) / np.pi)) % 24
    table[:, RECENCY] = np.exp(2.0 + values[:, RECENCY])
    table[:, PLAN] = plan
    table[rng.random(len(table)) < 0.1, JOINED] = np.nan
    return table
