"""One set of parameters, tried on every fold: fits on the past, judged on what came after."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.protocol import Algorithm, Fit, Fitted, Parameters, Rows
from model_refresh.errors import FitError
from model_refresh.records import Record, Task

Floats = NDArray[np.float64]
Loss = Callable[[Floats, Floats], float]
"""(target, prediction) -> loss; lower is better."""

_HOPE = 0.05
"""By what share of the best loss each fold that is still to come may put a trial right."""
_NEAR = 0.05
"""Rounds whose mean loss is so much above the least, relative to it, weigh 1/e as much."""
_ROUNDS = "rounds"


class Ground(Protocol):
    """Where parameters are tried: folds of rows, number 0 being the newest."""

    @property
    def folds(self) -> int:
        """How many folds there are, at least one."""
        ...

    def rows(self, fold: int, parameters: Parameters) -> tuple[Rows, Rows]:
        """What a fold's fit learns from, and the later rows that judge it.

        The parameters may say which of the past rows are taken, and what they weigh.
        """
        ...

    def own(self, parameters: Parameters) -> Parameters:
        """Those parameters that are the algorithm's business."""
        ...


class Attempt(Record):
    """What became of one set of parameters.

    `loss` is the mean over all folds, infinite where the trial failed or was given up. `alone` has
    the folds' own losses, newest first, each with the number of rounds that is best there: by these
    a trial is given up. `folds` has the losses that make up the mean.
    """

    number: int
    parameters: dict[str, bool | int | float | str]
    loss: float = math.inf
    folds: tuple[float, ...] = ()
    alone: tuple[float, ...] = ()
    failure: str | None = None
    pruned: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Trialled:
    """An attempt and its predictions of every fold's later rows, newest fold first."""

    attempt: Attempt
    predictions: tuple[Floats, ...] = ()


@dataclass(frozen=True)
class Bench:
    """Where every set of parameters is tried alike."""

    algorithm: Algorithm
    ground: Ground
    _: KW_ONLY
    task: Task
    seed: int
    loss: Loss

    def attempt(self, number: int, parameters: Parameters, best: Attempt | None) -> Trialled:
        """Fit and judge on every fold, newest first; given up where it can't catch up with `best`.

        All folds have the same number of rounds in the end, see `best_rounds`.
        """
        begun = time.monotonic()
        fits: list[Fit] = []
        alone: list[float] = []
        judges: list[Rows] = []
        try:
            for fold in range(self.ground.folds):
                learned, judge = self.ground.rows(fold, parameters)
                fits.append(self._fit(learned, parameters, early=judge))
                judges.append(judge)
                alone.append(self._judged(fits[-1].fitted, judge)[0])
                if _is_hopeless(alone, best, self.ground.folds):
                    return Trialled(_attempt(number, parameters, alone, pruned=True, since=begun))
            rounds = best_rounds([fit.curve for fit in fits])
            judged = [
                self._judged(fit.cut(min(rounds, len(fit.curve))), judge)
                for fit, judge in zip(fits, judges, strict=True)
            ]
        except FitError as error:
            return Trialled(_attempt(number, parameters, alone, failure=str(error), since=begun))
        used = parameters | fits[0].parameters | ({_ROUNDS: rounds} if rounds else {})
        done = _attempt(number, used, alone, since=begun, folds=[loss for loss, _ in judged])
        return Trialled(done, tuple(predicted for _, predicted in judged))

    def predictions(self, parameters: Parameters) -> tuple[Floats, ...]:
        """Predictions of every fold, newest first, with the rounds that the parameters say."""
        found = []
        for fold in range(self.ground.folds):
            learned, judge = self.ground.rows(fold, parameters)
            fitted = self._fit(learned, parameters, early=None).fitted
            found.append(fitted.predict(judge.matrix))
        return tuple(found)

    def _fit(self, learned: Rows, parameters: Parameters, *, early: Rows | None) -> Fit:
        own = self.ground.own(parameters)
        return self.algorithm.fit(
            learned, task=self.task, parameters=own, seed=self.seed, early=early
        )

    def _judged(self, fitted: Fitted, judge: Rows) -> tuple[float, Floats]:
        predicted = fitted.predict(judge.matrix)
        loss = float(self.loss(judge.target, predicted))
        if not math.isfinite(loss):
            raise FitError(f"its loss on the validation rows is {loss}")
        return loss, predicted


def best_rounds(curves: Sequence[Sequence[float]]) -> int:
    """How many rounds to grow, by the folds' losses after each; 0 where there are no rounds.

    It is a mean of all numbers of rounds, weighted by exp(-regret / 5%), the regret being the
    excess of the folds' mean loss over the least, relative to it. The least alone would follow the
    accidents of flat curves. A fold that stopped growing earlier counts with its last loss from
    there on.
    """
    longest = max(len(curve) for curve in curves)
    if longest == 0:
        return 0
    padded = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves if curve]
    mean = np.mean(padded, axis=0)
    least = float(mean.min())
    weight = np.exp(-(mean - least) / (_NEAR * abs(least) or 1.0))
    return max(1, round(float(weight @ np.arange(1, longest + 1) / weight.sum())))


def _is_hopeless(alone: Sequence[float], best: Attempt | None, folds: int) -> bool:
    """Whether the folds that are left can't make up for how far it is behind the best."""
    left = folds - len(alone)
    if best is None or left == 0 or len(best.alone) < len(alone):
        return False
    behind = sum(alone) - sum(best.alone[: len(alone)])
    return behind > _HOPE * left * abs(best.loss)


def _attempt(  # noqa: PLR0913  (what is known of it, by name)
    number: int,
    parameters: Parameters,
    alone: Sequence[float],
    *,
    since: float,
    folds: Sequence[float] = (),
    failure: str | None = None,
    pruned: bool = False,
) -> Attempt:
    return Attempt(
        number=number,
        parameters=parameters,
        loss=float(np.mean(folds)) if folds else math.inf,
        folds=tuple(folds),
        alone=tuple(alone),
        failure=failure,
        pruned=pruned,
        seconds=time.monotonic() - since,
    )
