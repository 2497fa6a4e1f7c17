"""What is made of all measures: a check each, and a sentence."""

from collections.abc import Iterator, Sequence

from model_refresh.config.operation import DriftLimits
from model_refresh.monitoring.drift.allowance import Measured
from model_refresh.records import CheckResult, ColumnDrift

_OF_COLUMNS = {
    "psi": "stability index",
    "wasserstein": "Wasserstein distance",
    "jensen_shannon": "Jensen-Shannon divergence",
    "missing": "change of the share missing",
    "new_categories": "share of new categories",
}
_OF_ALL = {
    "weighted": "stability index of all features by importance",
    "classifier": "ROC AUC of telling the frame from the reference",
    "scores": "stability index of the champion's scores",
    "score_distance": "move of the champion's scores, in standard deviations,",
    "labels": "move of the newest labels' mean, in standard deviations,",
}


def column_checks(columns: Sequence[ColumnDrift], least: float) -> Iterator[CheckResult]:
    """A check for each measure of single features; those that weigh less than `least` only told."""
    for name, title in _OF_COLUMNS.items():
        looked = [each for each in columns if name in each.limits]
        if not looked:
            continue
        above = [each for each in looked if name in each.breaches]
        grave = [each for each in above if each.weight >= least]
        furthest = max(
            grave or above or looked, key=lambda each: each.value(name) / each.limits[name]
        )
        told = f"{title} of {furthest.column} {furthest.value(name):.3g}, "
        told += f"{'more than' if above else 'at most'} {furthest.limits[name]:.3g}"
        if more := len(grave or above) - 1 if above else 0:
            told += f", and of {more} more {'feature' if more == 1 else 'features'}"
        if above and not grave:
            told += f"; the champion hardly leans on {'it' if len(above) == 1 else 'them'}"
        outcome = "failed" if grave else "noted" if above else "passed"
        yield CheckResult(name=name, outcome=outcome, sentence=told)


def checks_of(found: Sequence[Measured | None]) -> Iterator[CheckResult]:
    """A check for each measure of the frame as a whole that has a limit."""
    for each in found:
        if each is None or each.limit is None:
            continue
        told = f"{_OF_ALL[each.name]} {each.value:.3g}, "
        told += f"{'more than' if each.is_breach else 'at most'} {each.limit:.3g}"
        yield CheckResult(
            name=each.name, outcome="failed" if each.is_breach else "passed", sentence=told
        )


def least_weight(limits: DriftLimits, features: int) -> float:
    """The weight from which on a feature counts: as declared, or half of what is usual.

    Of many features that weigh alike none may reach the declared share.
    """
    return min(limits.importance, 0.5 / max(features, 1))
