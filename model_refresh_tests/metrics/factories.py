"""Rows, holdouts and predictions for the tests of metrics and gates."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics import METRICS, Holdout, Metric, Predicted
from model_refresh.metrics import metric as metric_named
from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.value import Costs, Value
from model_refresh.records import Task

AS_OF = dt.datetime(1998, 2, 2, tzinfo=dt.UTC)
KNOWN_AT = dt.datetime(1998, 1, 5, tzinfo=dt.UTC)


PRICES: dict[Task, Costs] = {
    "binary": ((0.0, 1.0), (5.0, -2.0)),
    "multiclass": ((0.0, 1.0, 4.0), (2.0, 0.0, 1.0), (9.0, 3.0, -1.0)),
}

PARAMETRISED = (
    "accuracy@0.3",
    "accuracy@20%",
    "precision@0.3",
    "precision@20%",
    "recall@0.6",
    "recall@15%",
    "f1@0.4",
    "f1@30%",
    "lift@25%",
    "gain@40%",
    "pinball@0.9",
    "tweedie@1.2",
)


@dataclass(frozen=True)
class Case:
    """A metric and one of its tasks; `id` names a test."""

    metric: Metric
    task: Task

    @property
    def id(self) -> str:
        return f"{self.metric.name}-{self.task}"

    @property
    def has_border(self) -> bool:
        """Its value has no derivative by a row's weight; coverage is the test of its error."""
        return "%" in self.metric.name


def every_case() -> list[Case]:
    """All metrics, some with parameters, in each of their tasks."""
    return [
        case_of(each, task)
        for each in (*METRICS, *map(metric_named, PARAMETRISED))
        for task in each.tasks
    ]


def case_of(metric: Metric, task: Task | None = None) -> Case:
    """The metric in a task, its first unless told otherwise; `value` gets its costs."""
    task = task or metric.tasks[0]
    return Case(Value(PRICES[task]) if isinstance(metric, Value) else metric, task)


def make_rows(
    metric: Metric,
    *,
    seed: int,
    rows: int = 60,
    levels: int | None = None,
    task: Task | None = None,
) -> tuple[Floats, tuple[Floats, Floats]]:
    """A target and two noisy predictions of it; `levels`: round them so that they tie."""
    rng = np.random.default_rng(seed)
    task = task or metric.tasks[0]
    if task == "multiclass":
        return _make_classes(rng, rows, levels)
    signal = rng.normal(size=rows)
    scores = [signal + noise * rng.normal(size=rows) for noise in (0.5, 1.0)]
    if task == "binary":
        target = (rng.random(rows) < logistic(1.5 * signal - 0.5)).astype(np.float64)
        first, second = (logistic(score - 0.5) for score in scores)
    elif is_of_amounts(metric):
        target = np.round(np.exp(0.5 * signal) * rng.gamma(2.0, size=rows), 1)
        first, second = (np.exp(0.5 * score) + 0.1 for score in scores)
    else:
        target = signal + rng.normal(size=rows)
        first, second = scores
    if levels is not None:
        first, second = (np.round(values * levels) / levels for values in (first, second))
    if is_of_amounts(metric) and task == "regression":
        first, second = (np.maximum(values, 0.1) for values in (first, second))
    return target, (first, second)


def is_of_amounts(metric: Metric) -> bool:
    """Whether a regression's outcomes must be 0 or more for it."""
    return metric.name.startswith(("poisson", "tweedie", "predicted_to_actual"))


def _make_classes(
    rng: np.random.Generator, rows: int, levels: int | None
) -> tuple[Floats, tuple[Floats, Floats]]:
    signal = rng.normal(loc=(0.3, 0.0, -0.2), size=(rows, 3))
    chance = softmax(1.5 * signal)
    target = (rng.random((rows, 1)) > np.cumsum(chance, axis=1)[:, :2]).sum(axis=1)
    sides = [softmax(signal + noise * rng.normal(size=(rows, 3))) for noise in (0.5, 1.0)]
    if levels is not None:
        counts = [np.round(side * levels) + 1.0 for side in sides]
        sides = [count / count.sum(axis=1, keepdims=True) for count in counts]
    return target.astype(np.float64), (sides[0], sides[1])


def softmax(values: Floats) -> Floats:
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def logistic(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def make_holdout(
    target: Floats, *, group: NDArray[np.int64] | None = None, as_of: dt.datetime = AS_OF
) -> Holdout:
    instant = np.datetime64(as_of.astimezone(dt.UTC).replace(tzinfo=None), "us")
    return Holdout(
        target=target,
        group=np.arange(len(target)) if group is None else group,
        as_of=np.full(len(target), instant),
    )


def make_predicted(values: Floats, *, known_at: dt.datetime = KNOWN_AT) -> Predicted:
    return Predicted(values, known_at)
