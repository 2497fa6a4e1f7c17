"""Scores whose true probabilities are known."""

from dataclasses import dataclass

import numpy as np

from model_refresh.calibration.choice import Fold
from model_refresh.metrics.protocol import Floats


@dataclass(frozen=True)
class World:
    """True log odds are `level` + `scale` * those that are predicted; both of a normal spread."""

    level: float = 0.0
    scale: float = 1.0
    rows: int = 1000

    def fold(self, rng: np.random.Generator) -> Fold:
        """Predictions and outcomes."""
        odds = rng.normal(-2.0, 1.0, self.rows)
        return chance(odds), outcomes(chance(self.level + self.scale * odds), rng)

    def folds(self, count: int, seed: int) -> list[Fold]:
        """Independent ones."""
        rng = np.random.default_rng(seed)
        return [self.fold(rng) for _ in range(count)]


def chance(odds: Floats) -> Floats:
    """The probability with these log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def outcomes(probability: Floats, rng: np.random.Generator) -> Floats:
    """0 or 1 each."""
    return np.asarray(rng.random(len(probability)) < probability, dtype=np.float64)


def regression_fold(rng: np.random.Generator, *, level: float, rows: int = 500) -> Fold:
    """Outcomes are the predictions moved by `level`, and noise."""
    predicted = rng.normal(10.0, 3.0, rows)
    return predicted, predicted + level + rng.normal(0.0, 2.0, rows)
