"""Contests whose outcome is known: populations of rows with exactly computed expected log loss.

A row is one of 32 cells, all as frequent: a true log odds, and whether each side errs upwards or
downwards from it. Outcomes are drawn from the true probability, so that each side's expected loss
is a finite sum. The whole path is taken: metrics, comparison record, gate.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from model_refresh.gates import NonInferior, Superior
from model_refresh.metrics import Holdout, Predicted, compare_metrics, metric
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Comparison
from model_refresh_tests.gates.factories import make_comparison
from model_refresh_tests.metrics.factories import logistic, make_holdout, make_predicted

CELLS = np.array(
    [(odds, new, old) for odds in np.linspace(-2.5, 1.0, 8) for new in (-1, 1) for old in (-1, 1)]
)


@dataclass(frozen=True)
class Population:
    """How far each side's log odds are from the truth; `clusters`: groups of 1 to 6 rows.

    Rows of a cluster are of one cell and share half of their outcomes' chance. Without clusters
    there are 1,000 independent rows.
    """

    new_error: float = 0.4
    old_error: float = 0.4
    clusters: int | None = None

    @property
    def gain(self) -> float:
        """The expected gain in log loss of the new side over the old one, without any error."""
        chance = logistic(CELLS[:, 0])
        new, old = (_expected_loss(chance, side) for side in self._sides(CELLS))
        return old - new

    def with_gain(self, gain: float) -> "Population":
        """The same new side, and an old one that is this much worse (by bisection)."""
        low, high = self.new_error, 3.0
        for _ in range(60):
            middle = (low + high) / 2.0
            low, high = (
                (middle, high) if replace(self, old_error=middle).gain < gain else (low, middle)
            )
        return replace(self, old_error=low)

    def draw(self, rng: np.random.Generator) -> tuple[Holdout, Predicted, Predicted]:
        """A holdout, and the predictions of the new and of the old side."""
        count = self.clusters or 1000
        sizes = rng.integers(1, 7, count) if self.clusters else np.ones(count, dtype=np.int64)
        group = np.repeat(np.arange(count), sizes)
        cells = CELLS[rng.integers(0, len(CELLS), count)][group]
        luck = np.where(
            rng.random(len(group)) < (0.5 if self.clusters else 0.0),
            rng.random(count)[group],
            rng.random(len(group)),
        )
        target = (luck < logistic(cells[:, 0])).astype(np.float64)
        new, old = self._sides(cells)
        return make_holdout(target, group=group), make_predicted(new), make_predicted(old)

    def _sides(self, cells: Floats) -> tuple[Floats, Floats]:
        new = logistic(cells[:, 0] + self.new_error * cells[:, 1])
        return new, logistic(cells[:, 0] + self.old_error * cells[:, 2])


def contests(population: Population, *, times: int, seed: int) -> Iterator[Comparison]:
    """Independent comparisons of log loss at 95%, as records."""
    rng, frame = np.random.default_rng(seed), _frame()
    for _ in range(times):
        holdout, new, old = population.draw(rng)
        constant = make_predicted(np.full(len(holdout.target), logistic(CELLS[:, 0]).mean()))
        metrics = compare_metrics(
            [metric("log_loss")],
            holdout,
            challenger=new,
            constant=constant,
            incumbent=old,
            confidence=frame.confidence,
        )
        yield frame.model_copy(update={"metrics": metrics, "rows": len(holdout.target)})


def share_passed(
    gate: Superior | NonInferior, population: Population, *, times: int, seed: int
) -> float:
    """How often the gate lets the new side through."""
    judged = [gate.judge(each) for each in contests(population, times=times, seed=seed)]
    return float(np.mean([result.outcome == "passed" for result in judged]))


def half_width(comparison: Comparison) -> float:
    """From the estimated gain over the incumbent to its lower bound."""
    gain = comparison.metrics["log_loss"].gain_over_incumbent
    assert gain is not None
    return gain.estimate - gain.lower


def with_detectable_gain(population: Population, *, times: int, seed: int) -> Population:
    """An old side that is worse by the mean detectable gain that pilots of it print.

    A worse side also differs more, which makes the error larger: the pilot is repeated until the
    plant is what is printed.
    """
    for _ in range(5):
        pilot = contests(population, times=times, seed=seed)
        printed = [each.metrics["log_loss"].detectable for each in pilot]
        population = population.with_gain(float(np.mean([x for x in printed if x is not None])))
    return population


def _expected_loss(chance: Floats, predicted: Floats) -> float:
    loss = -chance * np.log(predicted) - (1.0 - chance) * np.log(1.0 - predicted)
    return float(loss.mean())


@cache
def _frame() -> Comparison:
    return make_comparison()
