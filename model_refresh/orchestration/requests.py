"""From a reason to a run request, and from a run back to its reason: tags say why.

A run key makes one cause start one run. It is not given anew where that run fails: what died in a
crash the sensor `recover` starts again, and what failed for good waits for its next cause.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import dagster as dg
from dagster._core.storage.tags import (
    BACKFILL_ID_TAG,
    PARENT_RUN_ID_TAG,
    PRIORITY_TAG,
    RETRY_NUMBER_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
)

from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.monitoring.batches import batch_priority
from model_refresh.monitoring.due import DueRefresh
from model_refresh.monitoring.state import read_state
from model_refresh.orchestration.names import (
    MODEL_TAG,
    PARTITION_TAG,
    REASON_KIND_TAG,
    REASON_TAG,
    REQUEST_TAG,
    SEARCH_TAG,
    SELECTION_TAG,
    WIDE,
    refresh_selection,
    score_selection,
)
from model_refresh.records import Instant, Reason, ReasonKind
from model_refresh.storage import Store

REFRESH, SCORE, GRADE = "refresh", "score", "grade"
USER_TAGS = ("user", "dagster/user")
"""Tags of a run that may say who launched it; the open-source UI itself knows no users."""
_SENTENCE_LENGTH = 200


def request_refresh(due: DueRefresh) -> dg.RunRequest:
    """A whole refresh, without scoring, which follows it whatever its result."""
    model, reason = due.model, due.reason
    return dg.RunRequest(
        run_key=reason.request,
        partition_key=model.cadence.key(reason.as_of),
        asset_selection=refresh_selection(model),
        tags={
            **_tags(model, REFRESH, reason.sentence),
            REASON_KIND_TAG: reason.kind,
            REQUEST_TAG: reason.request,
            **({PRIORITY_TAG: str(due.place)} if due.place is not None else {}),
            **({SEARCH_TAG: WIDE} if due.is_wide else {}),
        },
    )


def reason_of(run: dg.DagsterRun, model: Model, as_of: Instant) -> Reason:
    """Why a run began, as its tags have it; demand where they say nothing, and by whom if known."""
    tags = run.tags
    kind = next((each for each in _KINDS if each == tags.get(REASON_KIND_TAG)), "demand")
    sentence = tags.get(REASON_TAG, f"asked for by {_who(tags)}")
    key = f"{model.name}|{model.cadence.key(as_of)}|demand|{run.run_id}"
    request = tags.get(REQUEST_TAG, tags.get(RUN_KEY_TAG, key))
    return Reason(kind=kind, as_of=as_of, sentence=sentence, request=request)


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Whether a person executes a run again on Dagster's page: its tags are those of the first."""
    return PARENT_RUN_ID_TAG in run.tags and RETRY_NUMBER_TAG not in run.tags


def score_requests(
    models: Sequence[Model], store: Store, refreshes: Iterable[dg.DagsterRun]
) -> list[dg.RunRequest]:
    """The batch of each frame whose refresh has begun and whose run has ended, one a run.

    Runs of models that are not here, or whose frames are declared anew since, are passed by: a
    request of a partition that isn't there would stop the tick for all.
    """
    by_name = {model.name: model for model in models}
    requests = []
    for run in refreshes:
        model = by_name.get(run.tags.get(MODEL_TAG, ""))
        partition = _partition(model, run) if model is not None else None
        if model is None or partition is None:
            continue
        as_of = model.cadence.parse(partition)
        if read_state(model, store.model(model.name), as_of).has_begun(as_of):
            requests.append(
                _request_score(model, partition, cause=run.run_id, sentence="its refresh has ended")
            )
    return requests


def request_batch(model: Model, as_of: Instant) -> dg.RunRequest:
    """The batch of a frame that is scored without a refresh: once a frame."""
    sentence = "a new frame, and no refresh of it to wait for"
    return _request_score(model, model.cadence.key(as_of), cause="frame", sentence=sentence)


_KINDS: tuple[ReasonKind, ...] = get_args(ReasonKind)


def _who(tags: Mapping[str, str]) -> str:
    user = next((tags[tag] for tag in USER_TAGS if tag in tags), None)
    means = {
        "the schedule": SCHEDULE_NAME_TAG,
        "the sensor": SENSOR_NAME_TAG,
        "the backfill": BACKFILL_ID_TAG,
    }
    through = [f"{means_name} {tags[tag]}" for means_name, tag in means.items() if tag in tags]
    return ", ".join([*([user] if user else []), *through]) or "hand, in Dagster"


def _partition(model: Model, run: dg.DagsterRun) -> str | None:
    try:
        return model.cadence.key(model.cadence.parse(run.tags.get(PARTITION_TAG, "")))
    except DataError:
        return None


def _request_score(model: Model, partition: str, *, cause: str, sentence: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{model.name}|{partition}|score|{cause}",
        partition_key=partition,
        asset_selection=score_selection(model),
        tags={**_tags(model, SCORE, sentence), PRIORITY_TAG: str(batch_priority(model))},
    )


def _tags(model: Model, selection: str, sentence: str) -> dict[str, str]:
    told = textwrap.shorten(sentence, _SENTENCE_LENGTH, placeholder=" ...")
    return {MODEL_TAG: model.name, SELECTION_TAG: selection, REASON_TAG: told}
