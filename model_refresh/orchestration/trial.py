"""The trial batch's blocking check and page: one sentence, the shifts, and every check's answer."""

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.declaring import asset_check
from model_refresh.orchestration.names import SCORE_SHIFT, TRIAL_SCORES, key
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.orchestration.values import Metadata, table
from model_refresh.pipeline.trial import newest_tried, resume_trial
from model_refresh.records import ScoreShift, TrialScores


def score_shift(model: Model) -> dg.AssetChecksDefinition:
    """Passes where every check of the trial batch did, or there was nothing to try; else ERROR."""

    @asset_check(
        asset=key(model, TRIAL_SCORES),
        name=SCORE_SHIFT,
        blocking=True,
        description="The challenger's scores are sound, and shift no more than is allowed.",
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else None
        with telling_failures():
            kept = store.refreshing(context, model)
            as_of = model.cadence.parse(partition) if partition else newest_tried(kept)
            trial = resume_trial(model, kept, as_of).record
        return dg.AssetCheckResult(
            passed=trial.passes,
            severity=dg.AssetCheckSeverity.ERROR,
            description=trial.sentence,
            metadata=of_trial(trial),
        )

    return check


def of_trial(trial: TrialScores) -> Metadata:
    """Of the asset `trial_scores`, and of its check."""
    told: dict[str, tuple[ScoreShift, ...]] = {
        "population shift": trial.population,
        "model shift": trial.shift,
        "model shift on the holdout": trial.on_holdout,
    }
    return {
        "sentence": dg.MetadataValue.text(trial.sentence),
        "dagster/row_count": dg.MetadataValue.int(trial.rows),
        "version": dg.MetadataValue.text(trial.version or "none: the incumbent stays"),
        "incumbent": dg.MetadataValue.text(trial.incumbent or "none"),
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence} for c in trial.checks
        ),
        **{name: table(_figures(each) for each in shifts) for name, shifts in told.items()},
        "migration": table(row for each in trial.shift for row in _migration(each)),
        "notes": dg.MetadataValue.text("; ".join(trial.notes) or "none"),
        "limits": dg.MetadataValue.text(trial.limits),
    }


def _figures(shift: ScoreShift) -> dict[str, object]:
    return {
        "scores": shift.column,
        "mean before": shift.mean_before,
        "mean after": shift.mean_after,
        "psi": shift.psi,
        "wasserstein": shift.wasserstein,
        "rank correlation": shift.correlation,
        "two tenths or more away": shift.far_moves,
        "top tenth in common": shift.top_overlap,
        "cross a tier": shift.tier_flips,
    }


def _migration(shift: ScoreShift) -> list[dict[str, object]]:
    """A row for each tenth by the incumbent: how many the challenger puts where."""
    return [
        {"scores": shift.column, "tenth": place + 1}
        | {f"to {to + 1}": count for to, count in enumerate(row)}
        for place, row in enumerate(shift.moves)
    ]
