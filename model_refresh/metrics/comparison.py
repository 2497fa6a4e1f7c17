"""Several predictions of the same holdout rows, metric by metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from model_refresh.metrics.holdout import Holdout, Predicted, require_legal
from model_refresh.metrics.intervals import detectable, gain_interval, value_interval
from model_refresh.metrics.protocol import Assessed, Metric, assess
from model_refresh.records import Interval, MetricComparison


def evaluate(metric: Metric, holdout: Holdout, predicted: Predicted) -> float:
    """The metric on the holdout; nan where undefined.

    Raises Contaminated where a row is older than the version's known_at, DataError where
    lengths differ.
    """
    require_legal(holdout, predicted)
    return metric.value(holdout.target, predicted.values)


def paired(
    metric: Metric, holdout: Holdout, new: Predicted, old: Predicted, *, confidence: float
) -> Interval:
    """The gain of `new` over `old` on the same rows, one-sided bounds each at `confidence`.

    Bounds are nan where there are fewer than 5 groups (of two classes: of either), where the two
    differ in fewer, or the metric is undefined. Raises as `evaluate` does.
    """
    ours, theirs = _assessed(metric, holdout, new), _assessed(metric, holdout, old)
    return gain_interval(metric, holdout, ours, theirs, confidence=confidence)


def compare_metrics(  # noqa: PLR0913  (three sides of one comparison)
    metrics: Sequence[Metric],
    holdout: Holdout,
    *,
    challenger: Predicted,
    constant: Predicted | None,
    incumbent: Predicted | None,
    confidence: float,
    power: float = 0.8,
) -> dict[str, MetricComparison]:
    """Each metric by its name, of the three on the same rows, with all gains between them.

    Where a metric is undefined for the constant (it has no ranks and no slope), `constant` and
    the gains over it are None. `power` is that of `detectable`. Raises as `evaluate` does.
    """
    levels = _Levels(confidence, power)
    sides = challenger, constant, incumbent
    return {each.name: _Sides.of(each, holdout, sides).compared(levels) for each in metrics}


@dataclass(frozen=True)
class _Levels:
    confidence: float
    power: float


@dataclass(frozen=True)
class _Sides:
    """One metric of everybody on the same rows; None where there is nobody or no value."""

    metric: Metric
    holdout: Holdout
    challenger: Assessed
    constant: Assessed | None
    incumbent: Assessed | None

    @classmethod
    def of(
        cls,
        metric: Metric,
        holdout: Holdout,
        sides: tuple[Predicted, Predicted | None, Predicted | None],
    ) -> "_Sides":
        challenger, constant, incumbent = sides
        plain = None if constant is None else _assessed(metric, holdout, constant)
        return cls(
            metric=metric,
            holdout=holdout,
            challenger=_assessed(metric, holdout, challenger),
            constant=plain if plain is not None and isfinite(plain.value) else None,
            incumbent=None if incumbent is None else _assessed(metric, holdout, incumbent),
        )

    def compared(self, levels: _Levels) -> MetricComparison:
        gained = self._gain(self.challenger, self.incumbent, levels)
        return MetricComparison(
            metric=self.metric.name,
            challenger=self.challenger.value,
            constant=self.constant and self.constant.value,
            incumbent=self.incumbent and self.incumbent.value,
            gain_over_constant=self._gain(self.challenger, self.constant, levels),
            gain_over_incumbent=gained,
            incumbent_over_constant=self._gain(self.incumbent, self.constant, levels),
            challenger_interval=self._interval(self.challenger, levels),
            incumbent_interval=self._interval(self.incumbent, levels),
            detectable=gained and detectable(self.metric, self.holdout, gained, power=levels.power),
        )

    def _gain(self, new: Assessed | None, old: Assessed | None, levels: _Levels) -> Interval | None:
        if new is None or old is None:
            return None
        return gain_interval(self.metric, self.holdout, new, old, confidence=levels.confidence)

    def _interval(self, side: Assessed | None, levels: _Levels) -> Interval | None:
        if side is None:
            return None
        return value_interval(self.metric, self.holdout, side, confidence=levels.confidence)


def _assessed(metric: Metric, holdout: Holdout, predicted: Predicted) -> Assessed:
    require_legal(holdout, predicted)
    return assess(metric, holdout.target, predicted.values)
