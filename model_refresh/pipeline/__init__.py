"""One whole refresh. Read this first.

Each step takes the model and earlier records, and returns a record; what is stored already is
not done again, so a refresh that was interrupted is simply run once more.
"""

import datetime as dt
from collections.abc import Callable

from model_refresh.config.demands import require_libraries
from model_refresh.config.model import Model
from model_refresh.errors import VerdictVoid
from model_refresh.pipeline.production import current_frame, score
from model_refresh.pipeline.realtime import generate_scorer, is_realtime, try_scorer
from model_refresh.pipeline.trial import try_challenger
from model_refresh.progress import Tell, silent
from model_refresh.records import (
    Candidate,
    Challenger,
    Dataset,
    Promotion,
    Record,
    ReportFile,
    Verdict,
)
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import promote, settled_promotion
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.verdict import give_verdict
from model_refresh.report import write_report
from model_refresh.storage import ModelStore

__all__ = ["current_frame", "refresh", "report", "score", "steps"]

OnStep = Callable[[str, Record], None]
"""Hears of each step's name and record."""

_ROUNDS = 5
"""So often a refresh meets a champion that changes while it is judged."""


def refresh(  # noqa: PLR0913  (what is refreshed, how, and who hears of it)
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    wide: bool = False,
    on_step: OnStep = lambda name, record: None,
    on_progress: Tell = silent,
) -> Promotion:
    """Dataset, candidates, comparison, verdict, challenger, its trial scores and scorer, champion.

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
    for _ in range(_ROUNDS - 1):
        try:
            return _judged(model, store, dataset, candidates=candidates, on_step=on_step)
        except VerdictVoid:
            continue  # the champion changed meanwhile: meet the new one
    return _judged(model, store, dataset, candidates=candidates, on_step=on_step)


def _judged(
    model: Model,
    store: ModelStore,
    dataset: Dataset,
    *,
    candidates: list[Candidate],
    on_step: OnStep,
) -> Promotion:
    """From comparison to champion; raises VerdictVoid where the champion changed meanwhile."""
    comparison = compare(model, store, dataset, candidates).record
    on_step("comparison", comparison)
    verdict = give_verdict(model, store, comparison).record
    on_step("verdict", verdict)
    if (page := report(model, store, verdict)) is not None:
        on_step("report", page)
    challenger = refit_challenger(model, store, dataset, verdict).record
    on_step("challenger", challenger)
    _try_out(model, store, challenger, on_step)
    promotion = promote(model, store, verdict, challenger).record
    on_step("champion", promotion)
    return promotion


def steps(model: Model) -> tuple[str, ...]:
    """The names by which `refresh` tells of its steps, in order."""
    candidates = [f"candidate {each.algorithm}" for each in model.spec.training.in_order]
    report = ("report",) if model.spec.report else ()
    judged = ("dataset", *candidates, "comparison", "verdict", *report)
    tests = ("scorer", "conformance") if is_realtime(model) else ()
    return (*judged, "challenger", "trial_scores", *tests, "champion")


def _try_out(model: Model, store: ModelStore, challenger: Challenger, on_step: OnStep) -> None:
    """Every test of a challenger before production; what fails keeps `promote` from it."""
    on_step("trial_scores", try_challenger(model, store, challenger).record)
    if is_realtime(model):
        scorer = generate_scorer(model, store, challenger).record
        on_step("scorer", scorer)
        on_step("conformance", try_scorer(model, store, scorer).record)


def report(model: Model, store: ModelStore, verdict: Verdict) -> ReportFile | None:
    """The page on a verdict, written whatever it says; None where the model wants none."""
    return write_report(model, store, verdict).record if model.spec.report else None
