"""Names that the shell shares: asset keys, tags, and how a model's dates become partitions."""

import dagster as dg

from model_refresh.config.ensemble import Ensemble
from model_refresh.config.model import Model
from model_refresh.config.training import AnyCandidate

FEATURES, DATASET, COMPARISON = "features", "dataset", "comparison"
CHALLENGER, CHAMPION, SCORES = "challenger", "champion", "scores"
TRIAL_SCORES, SCORER = "trial_scores", "scorer"
PROMOTION_GATE = "promotion_gate"
SCORE_SHIFT, SCORER_CONFORMANCE = "score_shift", "scorer_conformance"

MODEL_TAG = "model_refresh/model"
SELECTION_TAG = "model_refresh/selection"
REASON_TAG = "model_refresh/reason"
SEARCH_TAG = "model_refresh/search"
WIDE = "wide"
"""Value of SEARCH_TAG in a run whose searches look everywhere, whatever was good before."""
PARTITION_TAG = "dagster/partition"  # Dagster's own

IMPLICIT_JOB = "__ASSET_JOB"
"""Dagster's own job over all assets: a job for each model would make loading quadratic."""


def key(model: Model, *step: str) -> dg.AssetKey:
    """The key of one of a model's assets."""
    return dg.AssetKey([model.name, *step])


def candidate_keys(model: Model) -> list[dg.AssetKey]:
    """The keys of a model's candidates."""
    names = [algorithm.algorithm for algorithm in model.spec.training.in_order]
    return [key(model, "candidates", name) for name in names]


def candidate_inputs(model: Model, candidate: AnyCandidate) -> list[dg.AssetKey]:
    """What a candidate is made of: the dataset, and for an ensemble the other candidates."""
    own = key(model, "candidates", candidate.algorithm)
    others = [each for each in candidate_keys(model) if each != own]
    return [key(model, DATASET), *(others if isinstance(candidate, Ensemble) else [])]


def refresh_selection(model: Model) -> list[dg.AssetKey]:
    """What a refresh materializes: from the frame to the champion."""
    before = [key(model, step) for step in (FEATURES, DATASET)]
    after = (COMPARISON, CHALLENGER, *trial_steps(model), CHAMPION)
    return [*before, *candidate_keys(model), *[key(model, step) for step in after]]


def trial_steps(model: Model) -> tuple[str, ...]:
    """What tests a challenger before it may be champion."""
    return (TRIAL_SCORES, SCORER) if "realtime" in model.spec.deploy else (TRIAL_SCORES,)


def score_selection(model: Model) -> list[dg.AssetKey]:
    """What scoring materializes: it runs after a refresh, whatever became of that."""
    return [key(model, FEATURES), key(model, SCORES)]


def is_wide(context: dg.AssetExecutionContext) -> bool:
    """Whether the run asks for searches that look everywhere."""
    return context.run.tags.get(SEARCH_TAG) == WIDE


def partitions(model: Model) -> dg.TimeWindowPartitionsDefinition:
    """One partition a frame. The newest has a key from the instant at which its window opens."""
    cadence = model.cadence
    return dg.TimeWindowPartitionsDefinition(
        start=cadence.key(cadence.start),
        cron_schedule=cadence.cron,
        fmt=cadence.fmt,
        timezone="UTC",
        end_offset=1,
    )
