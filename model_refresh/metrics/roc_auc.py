"""The area under the ROC curve."""

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked


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
