"""What every metric offers; a metric is one frozen class and one line in the catalogue.

A metric says two things of a prediction: its value, and its *influence*, the share of each row in
the value's error (Huber 1981; the infinitesimal jackknife of Efron 1982). From influences every
interval follows in closed form: of one metric or of a paired difference, with or without clusters.

A prediction has shape (rows,), or (rows, classes) for a multiclass task, where the target holds
class codes 0, 1, 2 ...
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from model_refresh.records import Task

Floats = NDArray[np.float64]

Direction = Literal["maximise", "minimise"] | float
"""Which way is better; a number is the value to come near to, from either side."""

_SUM_ERROR = 1e-6
"""How far the probabilities of a row may be from 1 together."""


@dataclass(frozen=True)
class Assessed:
    """A value and its influence, shape (rows,).

    The influences have mean 0, and value - truth is about their mean: the value's variance is
    the variance of that mean, whatever the rows' dependence. They are nan where the value is
    undefined, or where its error can't be told from these rows.
    """

    value: float
    influence: Floats


@dataclass(frozen=True)
class Metric(ABC):
    """One measure of predictions against outcomes, in its natural sign; fields are parameters."""

    tasks: ClassVar[tuple[Task, ...]]
    direction: ClassVar[Direction]
    is_loss: ClassVar[bool] = False
    """A positive loss in a ratio scale: a percentage of it makes sense as a margin."""
    by_class: ClassVar[bool] = False
    """Estimated within each class: the classes' errors are corrected each by its own count."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in a declaration: `brier`, `precision@5%`."""

    @property
    @abstractmethod
    def label(self) -> str:
        """As it is said in a sentence."""

    @abstractmethod
    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Value and influence on usable rows (see `is_usable`); nan where undefined."""

    def value(self, target: Floats, prediction: Floats) -> float:
        """The metric of predictions of a target of shape (rows,); nan where it is undefined.

        It is undefined on rows that are not usable (see `is_usable`), and where the metric
        itself says so (one class only, a constant prediction).
        """
        return assess(self, target, prediction).value

    def gain(self, new: float, old: float) -> float:
        """How much better `new` is than `old`, in the metric's unit: positive is better.

        The only place where a metric's sign is turned. With a target value, the gain is the
        drop of the distance to it.
        """
        if self.direction == "maximise":
            return new - old
        if self.direction == "minimise":
            return old - new
        return abs(old - self.direction) - abs(new - self.direction)


def assess(metric: Metric, target: Floats, prediction: Floats) -> Assessed:
    """Value and influence of any rows; nan where they are not usable, or too large for a float."""
    if not is_usable(metric, target, prediction):
        return undefined(len(target))
    with np.errstate(over="ignore", invalid="ignore"):
        assessed = metric.assess(target, prediction)
    return assessed if np.isfinite(assessed.value) else undefined(len(target))


def is_usable(metric: Metric, target: Floats, prediction: Floats) -> bool:
    """Whether the metric may look at these rows at all.

    There must be rows, one prediction each, all finite. A prediction of one column is a number
    where the metric serves regression, otherwise the probability of 1, and the target is 0 or 1.
    One of several columns has a class's probability in each, and the target codes of classes.
    """
    if len(target) == 0 or target.ndim != 1 or len(prediction) != len(target):
        return False
    if not (np.isfinite(target).all() and np.isfinite(prediction).all()):
        return False
    if prediction.ndim == 2:
        return "multiclass" in metric.tasks and _has_classes(target, prediction)
    if prediction.ndim != 1 or metric.tasks == ("multiclass",):
        return False
    if "regression" in metric.tasks:
        return True
    is_class = (target == 0.0) | (target == 1.0)
    return bool(is_class.all() and prediction.min() >= 0.0 and prediction.max() <= 1.0)


def undefined(rows: int) -> Assessed:
    """What a metric answers where it has no value."""
    return Assessed(np.nan, np.full(rows, np.nan))


def ratio(numerator: Assessed, denominator: Assessed) -> Assessed:
    """One value over another that is not 0, with its influence by the delta method."""
    value = numerator.value / denominator.value
    influence = (numerator.influence - value * denominator.influence) / denominator.value
    return Assessed(value, influence)


def mean(values: Floats) -> Assessed:
    """The mean over rows, and each row's distance from it."""
    average = float(values.mean())
    return Assessed(average, values - average)


def _has_classes(target: Floats, prediction: Floats) -> bool:
    classes = prediction.shape[1]
    if classes < 2 or prediction.min() < 0.0 or prediction.max() > 1.0:
        return False
    if target.min() < 0.0 or target.max() >= classes or (target != np.floor(target)).any():
        return False
    return bool((np.abs(prediction.sum(axis=1) - 1.0) <= _SUM_ERROR).all())
