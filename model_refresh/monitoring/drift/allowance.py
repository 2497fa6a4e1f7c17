"""How far a measure may go: its declared limit, chance, and what the reference differs by itself.

All three are added as squares of distances, as variances of independent causes are. A square is
of a divergence (stability index, Jensen-Shannon) its value, which near zero is the square of how
far two distributions are apart; of a distance its square; of a ROC AUC the square of the gap
between two bell curves of variance 1 that are told apart as well.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from model_refresh.metrics.protocol import Floats

Kind = Literal["divergence", "distance", "area"]

CHANCE = 0.01
"""How often samples without any shift are above what is allowed for chance alone."""
_OF_EFFECT = 0.005
"""How often an effect that is normal, of either side, is above what is allowed for it."""
_OF_DISTANCE = 0.001
"""How often a distance that is itself normal is."""
_MOST_TIMES = 20.0
_LEAST_FRAMES = 3
_MOST_AREA = 0.999
"""Nearer to 1 a ROC AUC says the same: each row is told apart. A limit that reaches it is none."""


@dataclass(frozen=True)
class Measured:
    """One measure of the frame, and its limit; None: it is not asked for."""

    name: str
    value: float
    limit: float | None

    @property
    def is_breach(self) -> bool:
        """Whether it is above; what can't be told is not."""
        return self.limit is not None and self.value > self.limit


@dataclass(frozen=True)
class Asked:
    """A measure that is asked for: its declared limit, None for not at all.

    `looks` is at how many features one looks together.
    """

    name: str
    limit: float | None
    kind: Kind = "divergence"
    looks: int = 1


def measured(asked: Asked, values: Floats, chances: Floats) -> Measured:
    """The last of `values` with its limit; the others are the reference's own frames.

    Each of those was held against the others. `chances` are what chance alone allows each of them,
    as squares; both have shape (frames,).
    """
    value, kind = float(values[-1]), asked.kind
    if asked.limit is None or not np.isfinite(value):
        return Measured(asked.name, value, None)
    own = squares(values[:-1], kind) - chances[:-1]
    natural = natural_distance(np.sqrt(np.maximum(own, 0.0)), looks=asked.looks)
    square = float(squares(np.array([asked.limit]), kind)[0] + chances[-1] + natural**2)
    return Measured(asked.name, value, _value(square, kind))


def natural_distance(own: Floats, *, looks: int = 1) -> float:
    """The distance that a further frame like these keeps below; `own` are theirs, shape (frames,).

    The upper end of a prediction interval, t with k - 1 degrees of freedom (Hahn and Meeker 1991,
    Statistical Intervals), in two ways, of which the smaller counts. Where one effect moves frames,
    such as the weather, distances are an effect's sizes: t times their root mean square. Where
    many do, distances lie close together: mean + t s sqrt(1 + 1/k). The chance to be above is
    shared by all `looks`. 0 of fewer than two frames: nothing is known then.
    """
    from scipy.special import stdtrit  # here: for the command line

    kept = own[np.isfinite(own)]
    count = len(kept)
    if count < 2:
        return 0.0
    times = float(stdtrit(count - 1, 1 - _OF_EFFECT / max(looks, 1)))
    of_effect = min(times, _MOST_TIMES) * float(np.sqrt(np.square(kept).mean()))
    if count < _LEAST_FRAMES:
        return of_effect  # both of two frames have the same distance: no spread
    quantile = float(stdtrit(count - 1, 1 - _OF_DISTANCE / max(looks, 1)))
    spread = float(kept.std(ddof=1)) * float(np.sqrt(1 + 1 / count))
    return min(float(kept.mean()) + quantile * spread, of_effect)


def squares(values: Floats, kind: Kind) -> Floats:
    """Values of a measure as squares of distances."""
    match kind:
        case "divergence":
            return values
        case "distance":
            return np.square(values)
        case "area":
            from scipy.special import ndtri  # here: for the command line

            return np.asarray(2 * np.square(ndtri(np.clip(values, 0.5, _MOST_AREA))))
        case _:
            assert_never(kind)


def _value(square: float, kind: Kind) -> float:
    """The value of a measure whose square this is."""
    if kind == "divergence":
        return square
    if kind == "distance":
        return float(np.sqrt(square))
    from scipy.special import ndtr  # here: for the command line

    area = float(ndtr(np.sqrt(square / 2)))
    return area if area < _MOST_AREA else 1.0
