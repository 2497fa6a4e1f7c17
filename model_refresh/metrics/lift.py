"""Lift among the highest ranked."""

from typing import ClassVar

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked

_WINDOW = 0.025


class LiftAtTenth(Metric):
    """How many times the base rate is found among the tenth of rows that rank highest.

    Choose it where a fixed share is acted upon, as in a campaign. Rows that tie at the border
    count in part, so that neither their order nor rounding matters. Undefined without a positive.

    The influence is that of a mean above a quantile: a row that enters the tenth pushes out one
    at its border, where the positive rate is taken from ranks within 2.5 percent of all rows.
    """

    name = "lift_at_10"
    label = "lift at 10%"
    tasks = ("binary",)
    direction = "maximise"
    share: ClassVar[float] = 0.1

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The lift."""
        rate = float(target.mean())
        if rate == 0.0:
            return undefined(len(target))
        ranked = Ranked.of(prediction)
        inside = _inside(ranked, self.share)
        lift = float((inside * target).mean()) / (self.share * rate)
        wider = _inside(ranked, self.share + _WINDOW) - _inside(ranked, self.share - _WINDOW)
        border = float((wider * target).mean()) / (2.0 * _WINDOW)
        found = inside * target - border * (inside - self.share)
        return Assessed(lift, found / (self.share * rate) - lift * target / rate)


def _inside(ranked: Ranked, share: float) -> Floats:
    """How much of each row belongs to the highest `share` of all rows, in [0, 1]."""
    one = np.ones(len(ranked.code))
    ties = ranked.tied(one)
    higher = ranked.at_least(one) - ties
    return np.clip((share * len(one) - higher) / ties, 0.0, 1.0)
