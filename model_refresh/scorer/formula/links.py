"""From the totals of a form to scores: one frozen record a link, `Link` is their union."""

from collections.abc import Sequence
from math import exp

from msgspec import Struct


class Classes(Struct, frozen=True, forbid_unknown_fields=True):
    """The classes of a multiclass task.

    `met` are the places of those that training rows had, `unmet_share` is the probability that each
    other one has on every row; 0 where there is no other.
    """

    count: int
    met: tuple[int, ...]
    unmet_share: float = 0.0

    def placed(self, odds: Sequence[float]) -> tuple[float, ...]:
        """Probabilities of all classes, which sum to 1, from what is proportional to `met`'s."""
        left = 1.0 - self.unmet_share * (self.count - len(self.met))
        whole = sum(odds)
        if len(self.met) == self.count:
            return tuple([each / whole for each in odds])
        chances = [self.unmet_share] * self.count
        for place, each in zip(self.met, odds, strict=True):
            chances[place] = left * (each / whole)
        return tuple(chances)


class Value(Struct, frozen=True, forbid_unknown_fields=True, tag="value"):
    """Totals are scores: of a regression, or chances already."""

    def scores(self, totals: Sequence[float]) -> tuple[float, ...]:
        """The same numbers."""
        return tuple(totals)


class Chance(Struct, frozen=True, forbid_unknown_fields=True, tag="chance"):
    """The total is log odds of class 1, cut at plus and minus `furthest` where that is not None."""

    furthest: float | None = None

    def scores(self, totals: Sequence[float]) -> tuple[float, ...]:
        """The probability of class 1."""
        return (_logistic(_cut(totals[0], self.furthest)),)


class Softmax(Struct, frozen=True, forbid_unknown_fields=True, tag="softmax"):
    """One total a class that was met; one more than `furthest` below the largest counts as that."""

    classes: Classes
    furthest: float | None = None

    def scores(self, totals: Sequence[float]) -> tuple[float, ...]:
        """The probability of each class."""
        largest = max(totals)
        if self.furthest is None:
            return self.classes.placed([exp(total - largest) for total in totals])
        least = -self.furthest
        return self.classes.placed([exp(max(total - largest, least)) for total in totals])


class Level(Struct, frozen=True, forbid_unknown_fields=True, tag="level"):
    """The total is a mean label of 0 and 1, kept `least` away from both."""

    least: float

    def scores(self, totals: Sequence[float]) -> tuple[float, ...]:
        """The probability of class 1."""
        return (min(max(totals[0], self.least), 1 - self.least),)


class Levels(Struct, frozen=True, forbid_unknown_fields=True, tag="levels"):
    """One mean label a class that was met, each kept `least` away from 0 and 1."""

    classes: Classes
    least: float

    def scores(self, totals: Sequence[float]) -> tuple[float, ...]:
        """The probability of each class."""
        most = 1 - self.least
        return self.classes.placed([min(max(total, self.least), most) for total in totals])


Link = Value | Chance | Softmax | Level | Levels


def _cut(total: float, furthest: float | None) -> float:
    return total if furthest is None else min(max(total, -furthest), furthest)


def _logistic(total: float) -> float:
    """1 / (1 + exp(-total)); 0 where exp is more than a float holds."""
    try:
        return 1 / (1 + exp(-total))
    except OverflowError:
        return 0.0
