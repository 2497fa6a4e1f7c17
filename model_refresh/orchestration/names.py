"""Names that the shell shares: asset keys, tags, and how a model's dates become partitions."""

from functools import cache

import dagster as dg

from model_refresh.config.ensemble import Ensemble
from model_refresh.config.model import Model
from model_refresh.config.training import AnyCandidate
from model_refresh.orchestration.tags import IMPLICIT_JOB as IMPLICIT_JOB
from model_refresh.orchestration.tags import MODEL_TAG as MODEL_TAG
from model_refresh.orchestration.tags import PARTITION_TAG as PARTITION_TAG
from model_refresh.orchestration.tags import REASON_KIND_TAG as REASON_KIND_TAG
from model_refresh.orchestration.tags import REASON_TAG as REASON_TAG
from model_refresh.orchestration.tags import REQUEST_TAG as REQUEST_TAG
from model_refresh.orchestration.tags import SEARCH_TAG as SEARCH_TAG
from model_refresh.orchestration.tags import SELECTION_TAG as SELECTION_TAG
from model_refresh.splits import Cadence

FEATURES, DATASET, COMPARISON = "features", "dataset", "comparison"
CHALLENGER, CHAMPION, SCORES = "challenger", "champion", "scores"
TRIAL_SCORES, SCORER = "trial_scores", "scorer"
PROMOTION_GATE = "promotion_gate"
SCORE_SHIFT, SCORER_CONFORMANCE = "score_shift", "scorer_conformance"
DRIFT = "drift"
PERFORMANCE, DECAY = "performance", "decay"

WIDE = "wide"
"""Value of SEARCH_TAG in a run whose searches look everywhere, whatever was good before."""


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


def is_refresh(context: dg.AssetExecutionContext, model: Model) -> bool:
    """Whether the run goes on from the frame to the dataset, and so refreshes the model."""
    return key(model, DATASET) in (context.run.asset_selection or ())


def performance_selection(model: Model) -> list[dg.AssetKey]:
    """What grading materializes; a check comes with its asset."""
    return [key(model, PERFORMANCE)]


def schedule_name(model: str) -> str:
    """The name of a model's schedule in Dagster."""
    return f"{model}_schedule"


def is_wide(context: dg.AssetExecutionContext) -> bool:
    """Whether the run asks for searches that look everywhere."""
    return context.run.tags.get(SEARCH_TAG) == WIDE


def partitions(model: Model) -> dg.TimeWindowPartitionsDefinition:
    """One partition a frame. The newest has a key from the instant at which its window opens.

    Models of one cadence share it, and with it what Dagster keeps about its keys.
    """
    return _partitions(model.cadence)


@cache
def _partitions(cadence: Cadence) -> dg.TimeWindowPartitionsDefinition:
    return dg.TimeWindowPartitionsDefinition(
        start=cadence.key(cadence.start),
        cron_schedule=cadence.cron,
        fmt=cadence.fmt,
        timezone="UTC",
        end_offset=1,
    )
