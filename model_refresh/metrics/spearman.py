"""Spearman's rank correlation."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked


@dataclass(frozen=True)
class Spearman(Metric):
    """Pearson's correlation of the midranks of prediction and outcome (Spearman 1904).

    Looks at the order only, and outliers do not sway it. The influence is that of Croux and
    Dehon (2010), here with ties. Undefined where either is constant.
    """

    name = "spearman"
    label = "Spearman correlation"
    tasks = ("regression",)
    direction = "maximise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The correlation."""
        actual, predicted = Ranked.of(target), Ranked.of(prediction)
        if min(actual.levels, predicted.levels) < 2:
            return undefined(len(target))
        u, v = _grades(predicted), _grades(actual)
        cross = _Moment.of(u, v, u_ranked=predicted, v_ranked=actual)
        own = _Moment.of(u, u, u_ranked=predicted, v_ranked=predicted)
        other = _Moment.of(v, v, u_ranked=actual, v_ranked=actual)
        scale = np.sqrt(own.value * other.value)
        value = float(cross.value / scale)
        shrink = own.influence / own.value + other.influence / other.value
        return Assessed(value, cross.influence / scale - value / 2.0 * shrink)


class _Moment(Assessed):
    """The covariance of two columns of grades; every row also shifts the grades of others."""

    @classmethod
    def of(cls, u: Floats, v: Floats, *, u_ranked: Ranked, v_ranked: Ranked) -> "_Moment":
        rows = len(u)
        value = float((u * v).mean())
        shifted = u_ranked.above(v) / rows + v_ranked.above(u) / rows
        return cls(value, u * v + shifted - (u * v + shifted).mean())


def _grades(ranked: Ranked) -> Floats:
    """Midranks scaled to (0, 1) and centred."""
    rows = len(ranked.code)
    return ranked.below(np.ones(rows)) / rows - 0.5
