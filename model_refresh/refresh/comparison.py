"""The comparison step: challenger, incumbent and constant on the same holdout rows."""

from collections.abc import Sequence

import numpy as np

from model_refresh import __version__
from model_refresh.config.model import Model
from model_refresh.metering import Meter
from model_refresh.metrics import Metric, compare_metrics, metric
from model_refresh.records import (
    Candidate,
    Comparison,
    Dataset,
    Discovery,
    MetricComparison,
    canonical_json,
)
from model_refresh.refresh.contest import Contest, hold_contest
from model_refresh.refresh.discovery import open_test
from model_refresh.refresh.evidence import asks_latency, measure_footprint, with_evidence
from model_refresh.refresh.incumbent import find_incumbent
from model_refresh.storage import Line, Log, ModelStore
from model_refresh.storage.folder import bytes_digest

YARDSTICK = "constant"
_MOST_HALVINGS = 40
"""Beyond it 1 - confidence is too small to be told from 0."""
_LEAST_ERROR = 1e-12
_NEAR = 0.01


def compare(
    model: Model, store: ModelStore, dataset: Dataset, candidates: Sequence[Candidate]
) -> Line[Comparison]:
    """Judge the candidate that validation chose against the incumbent and the constant."""
    meter, incumbent = Meter.start(), find_incumbent(store, dataset.as_of)
    chosen = choose(model, candidates)
    log = store.comparisons(dataset.as_of)
    names = sorted(model.metric_names)
    digests = sorted(candidate.digest() for candidate in candidates)
    inputs = [dataset.digest(), digests, incumbent and incumbent.entry_digest, __version__]
    key = bytes_digest(
        canonical_json([*inputs, model.spec.comparison.model_dump(mode="json"), names]).encode()
    )
    if (line := _recalled(model, store, dataset, log, key=key)) is not None:
        return line
    about = Comparison(
        as_of=dataset.as_of,
        task=model.spec.task,
        primary=model.primary_metric,
        dataset=dataset.digest(),
        candidates=tuple(digests),
        challenger=chosen and chosen.name,
        trial=chosen and chosen.version,
        artifact=None,
        incumbent=incumbent,
        holdout=dataset.plan.holdout,
        rows=0,
        confidence=model.spec.comparison.confidence,
        declared_confidence=model.spec.comparison.confidence,
        power=model.spec.comparison.power,
        metrics={},
        notes=tuple(_cut_short(each) for each in candidates if not each.repeatable),
    )
    if chosen is None or chosen.version is None:
        return log.record_once(about, key=key)
    contest = hold_contest(model, store, dataset, challenger=chosen.version)
    test = open_test(model, store, dataset.as_of, key=key)  # only what can be judged spends
    confidence = _confidence(model, log, test)
    about = about.model_copy(update={"confidence": confidence, "discovery": test})
    judged = _judged(model, about, contest)
    shown = with_evidence(model, store, judged, contest=contest, weak=chosen.weak)
    return log.record_once(shown, key=key, cost=meter.cost)


def _recalled(
    model: Model, store: ModelStore, dataset: Dataset, log: Log[Comparison], *, key: str
) -> Line[Comparison] | None:
    """The comparison of these inputs, timed now where a gate has come to ask for it.

    One more thing to measure is no further judgement: the figures stay as they were judged.
    """
    timed = bytes_digest(f"{key} timed".encode())
    if (line := log.recall(timed) or log.recall(key)) is None:
        return None
    footprint, trial = line.record.footprint, line.record.trial
    if not asks_latency(model) or footprint is None or footprint.latency_ms is not None:
        return line
    if trial is None:
        return line
    contest = hold_contest(model, store, dataset, challenger=trial)
    measured = {"footprint": measure_footprint(model, store, contest)}
    return log.record_once(line.record.model_copy(update=measured), key=timed)


def choose(model: Model, candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate with the best validation value of the primary metric; never the constant.

    One that could be judged on the newest folds only meets the best of the others on those folds. A
    steady one is taken in place of the best where it is within 1% of it: which of several near
    ones is best on a few folds says little of the next period.
    """
    primary = metric(model.primary_metric)
    fitted = [c for c in candidates if c.version is not None and c.name != YARDSTICK]
    best: Candidate | None = None
    for each in sorted(fitted, key=lambda c: -len(c.folds)):
        value = _on_newest(each, len(each.folds), primary.name)
        if not np.isfinite(value):
            continue
        rival = value if best is None else _on_newest(best, len(each.folds), primary.name)
        if best is None or primary.gain(value, rival) > 0:
            best = each
    steady = [c for c in fitted if c.steady and best is not None and _is_near(c, best, primary)]
    return steady[0] if steady else best


def _is_near(candidate: Candidate, best: Candidate, primary: Metric) -> bool:
    """Whether it is at most 1% of the best one's value worse, on the folds that both have."""
    folds = min(len(candidate.folds), len(best.folds))
    value = _on_newest(candidate, folds, primary.name)
    rival = _on_newest(best, folds, primary.name)
    return bool(primary.gain(value, rival) >= -_NEAR * abs(rival))


def _on_newest(candidate: Candidate, folds: int, name: str) -> float:
    """The mean of a metric's values on so many of the newest folds."""
    values = [fold[name] for fold in candidate.folds[:folds]]
    return float(np.mean(values)) if values else candidate.validation[name]


def _cut_short(candidate: Candidate) -> str:
    return (
        f"the tuning of {candidate.name} met tuning.seconds after {len(candidate.trials)} trials: "
        "this refresh can't be repeated exactly"
    )


def _confidence(model: Model, log: Log[Comparison], test: Discovery | None) -> float:
    """Each further judgement on the same holdout halves the error that is allowed.

    Under false discovery control it is also never more than the level of this test.
    """
    judged_before = len({line.key for line in log.lines() if line.record.metrics})
    error = (1 - model.spec.comparison.confidence) * 0.5 ** min(judged_before, _MOST_HALVINGS)
    return 1 - (error if test is None else max(min(error, test.level), _LEAST_ERROR))


def _judged(model: Model, about: Comparison, contest: Contest) -> Comparison:
    metrics = compare_metrics(
        [model.metric(name) for name in model.metric_names],
        contest.holdout,
        challenger=contest.challenger,
        constant=contest.constant,
        incumbent=contest.incumbent,
        confidence=about.confidence,
        power=about.power,
    )
    return about.model_copy(
        update={
            "artifact": contest.artifact,
            "incumbent": contest.found,
            "holdout": contest.instants,
            "rows": len(contest.holdout.target),
            "metrics": metrics,
            "notes": (*about.notes, *contest.notes, *_poor_incumbent(metrics[about.primary])),
        }
    )


def _poor_incumbent(primary: MetricComparison) -> tuple[str, ...]:
    """The incumbent does worse than no model at all, beyond doubt."""
    gain = primary.incumbent_over_constant
    if gain is None or not gain.upper < 0:
        return ()
    return (
        f"the incumbent is worse than the constant: {primary.metric} {primary.incumbent:.5g} "
        f"against {primary.constant:.5g}; a person should look at it",
    )
