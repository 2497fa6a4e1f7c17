"""Where the line is drawn between rows that are acted upon and those that are left alone.

A cut is a parameter of a metric, written behind its name: `0.3` acts where the probability is
at least 0.3, `5%` on the highest twentieth, `500` on the 500 highest.
"""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, mean
from model_refresh.metrics.ranks import Ranked

_WINDOW = 0.025
"""Share of all rows, on either side of a border, from which the positive rate there is taken."""


@dataclass(frozen=True)
class Confusion:
    """Shares of all rows: acted upon, positive, and both (hits)."""

    acted: Assessed
    positive: Assessed
    hits: Assessed


@dataclass(frozen=True)
class Threshold:
    """Act where the probability is at least `probability`: where a decision has a fixed price."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.probability < 1.0:
            raise ValueError(f"a threshold lies between 0 and 1, met {self.probability}")

    @property
    def text(self) -> str:
        """As it is written: `0.3`."""
        return plain(self.probability)

    @property
    def label(self) -> str:
        """As it is said."""
        return f"at {self.text}"

    def confusion(self, target: Floats, prediction: Floats) -> Confusion:
        """Means over rows, each row decided by itself."""
        acts = (prediction >= self.probability).astype(np.float64)
        return Confusion(mean(acts), mean(target), mean(acts * target))


@dataclass(frozen=True)
class TopShare:
    """Act on the highest `percent` of rows: where a fixed share is treated, as in a campaign.

    Rows that tie at the border count in part, so that neither their order nor rounding matters.
    """

    percent: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 < self.percent <= 100.0:
            raise ValueError(f"a share lies above 0% and up to 100%, met {self.percent}%")

    @property
    def text(self) -> str:
        """As it is written: `5%`."""
        return f"{plain(self.percent)}%"

    @property
    def label(self) -> str:
        """As it is said."""
        return f"among the top {self.text}"

    def confusion(self, target: Floats, prediction: Floats) -> Confusion:
        """Hits have the influence of a mean above a quantile (see `_highest`)."""
        return _highest(self.percent / 100.0, target, prediction)


@dataclass(frozen=True)
class TopRows:
    """Act on the `count` highest rows, or on all where there are fewer: a fixed capacity.

    It is a capacity of all the rows that are judged together, of several frames as of one.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"a capacity is 1 or more rows, met {self.count}")

    @property
    def text(self) -> str:
        """As it is written: `500`."""
        return str(self.count)

    @property
    def label(self) -> str:
        """As it is said."""
        return f"among the top {self.text} rows"

    def confusion(self, target: Floats, prediction: Floats) -> Confusion:
        """That of the share of these rows that the capacity is."""
        return _highest(min(1.0, self.count / len(target)), target, prediction)


Cut = Threshold | TopShare | TopRows


def plain(number: float) -> str:
    """A number without exponent and needless zeros: 0.00001, 5, 2.5."""
    return np.format_float_positional(number, trim="-")


def _highest(share: float, target: Floats, prediction: Floats) -> Confusion:
    """The highest share of rows; one that enters it pushes out one at its border.

    The positive rate at the border is taken from the ranks within 2.5 percent of all rows, or
    less where the share itself is small, so that it is about the border and nothing else.
    """
    rows, ranked = len(target), Ranked.of(prediction)
    tied, positive = ranked.sums(np.ones(rows)), ranked.sums(target)
    near = min(_WINDOW, share / 2.0, (1.0 - share) / 2.0)
    around = _inside(tied, share + near) - _inside(tied, share - near)
    border = float(around @ positive) / max(float(around @ tied), 1e-12)
    inside = _inside(tied, share)[ranked.code]
    hits = float((inside * target).mean())
    influence = inside * target - hits - border * (inside - share)
    return Confusion(Assessed(share, np.zeros(rows)), mean(target), Assessed(hits, influence))


def _inside(tied: Floats, share: float) -> Floats:
    """How much of each level belongs to the highest `share` of all rows, in [0, 1].

    `tied` counts the rows of each level, from the lowest.
    """
    higher = np.cumsum(tied[::-1])[::-1] - tied
    return np.asarray(np.clip((share * tied.sum() - higher) / tied, 0.0, 1.0))
