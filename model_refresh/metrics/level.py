"""Whether predictions have the right level as a whole."""

from dataclasses import dataclass

from model_refresh.metrics.protocol import Assessed, Floats, Metric, mean, ratio, undefined


@dataclass(frozen=True)
class PredictedToActual(Metric):
    """The sum of predictions over the sum of outcomes: 1 where the level is right.

    The inverse of the observed-to-expected ratio of validation studies (Steyerberg 2019). Choose
    it where totals matter, such as the stock or the staff that predictions are planned for; errors
    that cancel out don't show. A ratio of two means, with its influence by the delta method,
    which wants outcomes whose sum is well above 0. Undefined unless that sum is above 0.
    """

    name = "predicted_to_actual"
    label = "predicted to actual"
    tasks = ("binary", "regression")
    direction = 1.0

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The ratio."""
        if not target.sum() > 0.0:
            return undefined(len(target))
        return ratio(mean(prediction), mean(target))
