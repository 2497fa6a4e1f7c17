"""From a reason to a run request: which assets, which partition, and tags that say why."""

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring import Reason
from model_refresh.orchestration.names import (
    MODEL_TAG,
    REASON_TAG,
    SELECTION_TAG,
    refresh_selection,
    score_selection,
)

REFRESH, SCORE = "refresh", "score"


def request_refresh(model: Model, reason: Reason) -> dg.RunRequest:
    """A whole refresh, without scoring, which follows it whatever its result."""
    return dg.RunRequest(
        run_key=reason.request,
        partition_key=model.cadence.key(reason.as_of),
        asset_selection=refresh_selection(model),
        tags=_tags(model, REFRESH, reason.sentence),
    )


def request_score(model: Model, partition: str, *, after: str) -> dg.RunRequest:
    """The batch of one frame, once for the refresh run `after`."""
    return dg.RunRequest(
        run_key=f"{model.name}|{partition}|score|{after}",
        partition_key=partition,
        asset_selection=score_selection(model),
        tags=_tags(model, SCORE, "its refresh has ended"),
    )


def _tags(model: Model, selection: str, sentence: str) -> dict[str, str]:
    return {MODEL_TAG: model.name, SELECTION_TAG: selection, REASON_TAG: sentence[:200]}
