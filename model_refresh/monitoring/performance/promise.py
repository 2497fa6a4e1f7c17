"""What was promised when a champion came into production, and how far it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics import Metric
from model_refresh.metrics.intervals import MIN_GROUPS, error_of
from model_refresh.monitoring.performance.sides import Terms
from model_refresh.records import Entry, Graded, Interval, MetricComparison, Promised
from model_refresh.storage import ModelStore


@dataclass(frozen=True)
class Promise:
    """The challenger's figures on the holdout that its promotion rests on, by metric."""

    comparison: str
    metrics: Mapping[str, MetricComparison]

    def beside(self, champion: Graded, terms: Terms) -> tuple[Promised, ...]:
        """Each metric that was promised and has a realised value."""
        return tuple(
            _promised(metric, self.metrics[metric.name], champion, confidence=terms.shown)
            for metric in terms.metrics
            if metric.name in self.metrics and metric.name in champion.metrics
        )

    def skill(self, terms: Terms) -> Interval | None:
        """The promised 1 - loss / the constant's loss; None where the loss was not compared.

        Of L and the constant's C only the errors of L and of C - L are kept. With r = L / C, the
        delta method gives C^2 Var(skill) = (1 - r) Var(L) + r Var(C - L) - r (1 - r) Var(C), so
        for r <= 1 the first two terms are an upper bound of it.
        """
        judged = self.metrics.get(terms.loss.name)
        if judged is None or judged.gain_over_constant is None or not judged.constant:
            return None
        gain, value = judged.gain_over_constant, judged.challenger_interval
        share = min(judged.challenger / judged.constant, 1.0)
        own = error_of(value) if value is not None else error_of(gain)
        variance = (1.0 - share) * own**2 + share * error_of(gain) ** 2
        width = float(np.sqrt(variance)) / judged.constant
        return _interval(gain.estimate / judged.constant, width, like=gain)


def find_promise(store: ModelStore, entry: Entry) -> Promise | None:
    """What the promotion of the entry's version promised; None where it was never promoted.

    A rollback or an override brings a version back that may have been promoted before.
    """
    for line in reversed(store.champion.lines()):
        found = line.record
        if found.kind != "promotion" or found.version != entry.version:
            continue
        verdict = store.verdicts(found.as_of).holding(found.verdict or "")
        if verdict is None:
            return None
        compared = store.comparisons(found.as_of).holding(verdict.record.comparison)
        if compared is None:
            return None
        return Promise(compared.record.digest(), compared.record.metrics)
    return None


def short_of(promised: Interval, realised: Interval, *, tolerance: float) -> Interval:
    """What is missing of (1 - tolerance) of the promise; both sides count with their errors.

    Different rows, so the variances add up; bounds are nan where either has none.
    """
    kept = 1.0 - tolerance
    estimate = kept * promised.estimate - realised.estimate
    error = float(np.hypot(kept * error_of(promised), error_of(realised)))
    groups = min(promised.groups, realised.groups)
    like = realised.model_copy(update={"groups": groups})
    return _interval(estimate, error, like=like)


def _promised(
    metric: Metric, judged: MetricComparison, champion: Graded, *, confidence: float
) -> Promised:
    realised = champion.metrics[metric.name]
    own, met = judged.challenger_interval, champion.intervals.get(metric.name)
    shortfall = None
    if own is not None and met is not None and not isinstance(metric.direction, float):
        estimate = metric.gain(judged.challenger, realised)
        error = float(np.hypot(error_of(own), error_of(met)))
        like = met.model_copy(
            update={"groups": min(own.groups, met.groups), "confidence": confidence}
        )
        shortfall = _interval(estimate, error, like=like)
    return Promised(
        metric=metric.name,
        value=judged.challenger,
        interval=own,
        realised=realised,
        shortfall=shortfall,
    )


def _interval(estimate: float, error: float, *, like: Interval) -> Interval:
    """An estimate with one-sided bounds from its standard error, in Student's t."""
    from scipy.special import stdtrit

    width = np.nan
    if like.groups >= MIN_GROUPS:
        width = float(stdtrit(like.groups - 1, like.confidence)) * error
    return Interval(
        estimate=estimate,
        lower=estimate - width,
        upper=estimate + width,
        confidence=like.confidence,
        groups=like.groups,
    )
