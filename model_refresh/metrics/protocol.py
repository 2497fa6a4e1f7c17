"""What every metric offers; a metric is one frozen class and one line in `METRICS`.

A metric says two things of a prediction: its value, and its *influence*, the share of each row in
the value's error (Huber 1981; the infinitesimal jackknife of Efron 1982). From influences every
interval follows in closed form: of one metric or of a paired difference, with or without clusters.
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


@dataclass(frozen=True)
class Assessed:
    """A value and its influence, shape (rows,).

    The influences have mean 0, and value - truth is about their mean: the value's variance is
    the variance of that mean, whatever the rows' dependence.
    """

    value: float
    influence: Floats


class Metric(ABC):
    """One measure of predictions against outcomes, in its natural sign."""

    name: ClassVar[str]
    label: ClassVar[str]
    """As it is said in a sentence."""
    tasks: ClassVar[tuple[Task, ...]]
    direction: ClassVar[Direction]
    is_loss: ClassVar[bool] = False
    """A positive loss in a ratio scale: a percentage of it makes sense as a margin."""
    by_class: ClassVar[bool] = False
    """Estimated within each class: the classes' errors are corrected each by its own count."""

    @abstractmethod
    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Value and influence on usable rows (see `is_usable`); nan where undefined."""

    def value(self, target: Floats, prediction: Floats) -> float:
        """The metric of predictions, both of shape (rows,); nan where it is undefined.

        It is undefined without rows, where target or prediction is not finite, for a binary
        task where a target is not 0 or 1 or a prediction outside [0, 1], and where the metric
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
    """Value and influence of any rows; nan where they are not usable."""
    if not is_usable(metric, target, prediction):
        return undefined(len(target))
    return metric.assess(target, prediction)


def is_usable(metric: Metric, target: Floats, prediction: Floats) -> bool:
    """Whether the metric may look at these rows at all."""
    if len(target) == 0 or target.shape != prediction.shape:
        return False
    if not (np.isfinite(target).all() and np.isfinite(prediction).all()):
        return False
    if "binary" not in metric.tasks:
        return True
    is_class = (target == 0.0) | (target == 1.0)
    return bool(is_class.all() and prediction.min() >= 0.0 and prediction.max() <= 1.0)


def undefined(rows: int) -> Assessed:
    """What a metric answers where it has no value."""
    return Assessed(np.nan, np.full(rows, np.nan))
