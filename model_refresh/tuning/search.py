"""The search: which parameters to try next. The only module that knows Optuna."""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from model_refresh.algorithms.protocol import Algorithm, Dimension, Parameters, completed
from model_refresh.errors import FitError
from model_refresh.records import Record, Task
from model_refresh.tuning.bench import Attempt, Bench, Ground, Loss, Trialled

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

_RANDOM_TRIALS = 5
_REACH = 0.15
"""By what share of a dimension's length a narrow search goes beyond what it starts from."""


class Budget(Record):
    """How long to search."""

    trials: int = Field(ge=1, description="the budget: sets of parameters to try")
    seconds: float = Field(gt=0, description="a cap: no trial starts later than this")


class Choice(Record):
    """A parameter outside of the algorithm that takes one of a few values, the likeliest first."""

    name: str
    values: tuple[int | float, ...] = Field(min_length=1)


class Plan(Record):
    """What a search tries, and how long.

    `remembered` are sets that did well before, the best bet first: they are tried first, then the
    settings that the algorithm itself starts from. A `narrow` search stays around these; any other
    goes everywhere.
    """

    budget: Budget
    seed: int
    choices: tuple[Choice, ...] = ()
    remembered: tuple[dict[str, bool | int | float | str], ...] = ()
    narrow: bool = False
    keep: int = Field(1, ge=1, description="of how many of the best trials predictions are wanted")


class Tuned(Record):
    """The best parameters, and the way to them."""

    parameters: dict[str, bool | int | float | str]
    loss: float
    attempts: tuple[Attempt, ...] = Field(description="in order")
    repeatable: bool = Field(description="false when `seconds` cut the search short")


class Book(Protocol):
    """Where attempts are written down, and found again after a crash."""

    def attempts(self) -> dict[int, Attempt]:
        """Number -> what was tried."""
        ...

    def add(self, attempt: Attempt) -> None:
        """Write one down."""
        ...


Told = Callable[[int, float | None, float], None]
"""Hears of the trial that begins: its number from 1, the best loss so far, the seconds left."""


def tune(  # noqa: PLR0913  two inputs, and what a search is told by name
    algorithm: Algorithm,
    ground: Ground,
    *,
    task: Task,
    plan: Plan,
    loss: Loss,
    journal: Book | None = None,
    tell: Told = lambda number, best, left: None,
) -> tuple[Tuned, tuple[Trialled, ...]]:
    """Search with a tree-structured Parzen estimator, what is known to do well first.

    A fit that fails, or whose loss is not finite, is recorded and passed over; one that falls too
    far behind on the first folds is given up. Also returns the `plan.keep` best attempts, the best
    first, with their predictions of every fold. Raises FitError where all fits fail.
    """
    bench = Bench(algorithm, ground, task=task, seed=plan.seed, loss=loss)
    search = _Search(bench, plan, algorithm.space(task), journal.attempts() if journal else {})
    tried = search.run(journal, tell) if search.space else [search.only(journal, tell)]
    attempts = tuple(each.attempt for each in tried)
    ranked = sorted((t for t in tried if math.isfinite(t.attempt.loss)), key=_loss)
    if not ranked:
        first = attempts[0].failure
        raise FitError(f"none of {len(attempts)} fits succeeded; the first: {first}")
    kept = tuple(_with_predictions(bench, each) for each in ranked[: plan.keep])
    tuned = Tuned(
        parameters=kept[0].attempt.parameters,
        loss=kept[0].attempt.loss,
        attempts=attempts,
        repeatable=not search.space or len(attempts) == plan.budget.trials,
    )
    return tuned, kept


def _loss(tried: Trialled) -> float:
    return tried.attempt.loss


def _with_predictions(bench: Bench, tried: Trialled) -> Trialled:
    """An attempt that came out of the journal has no predictions yet."""
    if tried.predictions:
        return tried
    return Trialled(tried.attempt, bench.predictions(tried.attempt.parameters))


@dataclass(frozen=True)
class _Search:
    bench: Bench
    plan: Plan
    space: tuple[Dimension, ...]
    known: dict[int, Attempt]

    def only(self, journal: Book | None, tell: Told) -> Trialled:
        """The one attempt of an algorithm that has nothing to tune."""
        tell(1, None, self.plan.budget.seconds)
        return self._tried(1, {}, None, journal)

    def run(self, journal: Book | None, tell: Told) -> list[Trialled]:
        """Try until the trials are used up, or the seconds; always once."""
        study, distributions = self._study()
        tried: list[Trialled] = []
        best: Attempt | None = None
        end = time.monotonic() + self.plan.budget.seconds
        end -= sum(attempt.seconds for attempt in self.known.values())
        while len(tried) < self.plan.budget.trials:
            number = len(tried) + 1
            if tried and number not in self.known and time.monotonic() >= end:
                break
            trial = study.ask(distributions)
            tell(number, best.loss if best else None, max(0.0, end - time.monotonic()))
            tried.append(self._tried(number, dict(trial.params), best, journal))
            attempt = tried[-1].attempt
            _report(study, trial, attempt)
            if attempt.loss < (best.loss if best else math.inf):
                best = attempt
            tried = _few_predictions(tried, self.plan.keep)
        return tried

    def _tried(
        self, number: int, parameters: Parameters, best: Attempt | None, journal: Book | None
    ) -> Trialled:
        """What the journal knows of this trial, else what comes of it now."""
        if (known := self.known.get(number)) is not None:
            return Trialled(known)
        tried = self.bench.attempt(number, parameters, best)
        if journal is not None:
            journal.add(tried.attempt)
        return tried

    def _study(self) -> tuple["optuna.Study", dict[str, "BaseDistribution"]]:
        import optuna  # here: the command line starts without it

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=self.plan.seed, n_startup_trials=_RANDOM_TRIALS)
        study = optuna.create_study(sampler=sampler, direction="minimize")
        remembered = [self._fitting(each) for each in self.plan.remembered]
        first = _unlike(remembered + self._portfolio())
        narrow = self.plan.narrow and bool(remembered)
        box = [_around(d, first) for d in self.space] if narrow else list(self.space)
        for parameters in first:
            study.enqueue_trial(parameters)
        return study, _distributions(box, self.plan.choices)

    def _portfolio(self) -> list[Parameters]:
        """The algorithm's own starts with every choice: what is worth trying unseen.

        The fewer things are not the likeliest, the earlier: the first ones differ in one thing.
        """
        lists = [self.bench.algorithm.starts(self.bench.task)]
        lists += [tuple({c.name: value} for value in c.values) for c in self.plan.choices]
        places = itertools.product(*(range(len(each)) for each in lists))
        found = []
        for place in sorted(places, key=lambda at: (sum(map(bool, at)), sum(at))):
            picked = [each[at] for each, at in zip(lists, place, strict=True)]
            found.append(self._fitting({k: v for part in picked for k, v in part.items()}))
        return found

    def _fitting(self, parameters: Parameters) -> Parameters:
        """Parameters as this space knows them: complete, within its bounds, nothing else."""
        whole = completed(self.space, parameters)
        fitting: Parameters = {d.name: _within(d, whole[d.name]) for d in self.space}
        for choice in self.plan.choices:
            value = parameters.get(choice.name)
            fitting[choice.name] = value if value in choice.values else choice.values[0]
        return fitting


def _within(dimension: Dimension, value: bool | float | str) -> int | float:
    if isinstance(value, str):
        raise FitError(f"parameter {dimension.name!r} must be a number, not {value!r}")
    inside = min(max(float(value), dimension.low), dimension.high)
    return round(inside) if dimension.integer else inside


def _around(dimension: Dimension, points: Sequence[Parameters]) -> Dimension:
    """The part of a dimension that holds these points, and a little around them."""
    met = [float(_within(dimension, point[dimension.name])) for point in points]
    low, high = min(met), max(met)
    if dimension.log:
        reach = (dimension.high / dimension.low) ** _REACH
        low, high = low / reach, high * reach
    else:
        reach = (dimension.high - dimension.low) * _REACH
        low, high = low - reach, high + reach
    if dimension.integer:
        low, high = math.floor(low), math.ceil(high)
    bounds = {"low": max(low, dimension.low), "high": min(high, dimension.high)}
    return dimension.model_copy(update=bounds)


def _unlike(points: Sequence[Parameters]) -> list[Parameters]:
    """The points in order, each once."""
    return [point for i, point in enumerate(points) if point not in points[:i]]


def _distributions(
    box: Sequence[Dimension], choices: Sequence[Choice]
) -> dict[str, "BaseDistribution"]:
    from optuna.distributions import CategoricalDistribution

    found: dict[str, BaseDistribution] = {d.name: _distribution(d) for d in box}
    return found | {choice.name: CategoricalDistribution(choice.values) for choice in choices}


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution, IntDistribution

    if dimension.integer:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _report(study: "optuna.Study", trial: "optuna.Trial", attempt: Attempt) -> None:
    """Tell the study what became of a trial."""
    from optuna.trial import TrialState

    for step, loss in enumerate(attempt.alone):
        trial.report(loss, step)
    if attempt.pruned:
        study.tell(trial, state=TrialState.PRUNED)
    elif attempt.failure is not None:
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, attempt.loss)


def _few_predictions(tried: list[Trialled], keep: int) -> list[Trialled]:
    """Only the best attempts keep their predictions: memory is bounded."""
    held = sorted((each for each in tried if each.predictions), key=_loss)
    spare = {each.attempt.number for each in held[keep:]}
    return [Trialled(t.attempt) if t.attempt.number in spare else t for t in tried]
