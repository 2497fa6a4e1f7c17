"""Classes that training rows didn't have, which may come all the same."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.protocol import Rows
from model_refresh.records import Record

HALF_A_ROW = 0.5
"""Each class counts so much more than it has: none is impossible, or its log loss is infinite.

Jeffreys' prior of shares: (rows of the class + 1/2) / (all rows + classes / 2).
"""


class Unmet(Record):
    """The classes that were not met, and the probability that each has on every row."""

    places: tuple[int, ...] = ()
    share: float = 0.0

    @classmethod
    def among(cls, train: Rows) -> Self:
        """Those of the rows' declared classes that no row has."""
        met = set(np.unique(train.target).tolist())
        places = tuple(place for place in range(train.classes) if place not in met)
        share = HALF_A_ROW / (train.target.size + HALF_A_ROW * train.classes)
        return cls(places=places, share=share if places else 0.0)

    def blended(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities, shape (rows, classes), in which these classes have their share."""
        if not self.places:
            return chances
        known = np.delete(np.arange(chances.shape[1]), self.places)
        met = np.ascontiguousarray(chances[:, known])
        left = 1.0 - self.share * len(self.places)
        blended = np.full(chances.shape, self.share)
        blended[:, known] = left * met / met.sum(axis=1, keepdims=True)
        return blended
