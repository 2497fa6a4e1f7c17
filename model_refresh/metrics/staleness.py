"""What a week of age costs: a line through the gains over former champions, by their age.

At each refresh the challenger and the former champions are judged on the same holdout. A gain
over an older champion that is larger than that over a younger one is the price of age.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics.intervals import MIN_GROUPS
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Freshness, Interval

Advice = Literal["weekly", "monthly", "recalibrate only", "no value seen", "not known yet"]

CONFIDENCE = 0.95
"""Of each bound of the loss a week."""
MONTH_WEEKS, HALF_YEAR_WEEKS = 4, 26


@dataclass(frozen=True)
class AgedPoint:
    """A former champion on one holdout; gains are positive where the challenger is better.

    `refresh` is the refresh's date as an ordinal, in days: points of one date share a holdout.
    Gains are in the primary metric's unit. `error` is the standard error of the gain.
    `recalibrated` is what is left of the gain once both sides were brought to the holdout's level
    and slope; None where it is not known.
    """

    refresh: int
    age_days: float
    gain: float
    error: float
    recalibrated: float | None = None


def estimate_freshness(
    points: Sequence[AgedPoint], *, margin: float, metric_label: str
) -> Freshness:
    """How much a week of age costs, and how often a refresh is worth having.

    The loss a week is the slope of a least-squares line through all points, gain on age in
    weeks, each bound at 95%. The line has an intercept: all points of a holdout share the
    challenger's luck and its own age, which say nothing of the price of age. For the same reason
    they are not independent: the error is clustered by holdout (Liang and Zeger 1986). Nor are
    neighbouring holdouts, which look back on the same weeks of drift: their scores are counted
    together the more, the nearer they are (Newey and West 1987, up to twice the oldest age), where
    that is more. Student's t has the degrees of freedom of that sum, and so one less than there
    are holdouts where none overlap. Two years of weeks hold few that are independent: simulated
    without drift a bound errs in 2 of 100, with drift in 4 to 12. A holdout counts by its
    precision, up to twice an ordinary one.

    Advice, where the cost of waiting is the loss a week times the weeks (the line is continued
    beyond the oldest champion that was judged):

    - `no value seen`: half a year costs less than the margin, even at the upper bound;
    - `weekly`: half a year costs more than the margin, even at the lower bound, and four weeks
      do so by the estimate;
    - `monthly`: the same, but four weeks cost no more than the margin;
    - `recalibrate only`: half a year costs more than the margin at the lower bound, but after
      recalibration less than the margin at the upper bound;
    - `not known yet`: fewer than 5 holdouts, all champions of one age, or half a year's cost
      may be less or more than the margin.
    """
    usable = [point for point in points if np.isfinite([point.age_days, point.gain]).all()]
    loss = _loss_a_week(usable, np.array([point.gain for point in usable]))
    told = _Told(loss, _recalibrated(usable), margin, metric_label)
    return Freshness(
        advice=told.advice,
        sentence=told.sentence,
        loss_a_week=loss,
        refreshes=len({point.refresh for point in usable}),
        points=len(usable),
    )


@dataclass(frozen=True)
class _Told:
    """The estimates, as advice and in words."""

    loss: Interval | None
    recalibrated: Interval | None
    margin: float
    label: str

    @property
    def advice(self) -> Advice:
        if self.loss is None:
            return "not known yet"
        if self.loss.upper * HALF_YEAR_WEEKS < self.margin:
            return "no value seen"
        if not self.loss.lower * HALF_YEAR_WEEKS > self.margin:
            return "not known yet"
        left = self.recalibrated
        if left is not None and left.upper * HALF_YEAR_WEEKS < self.margin:
            return "recalibrate only"
        return "weekly" if self.loss.estimate * MONTH_WEEKS > self.margin else "monthly"

    @property
    def sentence(self) -> str:
        loss = self.loss
        if loss is None:
            return (
                "what a week of age costs is not known yet: it takes former champions of "
                f"different ages on at least {MIN_GROUPS} holdouts"
            )
        return (
            f"a week of age costs {loss.estimate:.2g} of {self.label} ({loss.lower:.2g} to "
            f"{loss.upper:.2g}, each bound at {loss.confidence:.0%}, {loss.groups} holdouts): "
            f"{self._meaning(loss)}"
        )

    def _meaning(self, loss: Interval) -> str:
        month, half_year = MONTH_WEEKS * loss.estimate, HALF_YEAR_WEEKS * loss.estimate
        margin = f"the margin of {self.margin:.2g}"
        low, high = (HALF_YEAR_WEEKS * bound for bound in (loss.lower, loss.upper))
        left = self.recalibrated
        after = 0.0 if left is None else HALF_YEAR_WEEKS * left.upper
        return {
            "weekly": f"four weeks cost {month:.2g}, more than {margin}: refresh weekly",
            "monthly": f"four weeks cost {month:.2g}, within {margin}, and half a year "
            f"{half_year:.2g}: a refresh a month will do",
            "recalibrate only": f"half a year costs {half_year:.2g}, more than {margin}, but at "
            f"most {after:.2g} after recalibration: recalibrating will do",
            "no value seen": f"half a year costs at most {high:.2g}, within {margin}: no value of "
            "a refresh is seen",
            "not known yet": f"half a year costs between {low:.2g} and {high:.2g}, which may be "
            f"less or more than {margin}: not known yet",
        }[self.advice]


def _recalibrated(points: Sequence[AgedPoint]) -> Interval | None:
    known = [(p, p.recalibrated) for p in points if p.recalibrated is not None]
    kept = [(point, left) for point, left in known if np.isfinite(left)]
    return _loss_a_week([point for point, _ in kept], np.array([left for _, left in kept]))


def _loss_a_week(points: Sequence[AgedPoint], gains: Floats) -> Interval | None:
    """The slope of gains by age in weeks; None where the points can't tell it."""
    weeks = np.array([point.age_days for point in points]) / 7.0
    holdouts, code = np.unique([point.refresh for point in points], return_inverse=True)
    if len(holdouts) < MIN_GROUPS or len(points) < 3 or np.ptp(weeks) == 0.0:
        return None
    weight = _weights(np.array([point.error for point in points]), code)
    centred = weeks - np.average(weeks, weights=weight)
    leverage = weight * centred / (weight @ centred**2)
    slope = float(leverage @ gains)
    residual = gains - slope * centred
    residual = residual - np.average(residual, weights=weight)
    scores = np.asarray(np.bincount(code, weights=leverage * residual), dtype=np.float64)
    width = _width(scores, _overlaps(holdouts, 7.0 * float(weeks.max())), rows=len(points))
    return Interval(
        estimate=slope,
        lower=slope - width,
        upper=slope + width,
        confidence=CONFIDENCE,
        groups=len(holdouts),
    )


def _width(scores: Floats, kernel: Floats, *, rows: int) -> float:
    """From the slope to its bound, of each holdout's share in the slope's error."""
    from scipy.special import stdtrit

    groups = len(scores)
    corrected = groups / (groups - 1) * (rows - 1) / (rows - 2)
    freedom = max(groups**2 / float(np.square(kernel).sum()) - 1.0, 1.0)
    variance = max(float(scores @ scores), float(scores @ kernel @ scores))
    return float(stdtrit(freedom, CONFIDENCE) * np.sqrt(corrected * variance))


def _overlaps(days: NDArray[np.int_], oldest: float) -> Floats:
    """How much two holdouts count together: 1 to 0, shape (holdouts, holdouts).

    Bartlett's weights. Within one oldest age they look back on the same weeks; weights that fall
    to 0 there would count only half of what is shared.
    """
    apart = np.abs(days[:, None] - days[None, :])
    return np.asarray(np.maximum(1.0 - apart / (2.0 * oldest), 0.0))


def _weights(errors: Floats, code: NDArray[np.intp]) -> Floats:
    """One weight a holdout: by its mean squared error plus that of an ordinary one."""
    counts = np.bincount(code)
    squares = np.bincount(code, weights=np.square(errors)) / counts
    if not (np.isfinite(squares).all() and squares.max() > 0.0):
        return np.ones(len(code))
    return np.asarray((1.0 / (squares + np.median(squares) + squares.max() * 1e-6))[code])
