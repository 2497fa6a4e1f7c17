"""The check `drift` on a model's frame: it warns, blocks nothing, and pages nobody.

A sensor that reads what is stored starts the early refresh.
"""

import dagster as dg
from polars.exceptions import PanicException

from model_refresh.config.model import Model
from model_refresh.errors import sentence_of
from model_refresh.monitoring.drift import compute_drift, newest_framed
from model_refresh.orchestration.declaring import asset_check
from model_refresh.orchestration.names import DRIFT, FEATURES, key
from model_refresh.orchestration.resources import StoreResource
from model_refresh.orchestration.values import Metadata, number, table
from model_refresh.records import ColumnDrift, Drift

_SHOWN = 10


def drift_check(model: Model) -> dg.AssetChecksDefinition:
    """Passes within the limits, or without a champion; what can't be measured warns, as drift."""

    @asset_check(
        asset=key(model, FEATURES),
        name=DRIFT,
        blocking=False,
        description="The frame looks like the rows that the champion learned from.",
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else None
        kept = store.of(model)
        try:
            as_of = model.cadence.parse(partition) if partition else newest_framed(model, kept)
            line = compute_drift(model, kept, as_of)
        except (Exception, PanicException) as error:  # noqa: BLE001 - a warning, whatever it is
            return _result(passed=False, told=f"drift can't be measured: {sentence_of(error)}")
        if line is None:
            return _result(
                passed=True, told=f"{model.name} has no champion to hold the frame against"
            )
        found = line.record
        return _result(passed=not found.is_found, told=found.sentence, metadata=of_drift(found))

    return check


def of_drift(drift: Drift) -> Metadata:
    """Of the check: figures that plot, every check's answer, and the features furthest away."""
    figures = {
        "weighted psi": drift.weighted,
        "classifier auc": drift.classifier_auc,
        "score psi": drift.score_psi,
        "score move": drift.score_wasserstein,
        "label shift": drift.label_shift,
    }
    return {
        "sentence": dg.MetadataValue.text(drift.sentence),
        "champion": dg.MetadataValue.text(drift.version),
        **{name: number(value) for name, value in figures.items() if value is not None},
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence} for c in drift.checks
        ),
        "features": table(_figures(each) for each in drift.furthest[:_SHOWN]),
        "notes": dg.MetadataValue.text("; ".join(drift.notes) or "none"),
    }


def _figures(column: ColumnDrift) -> dict[str, object]:
    return {
        "feature": column.column,
        "importance": column.weight,
        "above its limit": ", ".join(column.breaches) or None,
        "psi": column.psi,
        "wasserstein": column.wasserstein,
        "jensen-shannon": column.jensen_shannon,
        "missing before": column.missing_before,
        "missing now": column.missing_now,
        "new categories": column.new_categories,
    }


def _result(*, passed: bool, told: str, metadata: Metadata | None = None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata=metadata or {"sentence": dg.MetadataValue.text(told)},
    )
