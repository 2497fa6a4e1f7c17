"""Staleness: how former champions do on this holdout, and what that says of refreshing.

Each is its trial twin, on its own frames, and only where the law of time lets it be judged.
"""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from model_refresh.algorithms.version import load_version
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.gates import Margin, NonInferior
from model_refresh.metrics import Holdout, Metric, Predicted, metric, paired
from model_refresh.metrics.intervals import error_of
from model_refresh.metrics.protocol import Floats
from model_refresh.metrics.staleness import AgedPoint, estimate_freshness
from model_refresh.records import Aged, Comparison, Entry, Freshness
from model_refresh.refresh.contest import Contest, beside
from model_refresh.refresh.incumbent import stand_on_ground
from model_refresh.storage import ModelStore

CHAMPIONS = 8
"""So many former champions are judged again on each holdout."""
_REFRESHES = 104
"""So many refreshes at most are looked back on: two years of weeks."""
_DAY = dt.timedelta(days=1)


def judge_former(
    model: Model, store: ModelStore, contest: Contest, *, before: dt.datetime, confidence: float
) -> tuple[Aged, ...]:
    """The last champions before a refresh, newest first, each once."""
    entries = [line.record for line in store.champion.lines() if line.record.as_of < before]
    last: dict[str, Entry] = {}
    for entry in reversed(entries):
        last.setdefault(entry.trial or entry.version, entry)
    return tuple(
        _judged(model, store, contest, entry=entry, confidence=confidence)
        for entry in list(last.values())[:CHAMPIONS]
    )


def freshness_of(model: Model, store: ModelStore, comparison: Comparison) -> Freshness | None:
    """What the refreshes so far, this one last, say of the cost of age; None without a margin."""
    margin = _margin(model, comparison)
    if not np.isfinite(margin):
        return None
    points = [
        point for each in [*_earlier(store, comparison), comparison] for point in _points(each)
    ]
    label = metric(comparison.primary).label
    return estimate_freshness(points, margin=margin, metric_label=label)


def _margin(model: Model, comparison: Comparison) -> float:
    """What counts as worse: the margin of the gate `non_inferior` on the primary metric.

    Without such a gate, 1% of the constant's loss; nan where there is no such loss.
    """
    primary = comparison.primary
    gates = [gate for gate in model.spec.gates if isinstance(gate, NonInferior)]
    margins = [gate.margin for gate in gates if (gate.metric or primary) == primary]
    if not margins and not metric(primary).is_loss:
        return float("nan")
    margin = margins[0] if margins else Margin.of("1%")
    return margin.amount(comparison.metrics[primary].constant)


def _judged(
    model: Model, store: ModelStore, contest: Contest, *, entry: Entry, confidence: float
) -> Aged:
    about = Aged(version=entry.trial or entry.version, entry=entry.number, age_days=0.0, value=None)
    try:
        trial = load_version(store, about.version)
        newest = contest.instants[-1]
        about = about.model_copy(update={"age_days": (newest - trial.lineage.learned_until) / _DAY})
        ground = stand_on_ground(model, store, trial, holdout=contest.instants)
        kept, predictions = beside(contest.rows, store, ground)
    except ModelRefreshError as error:
        if error.transient:
            raise
        return about.model_copy(update={"why_not": str(error)})
    rows = contest.holdout.taken(kept)
    old = Predicted(predictions, trial.lineage.learned_until)
    new = Predicted(contest.challenger.values[kept], contest.challenger.known_at)
    primary = model.metric(model.primary_metric)
    return about.model_copy(
        update={
            "value": primary.value(rows.target, old.values),
            "gain": paired(primary, rows, new, old, confidence=confidence),
            "recalibrated": _left_after_recalibration(primary, rows, new.values, old.values),
        }
    )


def _left_after_recalibration(
    primary: Metric, rows: Holdout, new: Floats, old: Floats
) -> float | None:
    """The gain where both are brought to the holdout's level and slope; None for classes."""
    if new.ndim != 1:
        return None
    sides = [_recalibrated(primary, rows.target, each) for each in (new, old)]
    gain = primary.gain(*[primary.value(rows.target, each) for each in sides])
    return gain if np.isfinite(gain) else None


def _recalibrated(primary: Metric, target: Floats, prediction: Floats) -> Floats:
    """On the line of actual on predicted; for chances in log odds. As it is where there is none."""
    if "binary" in primary.tasks:
        slope, level = (
            metric(name).value(target, prediction)
            for name in ("calibration_slope", "calibration_intercept")
        )
        inside = np.clip(prediction, 1e-15, 1.0 - 1e-15)
        moved = 1.0 / (1.0 + np.exp(-(level + slope * np.log(inside / (1.0 - inside)))))
    else:
        slope, level = (metric(name).value(target, prediction) for name in ("slope", "intercept"))
        moved = level + slope * prediction
    return np.asarray(moved) if np.isfinite(slope + level) else prediction


def _earlier(store: ModelStore, comparison: Comparison) -> Iterator[Comparison]:
    """The newest comparison of each earlier refresh of the same question and metric, in order."""
    instants = [instant for instant in store.refreshed() if instant < comparison.as_of]
    asked = _question(store, comparison)
    for instant in instants[-_REFRESHES:]:
        line = store.comparisons(instant).last()
        if line is None or line.record.primary != comparison.primary:
            continue
        if _question(store, line.record) == asked:
            yield line.record


def _question(store: ModelStore, comparison: Comparison) -> str | None:
    """What was predicted: the query of the labels that were judged on."""
    line = store.datasets(comparison.as_of).holding(comparison.dataset)
    return line.record.frames[-1].labels.query if line is not None else None


def _points(comparison: Comparison) -> Iterator[AgedPoint]:
    for aged in comparison.staleness:
        gain = aged.gain
        if gain is None or not np.isfinite(gain.lower):
            continue
        yield AgedPoint(
            refresh=comparison.as_of.toordinal(),
            age_days=aged.age_days,
            gain=gain.estimate,
            error=error_of(gain),
            recalibrated=aged.recalibrated,
        )
