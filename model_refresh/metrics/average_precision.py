"""Average precision."""

from dataclasses import dataclass

from model_refresh.metrics.protocol import Assessed, Floats, Metric, undefined
from model_refresh.metrics.ranks import Ranked


@dataclass(frozen=True)
class AveragePrecision(Metric):
    """The mean, over positive rows, of the precision among the rows ranked at least as high.

    The step-wise area under the precision-recall curve, as in scikit-learn. Choose it for rare
    classes of which a list from the top is worked through; the constant's value is the base rate.
    The influence is the derivative of that mean by each row's weight (Clemencon and Vayatis 2009
    treat the estimator). Undefined without a positive row.
    """

    name = "average_precision"
    label = "average precision"
    tasks = ("binary",)
    direction = "maximise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The average precision."""
        rows, positives = len(target), float(target.sum())
        if positives == 0.0:
            return undefined(rows)
        ranked = Ranked.of(prediction)
        retrieved = ranked.at_least(target**0)
        precision = ranked.at_least(target) / retrieved
        average = float((target * precision).sum()) / positives
        joined = target * ranked.at_most(target / retrieved)
        diluted = ranked.at_most(target * precision / retrieved)
        influence = (target * (precision - average) + joined - diluted) * (rows / positives)
        return Assessed(average, influence)
