"""Murphy's parts of the Brier score: reliability and resolution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked

_BINS = 10


@dataclass(frozen=True)
class BrierReliability(Metric):
    """The mean squared distance of predicted and observed rates over tenths of the prediction.

    Brier score = reliability - resolution + uncertainty (Murphy 1973), where uncertainty is the
    variance of the base rate, rate * (1 - rate), which no model can change; with predictions that
    differ within a tenth, up to what they differ by. 0 for right probabilities. Choose it to see
    whether a worse Brier score is one of level, which calibration mends. Noise within the tenths
    adds to it, about base rate * (1 - base rate) * 10 / rows (Ferro and Fricker 2012). Rows of
    equal prediction share a bin; the influence takes the bins as given.
    """

    name = "brier_reliability"
    label = "Brier reliability"
    tasks = ("binary",)
    direction = "minimise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The weighted mean over bins of (predicted - observed) squared."""
        return _Bins.of(prediction).mean_square(prediction - target)


@dataclass(frozen=True)
class BrierResolution(Metric):
    """The variance of the observed rate over tenths of the prediction: how well it separates.

    See `BrierReliability`; noise adds to it as much. At best it is the base rate's variance.
    Choose it to see whether a better Brier score is one of knowledge. Undefined where the
    prediction, or the outcome, is constant.
    """

    name = "brier_resolution"
    label = "Brier resolution"
    tasks = ("binary",)
    direction = "maximise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The weighted mean over bins of (observed - base rate) squared."""
        if np.ptp(prediction) == 0.0 or np.ptp(target) == 0.0:
            return undefined(len(target))
        return _Bins.of(prediction).mean_square(target - target.mean())


@dataclass(frozen=True)
class _Bins:
    """Rows by the tenth in which the middle of their ties lies, shape (rows,)."""

    code: NDArray[np.intp]

    @classmethod
    def of(cls, prediction: Floats) -> "_Bins":
        rows = len(prediction)
        middle = Ranked.of(prediction).below(np.ones(rows)) / rows
        return cls((middle * _BINS).astype(np.intp))

    def mean_square(self, values: Floats) -> Assessed:
        """The mean over rows of their bin's squared mean."""
        counts = np.maximum(np.bincount(self.code, minlength=_BINS), 1)
        means = (np.bincount(self.code, weights=values, minlength=_BINS) / counts)[self.code]
        mean = float(np.square(means).mean())
        return Assessed(mean, 2.0 * means * values - np.square(means) - mean)
