"""Sums over the rows that lie below or above each row, ties included, in one sort."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics.protocol import Floats


@dataclass(frozen=True)
class Ranked:
    """Rows by value: `code` is the number of distinct lower values, shape (rows,)."""

    code: NDArray[np.intp]
    levels: int

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Sort once."""
        order = np.argsort(values)
        ascending = values[order]
        steps = ascending[1:] != ascending[:-1]
        code = np.zeros(len(values), dtype=np.intp)
        code[order[1:]] = np.cumsum(steps)
        return cls(code, int(np.count_nonzero(steps)) + min(len(values), 1))

    def tied(self, weights: Floats) -> Floats:
        """For each row, the sum of weights over the rows of equal value, its own included."""
        return self.sums(weights)[self.code]

    def at_most(self, weights: Floats) -> Floats:
        """For each row, the sum of weights over the rows of at most its value."""
        return np.cumsum(self.sums(weights))[self.code]

    def at_least(self, weights: Floats) -> Floats:
        """For each row, the sum of weights over the rows of at least its value."""
        return np.cumsum(self.sums(weights)[::-1])[::-1][self.code]

    def below(self, weights: Floats) -> Floats:
        """For each row, the sum of weights over lower rows, and half of that over equal ones."""
        sums = self.sums(weights)
        return (np.cumsum(sums) - sums / 2.0)[self.code]

    def above(self, weights: Floats) -> Floats:
        """For each row, the sum of weights over higher rows, and half of that over equal ones."""
        sums = self.sums(weights)
        return (np.cumsum(sums[::-1])[::-1] - sums / 2.0)[self.code]

    def sums(self, weights: Floats) -> Floats:
        """The sum of weights at each distinct value, from the lowest; shape (levels,)."""
        return np.asarray(
            np.bincount(self.code, weights=weights, minlength=self.levels), dtype=np.float64
        )
