"""Two years of weekly refreshes of a world that drifts at a known speed.

The truth is a random walk of 40 coordinates; a version learns them with some luck of its own, and
loses half of its squared distance from the truth. So a week of age costs half of what the truth
moves in a week, on average and exactly. In some coordinates a version differs from the truth in
level only, which recalibration makes up for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.staleness import AgedPoint

MARGIN = 0.004
"""In log loss; every cost below is told in margins."""
FORMER = 8
"""So many former champions are judged on each holdout."""


@dataclass(frozen=True)
class Drift:
    """`month`: what four weeks of age cost, in margins; `level_share` of it is one of level."""

    month: float
    level_share: float = 0.0
    refreshes: int = 104
    noise: float = 0.5
    """The standard error of a gain on one holdout, in margins."""

    @property
    def loss_a_week(self) -> float:
        """The true price of a week."""
        return self.month * MARGIN / 4.0

    def points(self, seed: int) -> list[AgedPoint]:
        """What the refreshes would record; the challenger itself is a week old."""
        rng = np.random.default_rng(seed)
        coordinates = 40
        is_level = np.arange(coordinates) < self.level_share * coordinates
        step = np.sqrt(2.0 * self.loss_a_week / coordinates)
        truth = np.cumsum(rng.normal(size=(self.refreshes + 1, coordinates)) * step, axis=0)
        luck = rng.normal(size=truth.shape) * np.sqrt(MARGIN / coordinates)
        return [
            point
            for week in range(1, self.refreshes + 1)
            for point in self._judged(rng, week, truth[week], truth + luck, is_level)
        ]

    def _judged(
        self,
        rng: np.random.Generator,
        week: int,
        truth: Floats,
        versions: Floats,
        is_level: np.ndarray,
    ) -> Iterator[AgedPoint]:
        """Half of the noise is shared by all former champions: it is the challenger's."""
        losses = np.square(versions - truth) / 2.0
        shared = rng.normal() * np.sqrt(0.5)
        for version in range(max(0, week - 1 - FORMER), week - 1):
            gain = losses[version] - losses[week - 1]
            error = self.noise * MARGIN
            luck = error * (shared + rng.normal() * np.sqrt(0.5))
            yield AgedPoint(
                refresh=7 * week,
                age_days=7.0 * (week - version),
                gain=float(gain.sum()) + luck,
                error=error,
                recalibrated=float(gain[~is_level].sum()) + luck,
            )


DRIFTS = {
    "no value seen": Drift(month=0.0),
    "monthly": Drift(month=0.5),
    "weekly": Drift(month=2.0),
    "recalibrate only": Drift(month=2.0, level_share=1.0),
}
"""By the advice that each should get."""
