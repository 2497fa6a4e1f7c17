"""Comparisons of real predictions on real rows, as the comparison step makes them."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from model_refresh.gates import BeatsConstant, Condition, NonInferior, Superior, decide
from model_refresh.metrics import Metric, compare_metrics, metric, names
from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.value import Value as ValueMetric
from model_refresh.records import Comparison, Decision, Task
from model_refresh_tests.gates.factories import make_comparison, make_incumbent
from model_refresh_tests.metrics.factories import make_holdout, make_predicted

USUAL: tuple[Condition, ...] = (BeatsConstant(), NonInferior())
STRICT: tuple[Condition, ...] = (BeatsConstant(), Superior())

PRICES = ((0.0, 1.0), (5.0, -2.0))
"""A miss costs 5, a needless action 1, and a hit brings 2."""


def hold_contest(
    target: Floats,
    challenger: Floats,
    incumbent: Floats | None,
    *,
    constant: float | None = None,
    task: Task = "binary",
) -> Comparison:
    """All metrics of the task on these rows, each row a group; the constant is their mean."""
    level = float(np.mean(target)) if constant is None else constant
    judged = compare_metrics(
        _metrics(task),
        make_holdout(target),
        challenger=make_predicted(challenger),
        constant=make_predicted(np.full(len(target), level)),
        incumbent=None if incumbent is None else make_predicted(incumbent),
        confidence=0.95,
    )
    about = make_comparison(task=task, incumbent=None if incumbent is None else make_incumbent())
    return about.model_copy(update={"metrics": judged, "rows": len(target)})


def decision_of(gates: Sequence[Condition], comparison: Comparison) -> Decision:
    """What these gates decide."""
    return decide([gate.judge(comparison) for gate in gates])[0]


@cache
def people(rows: int = 4000) -> tuple[Floats, Floats]:
    """Outcomes, and the log odds that they truly have."""
    rng = np.random.default_rng(11)
    odds = 1.5 * rng.normal(size=rows) - 0.5
    return (rng.random(rows) < chance(odds)).astype(np.float64), odds


def noisy(odds: Floats, size: float, *, seed: int = 12) -> Floats:
    """Chances whose log odds are off by so much."""
    return chance(odds + size * np.random.default_rng(seed).normal(size=len(odds)))


def chance(odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _metrics(task: Task) -> list[Metric]:
    shown = [metric(name) for name in names(task)]
    return [*shown, ValueMetric(PRICES)] if task == "binary" else shown
