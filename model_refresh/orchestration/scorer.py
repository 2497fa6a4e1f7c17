"""The generated scorer of a challenger as an asset, and its tests as a blocking check."""

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.declaring import asset, asset_check
from model_refresh.orchestration.describe import describe
from model_refresh.orchestration.names import SCORER, SCORER_CONFORMANCE, TRIAL_SCORES, key
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.orchestration.values import Metadata, number, table
from model_refresh.pipeline.realtime import newest_scored, resume_conformance, resume_scorer
from model_refresh.records import Conformance, Scorer


def scorer_asset(model: Model) -> dg.AssetsDefinition:
    """The folder that answers one row at a time, of the challenger of this as_of."""

    @asset(**describe(model, SCORER), deps=[key(model, TRIAL_SCORES)])
    def scorer(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            made = resume_scorer(model, store.refreshing(context, model), as_of).record
        return dg.MaterializeResult(metadata=of_scorer(model, made))

    return scorer


def scorer_conformance(model: Model) -> dg.AssetChecksDefinition:
    """Passes where every test of the folder did, or there was nothing to test; else ERROR."""

    @asset_check(
        asset=key(model, SCORER),
        name=SCORER_CONFORMANCE,
        blocking=True,
        description="In a clean environment the folder passes its own suite, answers over HTTP as "
        "a batch does, and is quick enough.",
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else None
        with telling_failures():
            kept = store.refreshing(context, model)
            as_of = model.cadence.parse(partition) if partition else newest_scored(model, kept)
            tested = resume_conformance(model, kept, as_of).record
        return dg.AssetCheckResult(
            passed=tested.passes,
            severity=dg.AssetCheckSeverity.ERROR,
            description=tested.sentence,
            metadata=of_conformance(tested),
        )

    return check


def of_scorer(model: Model, scorer: Scorer) -> Metadata:
    """Of the asset `scorer`."""
    if scorer.version is None or scorer.content is None:
        return {"version": dg.MetadataValue.text("none: the incumbent stays")}
    get = f"model-refresh scorer {model.name} --version {scorer.version} --out DIR"
    return {
        "version": dg.MetadataValue.text(scorer.version),
        "digest": dg.MetadataValue.text(scorer.content),
        "get it": dg.MetadataValue.text(get),
    }


def of_conformance(tested: Conformance) -> Metadata:
    """Of the check `scorer_conformance`."""
    return {
        "sentence": dg.MetadataValue.text(tested.sentence),
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence} for c in tested.checks
        ),
        **{name: number(value) for name, value in tested.figures.items()},
    }
