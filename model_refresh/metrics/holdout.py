"""The rows on which versions are judged, and the law of time that guards them."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.errors import Contaminated, DataError
from model_refresh.metrics.protocol import Floats


@dataclass(frozen=True)
class Holdout:
    """Rows with known outcomes, one element a row; classes are the codes 0, 1, 2 ...

    `group` holds a code for each cluster of rows whose errors belong together, any integers;
    `as_of` the instant of each row's frame, datetime64 in UTC. Raises DataError where the
    shapes differ.
    """

    target: Floats
    group: NDArray[np.int64]
    as_of: NDArray[np.datetime64]

    def __post_init__(self) -> None:
        shapes = {"target": self.target, "group": self.group, "as_of": self.as_of}
        if self.target.ndim != 1 or len({column.shape for column in shapes.values()}) > 1:
            met = ", ".join(f"{name} {column.shape}" for name, column in shapes.items())
            raise DataError(f"a holdout needs one value a row in each column, met {met}")

    def taken(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Holdout":
        """Only these rows, by number or by mask."""
        return Holdout(self.target[rows], self.group[rows], self.as_of[rows])

    @cached_property
    def clusters(self) -> "Clusters":
        """The rows' clusters, numbered from 0."""
        return Clusters.of(self.group)

    @cached_property
    def has_two_classes(self) -> bool:
        """Whether every outcome is 0 or 1."""
        return bool(((self.target == 0.0) | (self.target == 1.0)).all())


@dataclass(frozen=True)
class Clusters:
    """`code` numbers each row's cluster from 0, shape (rows,)."""

    code: NDArray[np.intp]
    count: int

    @classmethod
    def of(cls, group: NDArray[np.int64]) -> Self:
        """Number them in the order of their codes; dense codes, as usual, without sorting."""
        if len(group) == 0 or int(group.max()) - int(group.min()) > 4 * len(group):
            distinct, code = np.unique(group, return_inverse=True)
            return cls(code, len(distinct))
        shifted = (group - group.min()).astype(np.intp)
        numbers = np.cumsum(np.bincount(shifted) > 0)
        return cls(numbers[shifted] - 1, int(numbers[-1]))

    def sums(self, values: Floats) -> Floats:
        """The sum of values in each cluster, shape (count,)."""
        return np.asarray(
            np.bincount(self.code, weights=values, minlength=self.count), dtype=np.float64
        )

    def having(self, rows: NDArray[np.bool_]) -> int:
        """How many clusters have at least one such row."""
        return int(np.count_nonzero(np.bincount(self.code[rows], minlength=self.count)))


@dataclass(frozen=True)
class Predicted:
    """A version's predictions of a holdout's rows, and when it stopped learning.

    `values` have shape (rows,), or (rows, classes) for a multiclass task.
    """

    values: Floats
    known_at: dt.datetime


def require_legal(holdout: Holdout, predicted: Predicted) -> None:
    """Raise Contaminated where a row is older than what the version has learned from.

    Point 2 of the law of time: a version may be judged only on frames with as_of >= its
    known_at. Every metric of a holdout passes through here.
    """
    if predicted.values.shape[:1] != holdout.target.shape:
        raise DataError(
            f"predictions of shape {predicted.values.shape} for a holdout of shape "
            f"{holdout.target.shape}: give one prediction a row"
        )
    if predicted.known_at.tzinfo is None:
        raise DataError(f"known_at {predicted.known_at} has no time zone: give it in UTC")
    known_at = np.datetime64(predicted.known_at.astimezone(dt.UTC).replace(tzinfo=None), "us")
    illegal = ~(holdout.as_of >= known_at)
    if illegal.any():
        raise Contaminated(
            f"{int(illegal.sum())} of {len(illegal)} holdout rows, the first as of "
            f"{holdout.as_of[illegal].min()}, are older than {known_at}, when the version's last "
            "label was known: judge it on frames from then on"
        )
