"""The mean label of each category, blended with the overall mean.

A category's mean counts with its n rows, the overall mean as if it had m rows more: the m-estimate
of D. Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes in
classification and prediction problems, SIGKDD Explorations 3(1), 2001. With m the variance within
categories over that between them it is the best linear guess (their empirical Bayes), and a mean
of few rows tells as much for its size as one of many: what is learned from early rows, whose
categories had few known labels, holds for rows to be scored, whose categories have many.
"""

import numpy as np
from numpy.typing import NDArray

_LEAST = 1.0
_MOST = 1e6
"""m where categories don't differ: a mean is then the overall one, for any use."""
_UNTOLD = 10.0
"""m where no category has two rows, or there is only one: nothing tells how much they differ."""


class KnownMeans:
    """The labels known so far, by the place of their category.

    Of `size` places the last one takes the rows of all categories that aren't told apart.
    """

    def __init__(self, size: int) -> None:
        self._sums = np.zeros(size)
        self._count = np.zeros(size, dtype=np.int64)
        self._squares = 0.0

    def add(self, place: NDArray[np.intp], target: NDArray[np.float64]) -> None:
        """Learn labels; both of shape (rows,)."""
        np.add.at(self._sums, place, target)
        np.add.at(self._count, place, 1)
        self._squares += float(np.square(target[place < len(self._sums) - 1]).sum())

    def blended(self, smoothing: float | None) -> NDArray[np.float64]:
        """Each place's mean; of the last place the overall mean; shape (size,).

        `smoothing` is m; None: as the labels tell. NaN where no label is known.
        """
        known = int(self._count.sum())
        if known == 0:
            return np.full(len(self._sums), np.nan)
        prior = float(self._sums.sum()) / known
        m = self.told_smoothing() if smoothing is None else smoothing
        means = (self._sums + m * prior) / (self._count + m)
        means[-1] = prior
        return np.asarray(means)

    def told_smoothing(self) -> float:
        """Variance within categories over variance between them, in [1, 1e6].

        By the method of moments for groups of unequal size (S. R. Searle, Linear Models, 1971,
        chapter 10): the sums of squares within and between groups, set to what they are expected
        to be.
        """
        sums, count = self._sums[:-1], self._count[:-1]
        sums, count = sums[count > 0], count[count > 0]
        groups, rows = len(count), int(count.sum())
        if groups < 2 or rows <= groups:
            return _UNTOLD
        explained = float((sums**2 / count).sum())
        within = max(0.0, self._squares - explained) / (rows - groups)
        spread = explained - float(sums.sum()) ** 2 / rows - (groups - 1) * within
        between = spread / (rows - float((count.astype(np.float64) ** 2).sum()) / rows)
        if between <= within / _MOST:
            return _MOST
        return max(_LEAST, within / between)
