"""One whole refresh. Read this first.

Each step takes the model and earlier records, and returns a record; what is stored already is
not done again, so a refresh that was interrupted is simply run once more.
"""

import datetime as dt
from collections.abc import Callable

from model_refresh.algorithms.version import load_version
from model_refresh.config.model import Model
from model_refresh.errors import VerdictVoid
from model_refresh.records import Frame, Promotion, Record, Scores
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import promote
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.incumbent import champion_at
from model_refresh.refresh.verdict import give_verdict
from model_refresh.serving.scores import Role, publish_scores, published_scores
from model_refresh.storage import Line, ModelStore

_ROUNDS = 5


def refresh(
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    on_step: Callable[[str, Record], None] = lambda name, record: None,
) -> Promotion:
    """Dataset, candidates, comparison, verdict, challenger, champion.

    Raises NotDue while too few frames have matured, DataError where a check on data stops it,
    and PromotionRefused where a gate rejects.
    """
    dataset = build_dataset(model, store, as_of).record
    on_step("dataset", dataset)
    candidates = []
    for algorithm in model.spec.training.candidates:
        candidates.append(fit_candidate(model, store, dataset, algorithm).record)
        on_step(f"candidate {algorithm.algorithm}", candidates[-1])
    for attempt in range(1, _ROUNDS + 1):
        comparison = compare(model, store, dataset, candidates).record
        on_step("comparison", comparison)
        verdict = give_verdict(model, store, comparison).record
        on_step("verdict", verdict)
        challenger = refit_challenger(model, store, dataset, verdict).record
        on_step("challenger", challenger)
        try:
            return promote(model, store, verdict, challenger).record
        except VerdictVoid:
            if attempt == _ROUNDS:
                raise
    raise AssertionError("unreachable")


def score(
    model: Model, store: ModelStore, as_of: dt.datetime, *, again: bool = False
) -> Line[Scores] | None:
    """The batch of the frame at as_of by the champion that counts for it; None without one.

    A published batch is final: with `again`, one under a newer entry is published beside it.
    """
    entry = champion_at(store, as_of)
    published = published_scores(store, as_of)
    if entry is None or (published is not None and not again):
        return published
    champion = _role(model, store, entry.version, as_of)
    loser = _losing_challenger(store, as_of)
    challenger = _role(model, store, loser, as_of) if loser else None
    return publish_scores(store, entry, champion, challenger)


def current_frame(model: Model, store: ModelStore, as_of: dt.datetime) -> Frame:
    """The model's own frame at as_of."""
    query = model.definition.frame
    return compute_frame(model, store, as_of, query=query, backfilled=False)


def _role(model: Model, store: ModelStore, version: str, as_of: dt.datetime) -> Role:
    """A version and the frame that its own SQL gives."""
    loaded = load_version(store, version)
    query = loaded.lineage.definition.frame
    return Role(loaded, compute_frame(model, store, as_of, query=query, backfilled=False))


def _losing_challenger(store: ModelStore, as_of: dt.datetime) -> str | None:
    """The challenger of this as_of that stayed one: its trial twin, to be graded later."""
    verdict, comparison = store.verdicts(as_of).last(), store.comparisons(as_of).last()
    if verdict is None or comparison is None or verdict.record.decision == "promote":
        return None
    return comparison.record.trial
