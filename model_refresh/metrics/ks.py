"""The Kolmogorov-Smirnov distance of the two classes' scores."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked


@dataclass(frozen=True)
class KolmogorovSmirnov(Metric):
    """The most by which the true positive rate differs from the false positive rate at any cut.

    The custom of credit scoring (Kolmogorov 1933, Smirnov 1939; Hand 2009 on its limits): how
    well the one best cut separates. The influence is that of the two rates at the maximising cut,
    as moving the cut changes nothing to first order; a maximum is biased upward by noise.
    Undefined where one class is absent or the prediction is constant.
    """

    name = "ks"
    label = "KS"
    tasks = ("binary",)
    direction = "maximise"
    by_class = True

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The distance."""
        share, ranked = float(target.mean()), Ranked.of(prediction)
        if share in {0.0, 1.0} or ranked.levels < 2:
            return undefined(len(target))
        positive, negative = (ranked.sums(which) for which in (target, 1.0 - target))
        gaps = np.cumsum(positive)[:-1] / positive.sum() - np.cumsum(negative)[:-1] / negative.sum()
        cut = int(np.argmax(np.abs(gaps)))
        gap = float(gaps[cut])
        lower = (ranked.code <= cut).astype(np.float64)
        signed = np.sign(gap) * np.where(target == 1.0, lower / share, -lower / (1.0 - share))
        return Assessed(abs(gap), signed - _by_class(signed, target))


def _by_class(values: Floats, target: Floats) -> Floats:
    """Each row's class's mean."""
    positive = target == 1.0
    means = float(values[positive].mean()), float(values[~positive].mean())
    return np.where(positive, means[0], means[1])
