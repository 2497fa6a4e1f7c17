"""What is found among the highest ranked: lift and cumulative gain."""

from dataclasses import dataclass, field

from model_refresh.metrics.cut import TopShare
from model_refresh.metrics.protocol import Assessed, Floats, Metric, ratio, undefined


@dataclass(frozen=True)
class Lift(Metric):
    """How many times the base rate is found among the rows that rank highest.

    Choose it where a fixed share is acted upon, as in a campaign, and models with different base
    rates are compared. Rows that tie at the border count in part. Undefined without a positive.
    The influence is that of a mean above a quantile, over the base rate (delta method).
    """

    tasks = ("binary",)
    direction = "maximise"
    cut: TopShare = field(default_factory=TopShare)

    @property
    def name(self) -> str:
        """`lift@10%`."""
        return f"lift@{self.cut.text}"

    @property
    def label(self) -> str:
        """`lift at 10%`."""
        return f"lift at {self.cut.text}"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The precision among those rows over the base rate."""
        found = self.cut.confusion(target, prediction)
        if found.positive.value == 0.0:
            return undefined(len(target))
        return ratio(ratio(found.hits, found.acted), found.positive)


@dataclass(frozen=True)
class Gain(Metric):
    """The share of all positive rows that is found among the rows that rank highest.

    A point of the cumulative gains chart, and the recall at that share: choose it where one asks
    how many of the cases an action would reach. Undefined without a positive.
    """

    tasks = ("binary",)
    direction = "maximise"
    cut: TopShare = field(default_factory=TopShare)

    @property
    def name(self) -> str:
        """`gain@10%`."""
        return f"gain@{self.cut.text}"

    @property
    def label(self) -> str:
        """`share of positives in the top 10%`."""
        return f"share of positives in the top {self.cut.text}"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Hits over positives."""
        found = self.cut.confusion(target, prediction)
        if found.positive.value == 0.0:
            return undefined(len(target))
        return ratio(found.hits, found.positive)
