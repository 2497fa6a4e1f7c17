"""The blocking check on a comparison: it gives and stores the verdict, and stops a rejected one.

It reports; the champion enforces. A check can be deselected, so `champion` judges again by itself.
"""

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration import metadata
from model_refresh.orchestration.declaring import asset_check
from model_refresh.orchestration.names import COMPARISON, PROMOTION_GATE, key
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.pipeline import report
from model_refresh.records import Decision
from model_refresh.refresh.resume import newest_compared, resume_verdict

_SEVERITY: dict[Decision, dg.AssetCheckSeverity] = {
    "promote": dg.AssetCheckSeverity.WARN,
    "retain": dg.AssetCheckSeverity.WARN,
    "reject": dg.AssetCheckSeverity.ERROR,
}


def promotion_gate(model: Model) -> dg.AssetChecksDefinition:
    """`promote` passes; `retain` warns and the run goes on; `reject` is an error that stops it."""

    @asset_check(
        asset=key(model, COMPARISON),
        name=PROMOTION_GATE,
        blocking=True,
        description="\n".join(f"- {gate.gate}" for gate in model.spec.gates),
    )
    def gate(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else None
        with telling_failures():
            kept = store.refreshing(context, model)
            as_of = model.cadence.parse(partition) if partition else newest_compared(model, kept)
            verdict = resume_verdict(model, kept, as_of).record
            page = report(model, kept, verdict)
        return dg.AssetCheckResult(
            passed=verdict.decision == "promote",
            severity=_SEVERITY[verdict.decision],
            description=verdict.sentence,
            metadata=metadata.of_verdict(verdict, kept.place(page) if page is not None else None),
        )

    return gate
