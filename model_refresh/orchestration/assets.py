"""A model's assets, from features through challenger and trial scores to champion and scores.

All are partitioned by as_of but the champion, which is who is in production now. Records pass
through the store, so any asset can be materialized alone.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg

from model_refresh.config.demands import require_libraries
from model_refresh.config.model import Model
from model_refresh.config.training import AnyCandidate
from model_refresh.orchestration import metadata
from model_refresh.orchestration.declaring import asset
from model_refresh.orchestration.describe import describe
from model_refresh.orchestration.names import (
    CHALLENGER,
    CHAMPION,
    COMPARISON,
    DATASET,
    FEATURES,
    SCORER,
    SCORES,
    TRIAL_SCORES,
    candidate_inputs,
    candidate_keys,
    is_refresh,
    is_wide,
    key,
    trial_steps,
)
from model_refresh.orchestration.performance import performance_asset
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.orchestration.scorer import scorer_asset
from model_refresh.orchestration.telling import telling_progress
from model_refresh.orchestration.trial import of_trial
from model_refresh.pipeline.production import current_frame, delivery, score
from model_refresh.pipeline.trial import resume_trial
from model_refresh.records import Frame
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.resume import (
    resume_candidate,
    resume_challenger,
    resume_comparison,
    resume_promotion,
)
from model_refresh.refresh.verdict import judge
from model_refresh.storage.store import utc_now


def model_assets(
    model: Model, *, clock: Callable[[], dt.datetime] = utc_now
) -> list[dg.AssetsDefinition]:
    """Every asset of one model."""
    candidates = [_candidate(model, each) for each in model.spec.training.in_order]
    return [
        _features(model),
        _dataset(model),
        *candidates,
        _comparison(model),
        _challenger(model),
        _trial_scores(model),
        *([scorer_asset(model)] if SCORER in trial_steps(model) else []),
        _champion(model),
        _scores(model),
        performance_asset(model, clock=clock),
    ]


def _features(model: Model) -> dg.AssetsDefinition:
    @asset(**describe(model, FEATURES), pool=model.spec.runs.pool, may_end=True)
    def features(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None] | None:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            if is_refresh(context, model) and (told := store.begin(context, model, as_of)):
                context.log.warning(f"nothing is refreshed: {told}")
                return None
            frame = current_frame(model, store.swept(model), as_of)
        return dg.MaterializeResult(metadata=metadata.of_frame(frame, store.of(model).place(frame)))

    return features


def _dataset(model: Model) -> dg.AssetsDefinition:
    @asset(**describe(model, DATASET), deps=[key(model, FEATURES)], pool=model.spec.runs.pool)
    def dataset(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        def report(frame: Frame) -> None:
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=key(model, FEATURES),
                    partition=model.cadence.key(frame.as_of),
                    metadata=metadata.of_frame(frame, store.of(model).place(frame)),
                )
            )

        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            require_libraries(model)
            line = build_dataset(model, store.refreshing(context, model), as_of, on_frame=report)
        return dg.MaterializeResult(metadata=metadata.of_dataset(line.record, key(model, FEATURES)))

    return dataset


def _candidate(model: Model, algorithm: AnyCandidate) -> dg.AssetsDefinition:
    @asset(
        **describe(model, "candidates", algorithm.algorithm),
        deps=candidate_inputs(model, algorithm),
    )
    def candidate(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures(), telling_progress(context.log.info) as tell:
            kept = store.refreshing(context, model)
            line = resume_candidate(
                model, kept, as_of, algorithm, wide=is_wide(context), on_progress=tell
            )
        if line.record.failure is not None:
            context.log.warning(line.record.failure)
        if line.record.dropped is not None:
            context.log.info(line.record.dropped)
        return dg.MaterializeResult(metadata=metadata.of_candidate(line))

    return candidate


def _comparison(model: Model) -> dg.AssetsDefinition:
    @asset(**describe(model, COMPARISON), deps=candidate_keys(model))
    def comparison(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            line, candidates = resume_comparison(model, store.refreshing(context, model), as_of)
        verdict = judge(model, line.record)
        return dg.MaterializeResult(
            metadata=metadata.of_comparison(line.record, candidates, verdict)
        )

    return comparison


def _challenger(model: Model) -> dg.AssetsDefinition:
    @asset(**describe(model, CHALLENGER), deps=[key(model, COMPARISON)])
    def challenger(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            line = resume_challenger(model, store.refreshing(context, model), as_of)
        return dg.MaterializeResult(metadata=metadata.of_challenger(line))

    return challenger


def _trial_scores(model: Model) -> dg.AssetsDefinition:
    @asset(**describe(model, TRIAL_SCORES), deps=[key(model, CHALLENGER), key(model, FEATURES)])
    def trial_scores(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            line = resume_trial(model, store.refreshing(context, model), as_of)
        return dg.MaterializeResult(metadata=of_trial(line.record))

    return trial_scores


def _champion(model: Model) -> dg.AssetsDefinition:
    tests = [key(model, step) for step in trial_steps(model)]

    @asset(
        **describe(model, CHAMPION, partitioned=False),
        deps=[key(model, CHALLENGER), key(model, COMPARISON), *tests],
    )
    def champion(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        partition = context.partition_key if context.has_partition_key else None
        as_of = model.cadence.parse(partition) if partition is not None else None
        with telling_failures():
            promotion, comparison = resume_promotion(model, store.refreshing(context, model), as_of)
        context.log.info(promotion.sentence)
        return dg.MaterializeResult(metadata=metadata.of_promotion(promotion, comparison))

    return champion


def _scores(model: Model) -> dg.AssetsDefinition:
    @asset(
        **describe(model, SCORES),
        deps=[key(model, FEATURES), key(model, CHAMPION)],
        pool=model.spec.runs.pool,
    )
    def scores(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)
        with telling_failures():
            line = score(model, store.of(model), as_of, on_trouble=context.log.warning)
        if line is None:
            context.log.warning(sentence := f"{model.name} has no champion yet: no batch")
            return dg.MaterializeResult(metadata={"sentence": sentence})
        return dg.MaterializeResult(
            metadata=metadata.of_scores(
                line.record,
                store.of(model).place(line.record),
                delivery(model, store.of(model), line.record),
            )
        )

    return scores
