"""The trial batch: both models score the current frame before one may replace the other.

Its folder has `challenger.parquet` and `incumbent.parquet`: each the key and one model's scores.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.errors import CorruptError, ModelRefreshError, NotStored
from model_refresh.records import CheckResult, Digest, ScoreShift, TrialScores
from model_refresh.serving.batch.writing import SCORE, Role, score_names, write_scores
from model_refresh.serving.trial.pairing import Batches
from model_refresh.serving.trial.shift import population
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import drafting
from model_refresh.storage.store import SCORES

CHALLENGER, INCUMBENT = "challenger.parquet", "incumbent.parquet"


@dataclass(frozen=True)
class Tried:
    """What came of scoring: the stored folder with both batches, or why the challenger can't."""

    content: Digest | None
    batches: Batches | None
    failed: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Population:
    """How the incumbent's scores moved from the frame before to this one."""

    previous: Digest | None
    shift: tuple[ScoreShift, ...]
    notes: tuple[str, ...] = ()


def score_trial(store: ModelStore, challenger: Role, incumbent: Role | None) -> Tried:
    """Score and store both batches of the frame, each version on the rows of its own SQL.

    A challenger that can't score, or not finitely, has failed; nothing is stored then. Raises what
    is transient, and what keeps the incumbent from scoring.
    """
    log = store.trial_scores(challenger.frame.as_of)
    with drafting(log.folder) as draft:
        if incumbent is not None:
            write_scores(store, draft.path / INCUMBENT, incumbent, None)
        try:
            write_scores(store, draft.path / CHALLENGER, challenger, None)
        except ModelRefreshError as error:
            if error.transient:
                raise
            told = CheckResult(name="scored", outcome="failed", sentence=str(error))
            return Tried(None, None, (told,))
        inputs = {"challenger": challenger.version.artifact, "frame": challenger.frame.content}
        if incumbent is not None:
            inputs["incumbent"] = incumbent.version.artifact
        content = draft.publish(kind="trial_scores", inputs=inputs, libraries={})
    read = {
        name: pl.read_parquet(content.file(name))
        for name in (CHALLENGER, INCUMBENT)
        if name in content.manifest.files
    }
    batches = Batches(
        task=challenger.version.lineage.definition.task,
        key=challenger.frame.key,
        columns=tuple(score_names(challenger.version, SCORE)),
        challenger=read[CHALLENGER],
        incumbent=read.get(INCUMBENT),
    )
    return Tried(content.digest, batches)


def is_whole(store: ModelStore, trial: TrialScores) -> bool:
    """Whether a trial's stored batches are there and match; damaged ones are made anew."""
    if trial.content is None:
        return True
    try:
        stored = store.content(store.trial_scores(trial.as_of), trial.content)
        for name in stored.manifest.files:
            stored.file(name)
    except (CorruptError, NotStored):
        return False
    return True


def population_shift(
    store: ModelStore, incumbent: Role, batches: Batches, *, before: dt.datetime
) -> Population:
    """The incumbent's published batch of the frame before against its current one: told only."""
    line = store.scores(before).last()
    if line is None or line.record.champion != incumbent.version.name or not line.record.rows:
        why = "the incumbent has no batch of the frame before: the population's shift is not told"
        return Population(None, (), (why,))
    try:
        file = store.content(store.scores(before), line.record.content).file(SCORES)
    except (CorruptError, NotStored) as error:
        return Population(None, (), (f"the population's shift is not told: {error}",))
    old = pl.read_parquet(file, columns=list(batches.columns)).to_numpy()
    new = batches.incumbent
    if new is None or new.is_empty():
        return Population(line.record.content, ())
    current = new.select(batches.columns).to_numpy()
    told = population(batches.columns, _flat(old), _flat(current))
    return Population(line.record.content, told)


def _flat(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """One column as shape (rows,)."""
    return np.ascontiguousarray(scores[:, 0] if scores.shape[1] == 1 else scores)
