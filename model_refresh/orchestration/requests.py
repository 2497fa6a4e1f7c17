"""From a reason to a run request: which assets, which partition, and tags that say why."""

from collections.abc import Iterable, Sequence

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.orchestration.names import (
    MODEL_TAG,
    PARTITION_TAG,
    REASON_TAG,
    SEARCH_TAG,
    SELECTION_TAG,
    WIDE,
    refresh_selection,
    score_selection,
)
from model_refresh.records import Reason

REFRESH, SCORE = "refresh", "score"


def request_refresh(model: Model, reason: Reason) -> dg.RunRequest:
    """A whole refresh, without scoring, which follows it whatever its result."""
    return dg.RunRequest(
        run_key=reason.request,
        partition_key=model.cadence.key(reason.as_of),
        asset_selection=refresh_selection(model),
        tags={
            **_tags(model, REFRESH, reason.sentence),
            **({SEARCH_TAG: WIDE} if reason.wants_wide_search else {}),
        },
    )


def score_requests(
    models: Sequence[Model], refreshes: Iterable[dg.DagsterRun]
) -> list[dg.RunRequest]:
    """The batch of each frame whose refresh run has ended, one a run.

    Runs of models that are not here, or whose frames are declared anew since, are passed by: a
    request of a partition that isn't there would stop the tick for all.
    """
    by_name = {model.name: model for model in models}
    requests = []
    for run in refreshes:
        model = by_name.get(run.tags.get(MODEL_TAG, ""))
        partition = _partition(model, run) if model is not None else None
        if model is not None and partition is not None:
            requests.append(_request_score(model, partition, after=run.run_id))
    return requests


def _partition(model: Model, run: dg.DagsterRun) -> str | None:
    try:
        return model.cadence.key(model.cadence.parse(run.tags.get(PARTITION_TAG, "")))
    except DataError:
        return None


def _request_score(model: Model, partition: str, *, after: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{model.name}|{partition}|score|{after}",
        partition_key=partition,
        asset_selection=score_selection(model),
        tags=_tags(model, SCORE, "its refresh has ended"),
    )


def _tags(model: Model, selection: str, sentence: str) -> dict[str, str]:
    return {MODEL_TAG: model.name, SELECTION_TAG: selection, REASON_TAG: sentence[:200]}
