"""Comparisons as the comparison step leaves them."""

import datetime as dt
import math

from model_refresh.metrics import metric as metric_named
from model_refresh.metrics import names
from model_refresh.records import (
    Clause,
    Comparison,
    Footprint,
    Incumbent,
    Interval,
    MetricComparison,
    Migration,
    Slice,
    SliceComparison,
    Task,
)

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
DIGEST = "0" * 64
GOOD = {
    "log_loss": 0.25, "roc_auc": 0.8, "average_precision": 0.4, "brier": 0.07, "value": -0.3,
    "calibration_slope": 1.1, "calibration_intercept": 0.1, "predicted_to_actual": 1.02,
    "rmse": 2.0, "mae": 1.5, "r2": 0.6, "slope": 1.1, "intercept": 0.1, "spearman": 0.8,
}  # fmt: skip
"""Any other metric is 0.5."""


def make_interval(
    estimate: float, half_width: float, *, groups: int = 2357, confidence: float = 0.95
) -> Interval:
    return Interval(
        estimate=estimate,
        lower=estimate - half_width,
        upper=estimate + half_width,
        confidence=confidence,
        groups=groups,
    )


def make_values(
    name: str,
    *,
    challenger: float | None = None,
    gain: float = 0.01,
    half_width: float = 0.002,
    over_constant: Interval | None = None,
    constant: float | None = 0.4,
) -> MetricComparison:
    """One metric; `gain` over the incumbent with its one-sided half-width."""
    ours = GOOD.get(name, 0.5) if challenger is None else challenger
    direction = metric_named(name).direction
    return MetricComparison(
        metric=name,
        challenger=ours,
        constant=constant,
        incumbent=ours - gain if direction == "maximise" else ours + gain,
        gain_over_constant=over_constant or make_interval(0.1, 0.02),
        gain_over_incumbent=make_interval(gain, half_width),
        incumbent_over_constant=make_interval(0.09, 0.02),
        challenger_interval=make_interval(ours, 0.02),
    )


def make_slice(
    value: str = "gold",
    *,
    gain: Interval | None = make_interval(0.002, 0.004),  # noqa: B008  (a frozen value)
    rows: int = 212,
) -> SliceComparison:
    """The customers of one segment."""
    part = Slice(source="declared", clauses=(Clause(column="segment", values=(value,)),))
    return SliceComparison(
        slice=part, metric="log_loss", rows=rows, challenger=0.25, incumbent=0.252, gain=gain
    )


def make_migration(*, decile: float = 0.3, tier: float | None = 0.05) -> Migration:
    return Migration(
        moves=(),
        decile_share=decile,
        tiers=() if tier is None else (0.5,),
        tier_share=tier,
        correlation=0.98,
        risers=10,
        fallers=12,
    )


def make_incumbent(*, incomparable: str | None = None) -> Incumbent:
    return Incumbent(
        entry=3, entry_digest=DIGEST, version="v3", trial="t3", incomparable=incomparable
    )


def make_comparison(
    *values: MetricComparison,
    task: Task = "binary",
    primary: str | None = None,
    incumbent: Incumbent | None = make_incumbent(),  # noqa: B008  (a frozen value)
    challenger: str | None = "lightgbm",
) -> Comparison:
    """All metrics of the task at good values, but those that are given."""
    metrics = {name: make_values(name) for name in (*names(task), "value")}
    metrics |= {each.metric: each for each in values}
    alone = incumbent is None or incumbent.incomparable is not None
    if alone:
        metrics = {name: _alone(each) for name, each in metrics.items()}
    return Comparison(
        as_of=MONDAY,
        task=task,
        primary=primary or names(task)[0],
        dataset=DIGEST,
        candidates=(DIGEST,),
        challenger=challenger,
        trial=challenger and "trial",
        artifact=challenger and DIGEST,
        incumbent=incumbent,
        holdout=(MONDAY - dt.timedelta(days=28),),
        rows=2357,
        confidence=0.95,
        metrics=metrics if challenger is not None else {},
        slices=(make_slice(gain=None) if alone else make_slice(),),
        migration=None if alone else make_migration(),
        footprint=Footprint(size_bytes=3_000_000, latency_ms=1.25),
    )


def without_bounds(estimate: float, *, groups: int) -> Interval:
    return Interval(
        estimate=estimate, lower=math.nan, upper=math.nan, confidence=0.95, groups=groups
    )


def _alone(values: MetricComparison) -> MetricComparison:
    return values.model_copy(
        update={"incumbent": None, "gain_over_incumbent": None, "incumbent_over_constant": None}
    )
