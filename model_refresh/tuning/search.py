"""Tuning: which parameters of an algorithm do best on rows that are later than what it learns from.

The only module that knows Optuna.
"""

import math
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.protocol import Algorithm, Dimension, Parameters, Rows, completed
from model_refresh.errors import FitError
from model_refresh.records import Record, Task, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Loss = Callable[[NDArray[np.float64], NDArray[np.float64]], float]
"""(target, prediction) -> loss; lower is better."""

_RANDOM_TRIALS = 5


class Budget(Record):
    """How long to search."""

    trials: int = Field(ge=1, description="the budget: sets of parameters to try")
    seconds: float = Field(gt=0, description="a cap: no trial starts later than this")


class Tuned(Record):
    """The best parameters, and the way to them."""

    parameters: dict[str, bool | int | float | str]
    loss: float
    trials: tuple[Trial, ...] = Field(description="in order; infinite loss: the fit failed")
    repeatable: bool = Field(description="false when `seconds` cut the search short")


def tune(  # noqa: PLR0913  three inputs, and what a search is told by name
    algorithm: Algorithm,
    train: Rows,
    early: Rows,
    *,
    task: Task,
    budget: Budget,
    seed: int,
    loss: Loss,
) -> Tuned:
    """Search with a tree-structured Parzen estimator, the algorithm's own start first.

    Fits learn from `train`, and stop and are judged on `early`. A fit that fails, or whose loss is
    not finite, is recorded and passed over. Raises FitError where all fail.
    """
    bench = _Bench(algorithm, train, early, task=task, seed=seed, loss=loss)
    space = algorithm.space(task)
    if not space:
        return _best([bench.attempt({})], repeatable=True)
    attempts = _search(bench, space, budget)
    return _best(attempts, repeatable=len(attempts) == budget.trials)


@dataclass(frozen=True)
class _Attempt:
    parameters: Parameters
    loss: float = math.inf
    failure: str | None = None


@dataclass(frozen=True)
class _Bench:
    """Where every set of parameters is tried alike."""

    algorithm: Algorithm
    train: Rows
    early: Rows
    _: KW_ONLY
    task: Task
    seed: int
    loss: Loss

    def attempt(self, parameters: Parameters) -> _Attempt:
        """Fit once and judge on the later rows."""
        try:
            fitted, used = self.algorithm.fit(
                self.train,
                task=self.task,
                parameters=parameters,
                seed=self.seed,
                early=self.early,
            )
        except FitError as error:
            return _Attempt(parameters, failure=str(error))
        loss = float(self.loss(self.early.target, fitted.predict(self.early.matrix)))
        if not math.isfinite(loss):
            return _Attempt(used, failure=f"its loss on the validation rows is {loss}")
        return _Attempt(used, loss)


def _search(bench: _Bench, space: tuple[Dimension, ...], budget: Budget) -> list[_Attempt]:
    """Try until the trials are used up, or the seconds; always once."""
    import optuna  # here: the command line starts without it

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=bench.seed, n_startup_trials=_RANDOM_TRIALS)
    study = optuna.create_study(sampler=sampler, direction="minimize")
    study.enqueue_trial(completed(space, {}))
    distributions = {dimension.name: _distribution(dimension) for dimension in space}
    attempts: list[_Attempt] = []
    end = time.monotonic() + budget.seconds
    while len(attempts) < budget.trials and (not attempts or time.monotonic() < end):
        trial = study.ask(distributions)
        attempt = bench.attempt(dict(trial.params))
        if attempt.failure is None:
            study.tell(trial, attempt.loss)
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        attempts.append(attempt)
    return attempts


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if dimension.integer:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _best(attempts: list[_Attempt], *, repeatable: bool) -> Tuned:
    """The first of those with the lowest loss."""
    best = min(attempts, key=lambda attempt: attempt.loss)
    if best.failure is not None:
        raise FitError(f"none of {len(attempts)} fits succeeded; the first: {attempts[0].failure}")
    return Tuned(
        parameters=best.parameters,
        loss=best.loss,
        trials=tuple(Trial(parameters=a.parameters, loss=a.loss) for a in attempts),
        repeatable=repeatable,
    )
