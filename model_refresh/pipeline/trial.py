"""The step between challenger and champion: a batch on trial, and what is made of it."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.version import load_version
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, NotStored
from model_refresh.records import Challenger, CheckResult, Comparison, Standing, TrialScores
from model_refresh.refresh.contest import hold_contest
from model_refresh.refresh.decay import (
    decay_of_incumbent,
    judged_comparison,
    standing_of,
    trial_limits,
)
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.rows import feature_names, load_frame
from model_refresh.serving.batch.writing import Role
from model_refresh.serving.trial.judgement import Judged, judge_trial
from model_refresh.serving.trial.pairing import Ground
from model_refresh.serving.trial.trying import (
    Population,
    Tried,
    is_whole,
    population_shift,
    score_trial,
)
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.store import stamp


def try_challenger(model: Model, store: ModelStore, challenger: Challenger) -> Line[TrialScores]:
    """Challenger and incumbent score the current frame; their shift is measured and judged.

    Nothing is scored where there is no challenger. A check that fails is recorded, and keeps the
    champion step from promoting; where labels have shown since that the incumbent decayed, the same
    challenger is judged anew. Raises NotStored where what it rests on is gone.
    """
    log = store.trial_scores(challenger.as_of)
    comparison = judged_comparison(store, challenger) if challenger.version is not None else None
    decay = decay_of_incumbent(store, comparison) if comparison is not None else None
    standing = standing_of(decay)
    limits = trial_limits(model, standing)
    key = bytes_digest(f"{challenger.digest()} {limits}".encode())
    if (line := log.recall(key)) is not None and is_whole(store, line.record):
        return line
    about = TrialScores(as_of=challenger.as_of, challenger=challenger.digest(), limits=limits)
    if challenger.version is None or comparison is None:
        return log.record_once(about, key=key)
    entrant = _role(model, store, challenger.version, challenger)
    incumbent, notes = _incumbent(model, store, comparison, challenger)
    tried = score_trial(store, entrant, incumbent)
    population = _population(model, store, tried, incumbent, challenger)
    judged = _judged(model, store, tried, challenger, standing=standing)
    if decay is not None:
        notes += (f"the incumbent has decayed, as of {stamp(decay.as_of)}: {decay.sentence}",)
    found = {
        "version": challenger.version,
        "incumbent": incumbent and incumbent.version.name,
        "frame": entrant.frame.content,
        "content": tried.content,
        "rows": entrant.frame.rows,
        "previous": population.previous,
        "population": population.shift,
        "shift": judged.shift,
        "on_holdout": judged.on_holdout,
        "checks": judged.checks,
        "notes": (*notes, *population.notes),
    }
    return log.record_once(about.model_copy(update=found), key=key)


def resume_trial(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[TrialScores]:
    """Try the stored challenger; raises NotStored where that step was not run."""
    challenger = store.challengers(as_of).last()
    if challenger is None:
        raise NotStored(
            f"{store.name}, refresh of {stamp(as_of)}: there is no challenger; run that step first"
        )
    return try_challenger(model, store, challenger.record)


def newest_tried(store: ModelStore) -> dt.datetime:
    """The newest refresh that has trial scores; raises NotStored."""
    for as_of in reversed(store.refreshed()):
        if store.trial_scores(as_of).last() is not None:
            return as_of
    raise NotStored(f"{store.name}: no challenger was tried yet; run trial_scores first")


def _role(model: Model, store: ModelStore, version: str, challenger: Challenger) -> Role:
    """A version and the frame that its own SQL gives."""
    loaded = load_version(store, version)
    query = loaded.lineage.definition.frame
    frame = compute_frame(model, store, challenger.as_of, query=query, backfilled=False)
    return Role(loaded, frame)


def _incumbent(
    model: Model, store: ModelStore, comparison: Comparison, challenger: Challenger
) -> tuple[Role | None, tuple[str, ...]]:
    """The incumbent, or its trial twin in its place, or nobody; and what is to be said of it."""
    found = comparison.incumbent
    if found is None:
        return None, ("there is no incumbent to hold the challenger's scores against",)
    notes: tuple[str, ...] = ()
    for version in dict.fromkeys((found.version, found.trial)):
        try:
            return _role(model, store, version, challenger), notes
        except ModelRefreshError as error:
            if error.transient:
                raise
            notes += (f"version {version} of the incumbent can't score beside it: {error}",)
    return None, notes


def _population(
    model: Model, store: ModelStore, tried: Tried, incumbent: Role | None, challenger: Challenger
) -> Population:
    before = model.cadence.previous(challenger.as_of)
    if incumbent is None or tried.batches is None or before is None:
        return Population(None, ())
    return population_shift(store, incumbent, tried.batches, before=before)


def _judged(
    model: Model,
    store: ModelStore,
    tried: Tried,
    challenger: Challenger,
    *,
    standing: Standing,
) -> Judged:
    """The checks of both batches, by what both trial twins made of the holdout."""
    if tried.batches is None:
        return Judged((), (), tried.failed)
    if tried.batches.challenger.is_empty():
        told = "the challenger's frame has no rows: nothing could be judged, so nothing passes"
        return Judged((), (), (CheckResult(name="unique_keys", outcome="failed", sentence=told),))
    comparison = judged_comparison(store, challenger)
    dataset = store.datasets(comparison.as_of).holding(comparison.dataset)
    if dataset is None:
        raise NotStored(
            f"{store.name}, refresh of {stamp(comparison.as_of)}: the dataset that was judged on "
            "is not stored; run the step dataset again"
        )
    contest = hold_contest(model, store, dataset.record, challenger=challenger.trial or "")
    old = contest.incumbent.values if contest.incumbent is not None else None
    tells = old is not None and standing == "sound"
    now = _trial_now(model, store, comparison, challenger) if tells else None
    ground = Ground(contest.holdout.target, old, contest.challenger.values, now)
    limits, tiers = model.spec.scores.shift, model.spec.comparison.tiers
    return judge_trial(tried.batches, ground, limits, tiers=tiers, standing=standing)


def _trial_now(
    model: Model, store: ModelStore, comparison: Comparison, challenger: Challenger
) -> NDArray[np.float64] | None:
    """What the incumbent's trial twin predicts of the current frame; None where it can't."""
    if comparison.incumbent is None:
        return None
    try:
        twin = _role(model, store, comparison.incumbent.trial, challenger)
        names = feature_names(twin.version.recipe.features)
        return twin.version.predict(load_frame(store, twin.frame, names))
    except ModelRefreshError as error:
        if error.transient:
            raise
        return None
