"""One whole refresh. Read this first.

Each step takes the model and earlier records, and returns a record; what is stored already is
not done again, so a refresh that was interrupted is simply run once more.
"""

import datetime as dt
from collections.abc import Callable

from model_refresh.algorithms.version import load_version
from model_refresh.config.demands import require_libraries
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, VerdictVoid
from model_refresh.progress import Tell, silent
from model_refresh.records import (
    Candidate,
    Frame,
    Promotion,
    Record,
    ReportFile,
    Scores,
    Verdict,
)
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import promote, settled_promotion
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.incumbent import champion_at
from model_refresh.refresh.verdict import give_verdict
from model_refresh.report import write_report
from model_refresh.serving.scores import Role, publish_scores, published_scores
from model_refresh.storage import Line, ModelStore

_ROUNDS = 5


def refresh(  # noqa: PLR0913  (what is refreshed, how, and who hears of it)
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    wide: bool = False,
    on_step: Callable[[str, Record], None] = lambda name, record: None,
    on_progress: Tell = silent,
) -> Promotion:
    """Dataset, candidates, comparison, verdict, challenger, champion.

    A refresh that has promoted is done: run again, it does nothing and gives the same record.
    `wide` has every search look everywhere, as after drift, not around what was good before.

    Raises ConfigError where a candidate's library isn't installed, NotDue while too few frames have
    matured, DataError where a check on data stops it, and PromotionRefused where a gate rejects.
    """
    if (settled := settled_promotion(store, as_of)) is not None:
        return settled.record
    require_libraries(model)
    dataset = build_dataset(model, store, as_of).record
    on_step("dataset", dataset)
    candidates: list[Candidate] = []
    for each in model.spec.training.in_order:
        line = fit_candidate(
            model, store, dataset, each, others=candidates, wide=wide, on_progress=on_progress
        )
        candidates.append(line.record)
        on_step(f"candidate {each.algorithm}", line.record)
    for attempt in range(1, _ROUNDS + 1):
        comparison = compare(model, store, dataset, candidates).record
        on_step("comparison", comparison)
        verdict = give_verdict(model, store, comparison).record
        on_step("verdict", verdict)
        if (page := report(model, store, verdict)) is not None:
            on_step("report", page)
        challenger = refit_challenger(model, store, dataset, verdict).record
        on_step("challenger", challenger)
        try:
            promotion = promote(model, store, verdict, challenger).record
        except VerdictVoid:
            if attempt == _ROUNDS:
                raise
        else:
            on_step("champion", promotion)
            return promotion
    raise AssertionError("unreachable")


def steps(model: Model) -> tuple[str, ...]:
    """The names by which `refresh` tells of its steps, in order."""
    candidates = [f"candidate {each.algorithm}" for each in model.spec.training.in_order]
    report = ("report",) if model.spec.report else ()
    return ("dataset", *candidates, "comparison", "verdict", *report, "challenger", "champion")


def report(model: Model, store: ModelStore, verdict: Verdict) -> ReportFile | None:
    """The page on a verdict, written whatever it says; None where the model wants none."""
    return write_report(model, store, verdict).record if model.spec.report else None


def score(
    model: Model, store: ModelStore, as_of: dt.datetime, *, again: bool = False
) -> Line[Scores] | None:
    """The batch of the frame at as_of by the champion that counts for it; None without one.

    A published batch is final: with `again`, one under a newer entry is published beside it, and
    one that was damaged is made anew. The challenger never keeps the champion's scores back: where
    it can't score, the batch says why.
    """
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

    One that can't be compared with the incumbent has no place beside it.
    """
    verdict, comparison = store.verdicts(as_of).last(), store.comparisons(as_of).last()
    if verdict is None or comparison is None or verdict.record.decision == "promote":
        return None
    incumbent = comparison.record.incumbent
    if comparison.record.trial is None or (incumbent and incumbent.incomparable):
        return None
    return _role(model, store, comparison.record.trial, as_of)
