"""The area under the ROC curve, of two classes and of several."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked


@dataclass(frozen=True)
class RocAuc(Metric):
    """The probability that a positive row ranks above a negative one, ties counting half.

    Looks at the order only: choose it where a score ranks and its level does not matter.
    The influences are the placements of DeLong, DeLong and Clarke-Pearson (1988), found by
    midranks in n log n (Sun and Xu 2014); with clusters the error is that of Obuchowski (1997).
    Undefined where one class is absent.
    """

    name = "roc_auc"
    label = "ROC AUC"
    tasks = ("binary",)
    direction = "maximise"
    by_class = True

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The area."""
        return _area(target, prediction)


@dataclass(frozen=True)
class MacroAuc(Metric):
    """The mean over classes of the ROC AUC of each class against the rest, each counting the same.

    Choose it where classes are ranked one by one and the rare ones matter (Hand and Till 2001
    discuss the family). The influence is the mean of those of `RocAuc`. Undefined where a class
    of the prediction is absent among the targets.
    """

    name = "macro_auc"
    label = "macro ROC AUC"
    tasks = ("multiclass",)
    direction = "maximise"
    by_class = True

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The mean area."""
        areas = [
            _area((target == each).astype(np.float64), prediction[:, each])
            for each in range(prediction.shape[1])
        ]
        influence = np.mean([area.influence for area in areas], axis=0)
        return Assessed(float(np.mean([area.value for area in areas])), influence)


def _area(target: Floats, prediction: Floats) -> Assessed:
    """The area, from the mean placement."""
    positive = target == 1.0
    share = float(positive.mean())
    if share in {0.0, 1.0}:
        return undefined(len(target))
    rows, ranked = len(target), Ranked.of(prediction)
    among_negative = ranked.below(1.0 - target) / (rows * (1.0 - share))
    among_positive = ranked.above(target) / (rows * share)
    placement = np.where(positive, among_negative, among_positive)
    area = float(placement[positive].mean())
    return Assessed(area, (placement - area) / np.where(positive, share, 1.0 - share))
