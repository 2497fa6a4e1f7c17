"""The steps of a model with `deploy: [batch, realtime]`: its challenger's scorer, and its tests.

What makes a scorer needs the extra `realtime`, so it is imported where it is used: other models do
without.
"""

import datetime as dt
from typing import TYPE_CHECKING

from model_refresh.algorithms.version import load_version
from model_refresh.config.model import Model
from model_refresh.errors import NotStored
from model_refresh.records import Challenger, Conformance, Scorer
from model_refresh.refresh.rows import feature_names, load_frame
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp

if TYPE_CHECKING:
    from model_refresh.serving.scorers import Subject


def is_realtime(model: Model) -> bool:
    """Whether a champion of this model needs a scorer that passed its tests."""
    return "realtime" in model.spec.deploy


def generate_scorer(model: Model, store: ModelStore, challenger: Challenger) -> Line[Scorer]:
    """The scorer of a challenger, generated and stored; without a version where there is none.

    Raises FitError where the version can't be written out, or its formula disagrees with it.
    """
    from model_refresh.serving import scorers

    subject = _subject(store, challenger)
    return scorers.generate(store, challenger, subject, model.spec.realtime)


def try_scorer(model: Model, store: ModelStore, scorer: Scorer) -> Line[Conformance]:
    """What became of the scorer's tests; one that failed is tested again, one that passed is not.

    Raises NotStored where the challenger that it scores for is not stored.
    """
    from model_refresh.serving import scorers

    challenger = store.challengers(scorer.as_of).holding(scorer.challenger)
    if challenger is None:
        raise NotStored(f"{model.name}: the challenger of this scorer is not stored: run that step")
    subject = _subject(store, challenger.record) if scorer.version is not None else None
    return scorers.conform(store, scorer, subject, model.spec.realtime)


def make_scorer(model: Model, store: ModelStore, version: str) -> Scorer | None:
    """The scorer of a version that was promoted without one, made and tested now.

    None where no refresh brought this version forth as its challenger.
    """
    for as_of in reversed(store.refreshed()):
        for line in reversed(store.challengers(as_of).lines()):
            if line.record.version == version:
                scorer = generate_scorer(model, store, line.record).record
                try_scorer(model, store, scorer)
                return scorer
    return None


def resume_scorer(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[Scorer]:
    """The scorer of the stored challenger; raises NotStored where there is none."""
    line = store.challengers(as_of).last()
    if line is None:
        raise NotStored(f"{_about(model, as_of)}: there is no challenger; run that step first")
    return generate_scorer(model, store, line.record)


def resume_conformance(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[Conformance]:
    """What became of the tests of the stored scorer; raises NotStored where there is none."""
    line = store.scorers(as_of).last()
    if line is None:
        raise NotStored(f"{_about(model, as_of)}: there is no scorer; run that step first")
    return try_scorer(model, store, line.record)


def newest_scored(model: Model, store: ModelStore) -> dt.datetime:
    """The newest refresh that has a scorer; raises NotStored."""
    for as_of in reversed(store.refreshed()):
        if store.scorers(as_of).last() is not None:
            return as_of
    raise NotStored(f"{model.name}: no refresh has a scorer yet; run one first")


def _subject(store: ModelStore, challenger: Challenger) -> "Subject | None":
    """The challenger's version, and the frame that its refresh is to score; None without one."""
    from model_refresh.serving.scorers import Subject

    verdict = store.verdicts(challenger.as_of).holding(challenger.verdict)
    if challenger.version is None or verdict is None:
        return None
    dataset = store.datasets(challenger.as_of).holding(verdict.record.dataset)
    if dataset is None:
        return None
    version = load_version(store, challenger.version)
    names = feature_names(version.recipe.features)
    return Subject(version, load_frame(store, dataset.record.current, names))


def _about(model: Model, as_of: dt.datetime) -> str:
    return f"{model.name}, refresh of {stamp(as_of)}"
