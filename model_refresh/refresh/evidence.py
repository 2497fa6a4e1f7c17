"""What a comparison shows beside its metrics, made of the contest's rows and predictions."""

import statistics
import time

import numpy as np

from model_refresh.config.model import Model
from model_refresh.metrics import metric, names
from model_refresh.records import Comparison, Curves, Footprint, Migration, Slice, SliceComparison
from model_refresh.refresh.contest import Contest
from model_refresh.refresh.curves import compare_ranks, draw_curves, span_of
from model_refresh.refresh.rows import feature_names
from model_refresh.refresh.slices import Sides, compare_slices, declared_slices, mask_of
from model_refresh.refresh.staleness import freshness_of, judge_former
from model_refresh.storage import ModelStore

_TIMED_ROWS = 200


def with_evidence(
    model: Model,
    store: ModelStore,
    comparison: Comparison,
    *,
    contest: Contest,
    weak: tuple[Slice, ...],
) -> Comparison:
    """The comparison with slices, curves, migration, staleness and footprint.

    `weak` are the slices on which the challenger's recipe did worst on the validation rows.
    """
    former = judge_former(
        model, store, contest, before=comparison.as_of, confidence=comparison.confidence
    )
    shown = comparison.model_copy(
        update={
            "slices": _slices(model, contest, weak, comparison.confidence),
            "curves": _curves(model, contest, comparison.declared_confidence),
            "migration": _migration(model, contest),
            "staleness": former,
            "footprint": measure_footprint(model, store, contest),
        }
    )
    return shown.model_copy(update={"freshness": freshness_of(model, store, shown)})


def asks_latency(model: Model) -> bool:
    """Whether a gate of the model looks at the time of one row."""
    return any(gate.asks_latency for gate in model.spec.gates)


def measure_footprint(model: Model, store: ModelStore, contest: Contest) -> Footprint:
    """What the challenger's trial twin weighs, and where a gate asks, how long one row takes."""
    files = store.version(contest.version.name).manifest.files.values()
    return Footprint(
        size_bytes=sum(file.bytes for file in files),
        latency_ms=_latency(contest) if asks_latency(model) else None,
    )


def _slices(
    model: Model, contest: Contest, weak: tuple[Slice, ...], confidence: float
) -> tuple[SliceComparison, ...]:
    """By the primary metric where it is a loss, which every slice has, else by the task's own."""
    primary = metric(model.primary_metric)
    judged = primary if primary.is_loss else metric(names(model.spec.task)[0])
    table = contest.rows.table
    parts = declared_slices(model.spec.comparison.slices, table)
    named = {part.clauses for part, _ in parts}
    found = [
        each
        for each in weak
        if each.clauses not in named and all(c.column in table.columns for c in each.clauses)
    ]
    for each in found:
        inside = mask_of(each, table)
        if not any(np.array_equal(inside, other) for _, other in parts):
            parts.append((each, inside))
    sides = Sides(contest.holdout, contest.challenger, contest.incumbent)
    return compare_slices(parts, sides, metric=judged, confidence=confidence)


def _curves(model: Model, contest: Contest, confidence: float) -> dict[str, Curves]:
    sides = {"challenger": contest.challenger, "incumbent": contest.incumbent}
    known = {who: side.values for who, side in sides.items() if side is not None}
    span = span_of(*known.values())
    return {
        who: draw_curves(model.spec.task, contest.holdout, values, span=span, confidence=confidence)
        for who, values in known.items()
    }


def _migration(model: Model, contest: Contest) -> Migration | None:
    if contest.incumbent is None:
        return None
    features = feature_names(contest.version.recipe.features)
    return compare_ranks(
        contest.incumbent.values,
        contest.challenger.values,
        tiers=model.spec.comparison.tiers,
        table=contest.rows.table.select(features),
    )


def _latency(contest: Contest) -> float:
    """The median of one row at a time, after one that warms up, in milliseconds."""
    rows = contest.rows.table.head(_TIMED_ROWS)
    contest.version.predict(rows.head(1))
    spent = []
    for number in range(rows.height):
        start = time.perf_counter()
        contest.version.predict(rows[number : number + 1])
        spent.append(time.perf_counter() - start)
    return 1000.0 * statistics.median(spent)
