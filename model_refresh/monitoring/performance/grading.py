"""One batch graded: from kept scores and matured labels to a record of how everybody did."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from model_refresh import __version__
from model_refresh.algorithms.version import load_version, read_lineage
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, NotDue
from model_refresh.metrics import Predicted
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.performance.batch import (
    Batch,
    earlier_labels,
    load_batch,
    require_frame_of_its_time,
)
from model_refresh.monitoring.performance.estimates import record_estimate
from model_refresh.monitoring.performance.judgement import judge_batch
from model_refresh.monitoring.performance.looks import gradable_from, is_gradable, look_of
from model_refresh.monitoring.performance.promise import find_promise
from model_refresh.monitoring.performance.remedy import former_of, remedy_of
from model_refresh.monitoring.performance.sides import Side, terms_of
from model_refresh.records import Entry, Labels, Performance, Scores, canonical_json
from model_refresh.refresh.contest import beside
from model_refresh.refresh.incumbent import stand_on_ground
from model_refresh.refresh.labels import label_digest
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest


def grade(
    model: Model, store: ModelStore, as_of: dt.datetime, *, now: dt.datetime
) -> Line[Performance] | None:
    """How the newest batch of the frame at as_of did; None where there is no batch.

    A batch is graded once: the same batch under the same declaration gives the stored record.
    Raises NotDue while its labels have not matured, or while their data are not expected or, as the
    source says, not there; DataError where a check on the labels fails, and NotStored or
    CorruptError where the batch, its frame or the champion's version isn't whole.
    """
    newest = store.scores(as_of).last()
    if newest is None:
        return None
    if not is_gradable(model, as_of, now):
        raise NotDue(_early(model, as_of))
    scores = newest.record
    entry = store.champion.line(scores.entry).record
    log, key = store.performances(as_of), _key(model, scores)
    if (line := log.recall(key)) is not None:
        return line
    about = Performance(
        as_of=as_of,
        batch=scores.content,
        entry=entry.number,
        champion=entry.version,
        primary=model.primary_metric,
        estimated=_estimated(model, store, scores),
    )
    if (why := _ungradable(model, store, scores)) is not None:
        return log.record_once(about.model_copy(update={"notes": (why,)}), key=key)
    batch = load_batch(model, store, scores, now=now)
    return log.record_once(_graded(model, store, about, batch=batch, entry=entry), key=key)


def _early(model: Model, as_of: dt.datetime) -> str:
    known, there = as_of + model.sizes.gap, gradable_from(model, as_of)
    told = f"{model.name}: the labels of {model.cadence.key(as_of)} mature at {known:{_MINUTE}} UTC"
    if there > known:
        told += f" and their data are expected at {there:{_MINUTE}} UTC, by the schedule's time"
    return f"{told}: run again then"


_MINUTE = "%Y-%m-%d %H:%M"


def _graded(
    model: Model, store: ModelStore, about: Performance, *, batch: Batch, entry: Entry
) -> Performance:
    sides, notes = _sides(model, store, batch, entry=entry)
    promise = find_promise(store, entry)
    look = look_of(store, entry.version, about.as_of)
    judged = judge_batch(batch.holdout, sides, promise=promise, terms=terms_of(model, look=look))
    performance = about.model_copy(
        update={
            "labels": batch.labels.content,
            "label_query": batch.labels.query,
            "rows": len(batch.holdout.target),
            "groups": batch.holdout.clusters.count,
            "graded": judged.graded,
            "skill": judged.skill,
            "promised": judged.promised,
            "promise": promise and promise.comparison,
            "look": look,
            "confidence": judged.confidence,
            "checks": judged.checks,
            "notes": (*notes, *judged.notes, *([] if promise else [_NO_PROMISE])),
        }
    )
    return performance.model_copy(update={"remedy": remedy_of(model, performance, entry)})


_NO_PROMISE = "the champion was never promoted by a verdict: nothing was promised of it"


def _sides(
    model: Model, store: ModelStore, batch: Batch, *, entry: Entry
) -> tuple[list[Side], tuple[str, ...]]:
    """Everybody who can be graded on the batch's rows, and why others can't."""
    scores = batch.scores
    sides = [Side("champion", entry.version, _legally(store, entry.version, batch.champion))]
    if batch.challenger is not None and scores.challenger is not None:
        theirs = _legally(store, scores.challenger, batch.challenger)
        sides.append(Side("challenger", scores.challenger, theirs, batch.challenger_rows))
    earlier = earlier_labels(model, store, scores.as_of)
    if earlier:
        values = _constant(earlier, len(batch.holdout.target))
        sides.append(Side("constant", None, Predicted(values, scores.as_of)))
    former = former_of(store, entry)
    if former is None or former.version == entry.version:
        return sides, ("there is no former champion to compare with",)
    try:
        return [*sides, _former_side(model, store, batch, former=former)], ()
    except ModelRefreshError as error:
        if error.transient:
            raise
        why = f"the former champion {former.version} can't be graded: {error}"
    return sides, (why,)


def _legally(store: ModelStore, version: str, values: Floats) -> Predicted:
    lineage = read_lineage(store.version(version))
    return Predicted(values, lineage.learned_until)


def _former_side(model: Model, store: ModelStore, batch: Batch, *, former: Entry) -> Side:
    """The former champion scored now on its own frame of the same instant, rows paired by key.

    Raises NotStored where that frame was not stored at its time.
    """
    version = load_version(store, former.version)
    require_frame_of_its_time(store, version.lineage.definition.frame, batch.scores)
    ground = stand_on_ground(model, store, version, holdout=(batch.scores.as_of,))
    rows, values = beside(batch.rows, store, ground)
    return Side("former", former.version, Predicted(values, version.lineage.learned_until), rows)


def _constant(earlier: Sequence[Labels], rows: int) -> Floats:
    """What predicts the frame without a model: the mean of the labels that were known then.

    A class counts half a row more than it has, as the algorithm `constant` does.
    """
    weights = np.array([labels.rows for labels in earlier], dtype=np.float64)
    if not earlier[0].shares:
        means = np.array([labels.mean for labels in earlier])
        return np.full(rows, float(weights @ means / weights.sum()))
    counts = 0.5 + weights @ np.array([labels.shares for labels in earlier])
    return np.tile(counts / counts.sum(), (rows, 1))


def _ungradable(model: Model, store: ModelStore, scores: Scores) -> str | None:
    """Why a batch can't be graded at all; None where it can."""
    if not scores.rows:
        return "the batch has 0 rows"
    lineage = read_lineage(store.version(scores.champion))
    if lineage.definition.question() != model.definition.question():
        return "the champion predicts another label than the model does now"
    if lineage.learned_until > scores.as_of:
        return (
            f"the champion learned from labels known on {lineage.learned_until:%Y-%m-%d %H:%M} "
            "UTC, after this frame: it may not be judged on it"
        )
    return None


def _estimated(model: Model, store: ModelStore, scores: Scores) -> dict[str, float]:
    """What this batch let expect; made up for where it was scored before estimates were kept."""
    line = record_estimate(model, store, scores)
    return {} if line is None else dict(line.record.metrics)


def _key(model: Model, scores: Scores) -> str:
    """What a grade rests on: batch, question, and how it is judged."""
    watched = model.spec.monitoring
    asked = [model.policy_digest(), watched.confidence, watched.tolerance, model.spec.approval]
    names = [scores.digest(), label_digest(model), *asked, __version__]
    return bytes_digest(canonical_json(names).encode())
