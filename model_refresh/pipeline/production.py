"""From champion and challenger to what production uses: each step as the store's records ask it."""

import datetime as dt
from collections.abc import Callable

from polars.exceptions import PanicException

from model_refresh.algorithms.version import load_version
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, sentence_of
from model_refresh.monitoring.drift import compute_drift
from model_refresh.monitoring.performance import record_estimate
from model_refresh.records import Delivery, Frame, Scores
from model_refresh.refresh.champion import promoted_by
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.incumbent import champion_at
from model_refresh.serving.batch.delivery import deliver_newest, is_of, sink_digest
from model_refresh.serving.scores import Role, publish_scores, published_scores
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp

OnTrouble = Callable[[str], None]
"""Hears of what went wrong beside a batch that is out, in a sentence."""


def score(
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    again: bool = False,
    on_trouble: OnTrouble = lambda sentence: None,
) -> Line[Scores] | None:
    """The batch of the frame at as_of by the champion that counts for it; None without one.

    A published batch is final: with `again`, one under a newer entry is published beside it, and
    one that was damaged is made anew. The challenger never keeps the champion's scores back: where
    it can't score, the batch says why. The newest batch is delivered to the declared sink unless
    it is there already, with `again` in any case. Last, the frame's drift is measured, unless it
    was before, and the batch's estimate recorded: whatever goes wrong with these, the scores are
    out, and `on_trouble` hears it.

    Raises DataError where the audit refuses the batch, and SinkError where it was published but
    could not be delivered: running again delivers it.
    """
    line = _published(model, store, as_of, again=again)
    if line is not None:
        deliver_newest(model, store, as_of, again=again)
        _watch(model, store, line.record, on_trouble=on_trouble)
    return line


def delivery(model: Model, store: ModelStore, scores: Scores) -> Delivery | None:
    """The delivery of this batch, if it was the last to arrive in the sink that is declared."""
    last = store.deliveries(scores.as_of).last()
    if last is None or not is_of(last.record, scores, sink_digest(model)):
        return None
    return last.record


def _watch(model: Model, store: ModelStore, scores: Scores, *, on_trouble: OnTrouble) -> None:
    """Drift, and what the scores alone let expect; grading makes up for a missing estimate."""
    steps: dict[str, Callable[[], object]] = {
        "drift can't be measured": lambda: compute_drift(model, store, scores.as_of),
        "its performance can't be estimated": lambda: record_estimate(model, store, scores),
    }
    for what, step in steps.items():
        try:
            step()
        except (Exception, PanicException) as error:  # noqa: BLE001 - the batch is out
            on_trouble(
                f"the batch of {stamp(scores.as_of)} is out, but {what}: {sentence_of(error)}"
            )


def _published(
    model: Model, store: ModelStore, as_of: dt.datetime, *, again: bool
) -> Line[Scores] | None:
    entry = champion_at(store, as_of)
    if entry is None:
        return None
    if not again and (published := published_scores(store, as_of)) is not None:
        return published
    champion = _role(model, store, entry.version, as_of)
    try:
        challenger = _losing_challenger(model, store, as_of)
        return publish_scores(store, entry, champion, challenger)
    except ModelRefreshError as error:
        if error.transient:
            raise
        note = f"the challenger could not score: {error}"
        return publish_scores(store, entry, champion, None, notes=(note,))


def current_frame(model: Model, store: ModelStore, as_of: dt.datetime) -> Frame:
    """The model's own frame at as_of."""
    query = model.definition.frame
    return compute_frame(model, store, as_of, query=query, backfilled=False)


def _role(model: Model, store: ModelStore, version: str, as_of: dt.datetime) -> Role:
    """A version and the frame that its own SQL gives."""
    loaded = load_version(store, version)
    query = loaded.lineage.definition.frame
    return Role(loaded, compute_frame(model, store, as_of, query=query, backfilled=False))


def _losing_challenger(model: Model, store: ModelStore, as_of: dt.datetime) -> Role | None:
    """The challenger of this as_of that stayed one: its trial twin, to be graded later.

    It lost, or failed a later test, or waits for approval. One that can't be compared with the
    incumbent has no place beside it.
    """
    verdict, comparison = store.verdicts(as_of).last(), store.comparisons(as_of).last()
    if verdict is None or comparison is None or promoted_by(store, verdict.record) is not None:
        return None
    incumbent = comparison.record.incumbent
    if comparison.record.trial is None or (incumbent and incumbent.incomparable):
        return None
    return _role(model, store, comparison.record.trial, as_of)
