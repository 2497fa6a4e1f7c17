"""Everything that is measured of samples: of each feature, and of all together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_refresh.config.operation import DriftLimits
from model_refresh.features.columns import PlainFeature
from model_refresh.monitoring.drift.allowance import Measured
from model_refresh.monitoring.drift.columns import Ground, told_columns, weighted_stability
from model_refresh.monitoring.drift.judging import checks_of, column_checks, least_weight
from model_refresh.monitoring.drift.reading import Sample
from model_refresh.monitoring.drift.tallies import tally
from model_refresh.monitoring.drift.whole import told_apart
from model_refresh.records import CheckResult, ColumnDrift


@dataclass(frozen=True)
class Subject:
    """What samples are looked at for.

    `weights` are shares of what the champion leans on, or empty where it can't tell.
    """

    features: tuple[PlainFeature, ...]
    key: tuple[str, ...]
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Findings:
    """What the rows show, scores and labels aside."""

    columns: tuple[ColumnDrift, ...]
    weighted: float | None
    classifier: float | None
    checks: tuple[CheckResult, ...]


def measure(samples: Sequence[Sample], subject: Subject, limits: DriftLimits) -> Findings:
    """The last sample against the others, the reference's frames; each has a row at least."""
    weights = _weights(subject)
    least = least_weight(limits, len(weights))
    heavy = sum(weight >= least for weight in weights.values())
    ground = Ground.of(samples, looks=heavy)
    told = told_columns([tally(f, samples) for f in subject.features], weights, ground, limits)
    columns = tuple(each.column for each in told)
    weighted = weighted_stability(told, limits) if told else None
    apart = told_apart(samples, subject.features, subject.key, limit=limits.classifier)
    return Findings(
        columns=columns,
        weighted=_finite(weighted),
        classifier=_finite(apart),
        checks=(*column_checks(columns, least), *checks_of([weighted, apart])),
    )


def _weights(subject: Subject) -> dict[str, float]:
    """By feature; all the same where nothing is known, and 0 of what isn't named elsewhere."""
    names = [feature.name for feature in subject.features]
    if not any(subject.weights.values()):
        return dict.fromkeys(names, 1 / max(len(names), 1))
    return {name: subject.weights.get(name, 0.0) for name in names}


def _finite(found: Measured | None) -> float | None:
    return found.value if found is not None and np.isfinite(found.value) else None
