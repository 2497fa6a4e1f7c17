"""Algorithms and folds that are known to the last digit, for searches to be held against."""

import math
import time
from dataclasses import dataclass, field

import numpy as np

from model_refresh.algorithms.constant import FittedConstant
from model_refresh.algorithms.protocol import (
    Dimension,
    Fit,
    Parameters,
    Rows,
    completed,
    number,
)
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task
from model_refresh.tuning import Attempt

OUTSIDE = ("window", "half_life_days")


def distance(target: np.ndarray, prediction: np.ndarray) -> float:
    """The mean absolute error: the loss of these tests."""
    return float(np.mean(np.abs(target - prediction)))


def rows_at(level: float, *, count: int = 2) -> Rows:
    """Rows whose label is a level."""
    return Rows(Matrix(np.zeros((count, 1)), ("x",), (0,)), np.full(count, level))


@dataclass(frozen=True)
class Levels:
    """Folds, newest first, whose later rows all have the level of their fold; a `tuning.Ground`."""

    levels: tuple[float, ...] = (10.0,)
    asked: list[tuple[int, Parameters]] = field(default_factory=list)

    @property
    def folds(self) -> int:
        return len(self.levels)

    def rows(self, fold: int, parameters: Parameters) -> tuple[Rows, Rows]:
        self.asked.append((fold, parameters))
        return rows_at(float(fold)), rows_at(self.levels[fold])

    def own(self, parameters: Parameters) -> Parameters:
        return {name: each for name, each in parameters.items() if name not in OUTSIDE}


@dataclass(frozen=True)
class Guess:
    """Predicts its parameter `value`, 5 untuned; fails above `fails_above`, is slow on demand."""

    fails_above: float = math.inf
    seconds: float = 0.0
    algorithm: str = "guess"

    def space(self, task: Task) -> tuple[Dimension, ...]:
        return (
            Dimension(name="value", low=0, high=20, start=5),
            Dimension(name="steps", low=1, high=9, start=3, integer=True, log=True),
        )

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        return {}, {"value": 15.0}

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        time.sleep(self.seconds)
        whole = completed(self.space(task), parameters)
        value = number(whole, "value")
        if value > self.fails_above:
            raise FitError(f"{value} is too much")
        return Fit(FittedConstant(value=value), whole)

    def load(self, folder: object) -> FittedConstant:
        raise NotImplementedError


@dataclass(frozen=True)
class Growing:
    """Grows by rounds: after n of them it predicts the n-th value of its fold's curve.

    The folds' later rows are 0, so that a curve is the loss too.
    """

    curves: tuple[tuple[float, ...], ...]
    algorithm: str = "growing"

    def space(self, task: Task) -> tuple[Dimension, ...]:
        return (Dimension(name="rate", low=0.1, high=1, start=0.5),)

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        return ({},)

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        curve = self.curves[int(train.target[0])]
        if early is None:
            return Fit(
                FittedConstant(value=curve[int(number(parameters, "rounds")) - 1]), parameters
            )
        best = int(np.argmin(curve)) + 1
        return Fit(
            FittedConstant(value=curve[best - 1]),
            parameters | {"rounds": best},
            curve,
            lambda rounds: FittedConstant(value=curve[rounds - 1]),
        )

    def load(self, folder: object) -> FittedConstant:
        raise NotImplementedError


@dataclass
class Notes:
    """A `tuning.Book` in memory."""

    held: dict[int, Attempt] = field(default_factory=dict)
    added: list[int] = field(default_factory=list)

    def attempts(self) -> dict[int, Attempt]:
        return dict(self.held)

    def add(self, attempt: Attempt) -> None:
        self.held[attempt.number] = attempt
        self.added.append(attempt.number)


def timeless(attempts: tuple[Attempt, ...]) -> list[Attempt]:
    """Attempts without what the clock says of them."""
    return [each.model_copy(update={"seconds": 0.0}) for each in attempts]
