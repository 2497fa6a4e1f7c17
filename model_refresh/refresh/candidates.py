"""The candidates step: each declared candidate tuned and fitted in a child process of its own."""

from collections.abc import Sequence

from model_refresh import __version__
from model_refresh.algorithms import AnyAlgorithm
from model_refresh.algorithms.card import CardText
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.model import Model
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.config.training import AnyCandidate
from model_refresh.errors import CorruptError, FitError, NotStored
from model_refresh.progress import Tell, silent
from model_refresh.records import HALF_LIFE, WINDOW, Candidate, Dataset, Recipe, canonical_json
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.ensemble import propose_ensemble
from model_refresh.refresh.experience import Experience, experience_of
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.proposal import (
    Dropped,
    Proposal,
    folds_of,
    shown_metrics,
    used_by_search,
)
from model_refresh.refresh.recalibration import propose_recalibrated
from model_refresh.refresh.trials import SearchJob
from model_refresh.refresh.twins import card_text, place_of, run_fit, twin_lineage
from model_refresh.storage import Line, Log, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.tuning import Choice, Journal, Plan

_KEPT = 3
"""Of how many trials an ensemble may choose, of one algorithm."""
_PER_MEMBER = 3
"""Of how many trials a blend may choose each of its members."""


def fit_candidate(  # noqa: PLR0913  (a step's inputs, and how it is run)
    model: Model,
    store: ModelStore,
    dataset: Dataset,
    candidate: AnyCandidate,
    *,
    others: Sequence[Candidate] = (),
    wide: bool = False,
    on_progress: Tell = silent,
) -> Line[Candidate]:
    """Tune and fit one candidate: the trial twin. A fit that fails is recorded, not raised.

    `others` are this refresh's other candidates, of which an ensemble is made. A `wide` search
    looks everywhere, whatever was good before. Raises StoreWriteError where the disk refuses: no
    candidate is to blame for that.
    """
    log = store.candidates(dataset.as_of, candidate.algorithm)
    about = Candidate(as_of=dataset.as_of, name=candidate.algorithm, dataset=dataset.digest())
    asked = None
    if isinstance(candidate, Ensemble):
        asked = _mixture_key(model, dataset, candidate, others)
    if asked is not None and (line := log.recall(asked)) is not None:
        return line  # what was mixed may rest on a clock: it is not mixed anew
    try:
        proposal = _proposal(model, store, dataset, candidate, others=others, wide=wide)
    except Dropped as reason:
        dropped = about.model_copy(update={"dropped": str(reason)})
        return log.record_once(dropped, key=asked or dropped.digest())
    except (FitError, NotStored, CorruptError) as error:
        return _told(log, about.model_copy(update={"failure": str(error)}))
    key = asked or _job_key(proposal.job, dataset)
    journal = Journal(store.journal(key))
    if (line := log.recall(key)) is not None:
        journal.remove()
        return line
    try:
        result, cost = run_fit(
            model, store, proposal.resumable(store, key), on_progress=on_progress
        )
    except FitError as error:
        return _told(log, about.model_copy(update={"failure": str(error)}))
    fitted = about.model_copy(update={**dict(result), **proposal.known})
    line = log.record_once(fitted, key=key, cost=cost)
    journal.remove()
    return line


def _told(log: Log[Candidate], without: Candidate) -> Line[Candidate]:
    """Record a candidate that has no version; never under the key by which one is sought."""
    return log.record_once(without, key=without.digest())


def _proposal(  # noqa: PLR0913  (as fit_candidate)
    model: Model,
    store: ModelStore,
    dataset: Dataset,
    candidate: AnyCandidate,
    *,
    others: Sequence[Candidate],
    wide: bool,
) -> Proposal:
    match candidate:
        case Ensemble():
            return propose_ensemble(model, store, dataset, candidate, others)
        case Recalibrated():
            return propose_recalibrated(model, store, dataset, candidate)
        case _:
            return _propose_search(model, store, dataset, candidate, wide=wide)


def _propose_search(
    model: Model, store: ModelStore, dataset: Dataset, algorithm: AnyAlgorithm, *, wide: bool
) -> Proposal:
    """An algorithm whose parameters are to be searched for."""
    known = experience_of(model, store, dataset, algorithm)
    tunable = bool(algorithm.space(model.spec.task))
    every = model.spec.training.tuning.widen_every
    narrow = tunable and bool(known.remembered) and not wide and known.since_wide + 1 < every
    recipe = Recipe(
        algorithm=algorithm.algorithm,
        options=algorithm.model_dump(mode="json", exclude={"algorithm"}),
        parameters={},
        features=dataset.features,
        categorical=dataset.categorical,
        seed=model.spec.training.seed,
        encoding=model.spec.training.features,
    )
    trial = frames_of(dataset, dataset.plan.trial)
    job = FitJob(
        store=place_of(store),
        recipe=recipe,
        lineage=twin_lineage(model, frames=trial, used=used_by_search(dataset), twin="trial"),
        search=SearchJob(
            plan=_plan(model, algorithm, known, narrow=narrow),
            folds=folds_of(dataset),
            loss=model.tuning_loss,
            shown=shown_metrics(model),
            cost_matrix=model.spec.comparison.cost_matrix,
            weak_slices=model.spec.comparison.weak_slices,
            blend=model.spec.training.blend if algorithm.blends else 1,
            calibration=model.spec.training.calibration if tunable else "none",
        ),
        about=card_text(model),
    )
    scope = "narrow" if narrow else "wide" if known.remembered and tunable else "cold"
    return Proposal(job, {"search": scope})


def _plan(model: Model, algorithm: AnyAlgorithm, known: Experience, *, narrow: bool) -> Plan:
    training = model.spec.training
    start = model.cadence.start
    lives = training.half_lives(model.cadence.next(start) - start)
    days = tuple(each.total_seconds() / 86_400 for each in lives)
    tunable = bool(algorithm.space(model.spec.task))
    wanted = any(isinstance(each, Ensemble) for each in training.candidates)
    kept = _KEPT if wanted else 1
    if algorithm.blends and training.blend > 1:
        kept = max(kept, _PER_MEMBER * training.blend)
    return Plan(
        budget=known.budget,
        seed=training.seed,
        choices=(
            Choice(name=WINDOW, values=training.window),
            Choice(name=HALF_LIFE, values=(0.0, *days)),
        )
        if tunable
        else (),
        remembered=known.remembered,
        narrow=narrow,
        keep=kept,
    )


def _mixture_key(
    model: Model, dataset: Dataset, spec: Ensemble, others: Sequence[Candidate]
) -> str:
    """The inputs of an ensemble: the others, and what is declared of training and judging."""
    declared = model.spec.model_dump(mode="json", include={"training", "comparison"})
    made = [dataset.digest(), spec.canonical(), [each.digest() for each in others]]
    inputs = [declared, *made, __version__]
    return bytes_digest(canonical_json(inputs).encode())


def _job_key(job: FitJob, dataset: Dataset) -> str:
    """The inputs of a fit: all of the job but where the store lies."""
    body = job.model_copy(update={"store": "", "about": CardText()}).canonical()
    return bytes_digest(canonical_json([body, dataset.digest(), __version__]).encode())
