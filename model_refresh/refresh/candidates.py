"""The candidates step: each declared algorithm tuned and fitted in a child process of its own."""

from model_refresh import __version__
from model_refresh.algorithms import AnyAlgorithm
from model_refresh.algorithms.card import CardText
from model_refresh.config.model import Model
from model_refresh.errors import FitError
from model_refresh.isolation import run_isolated
from model_refresh.metrics import names
from model_refresh.records import (
    Candidate,
    Cost,
    Dataset,
    LabelledFrame,
    Lineage,
    Recipe,
    canonical_json,
)
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.fitting import RESULT, FitJob, FitResult
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest, drafting
from model_refresh.tuning import Budget

_CHILD = "model_refresh.refresh.fitting"


def fit_candidate(
    model: Model, store: ModelStore, dataset: Dataset, algorithm: AnyAlgorithm
) -> Line[Candidate]:
    """Tune and fit one algorithm: the trial twin. A fit that fails is recorded, not raised.

    Raises StoreWriteError where the disk refuses: no algorithm is to blame for that.
    """
    job = _search_job(model, store, dataset, algorithm)
    log = store.candidates(dataset.as_of, algorithm.algorithm)
    key = _job_key(job, dataset)
    if (line := log.recall(key)) is not None:
        return line
    about = Candidate(as_of=dataset.as_of, name=algorithm.algorithm, dataset=dataset.digest())
    try:
        result, cost = run_fit(model, store, job)
    except FitError as error:
        failed = about.model_copy(update={"failure": str(error)})
        return log.record_once(failed, key=failed.digest())  # not the key, under which it is sought
    fitted = about.model_copy(update=dict(result))
    return log.record_once(fitted, key=key, cost=cost)


def run_fit(model: Model, store: ModelStore, job: FitJob) -> tuple[FitResult, Cost]:
    """Run one job in a child process; raises FitError or StoreWriteError with the reason."""
    limits = model.spec.training.limits
    tuning_seconds = job.budget.seconds if job.budget is not None else 0.0
    with drafting(store.root) as scratch:
        job_file = scratch.path / "job.json"
        job_file.write_text(job.canonical())
        cost = run_isolated(
            _CHILD,
            job_file,
            deadline_seconds=limits.seconds_per_fit + tuning_seconds,
            memory_mib=limits.memory_mib,
        )
        return FitResult.parse((scratch.path / RESULT).read_text()), cost


def twin_lineage(
    model: Model, *, frames: tuple[LabelledFrame, ...], used: tuple[LabelledFrame, ...], twin: str
) -> Lineage:
    """The lineage of a version fitted on `frames`, with all whose labels it `used` in any way."""
    return Lineage(
        model=model.name,
        twin="trial" if twin == "trial" else "final",
        definition=model.definition,
        frames=frames,
        known_at=max(pair.labels.known_at for pair in (*frames, *used)),
    )


def card_text(model: Model) -> CardText:
    """What a version's card says of the model."""
    spec = model.spec
    known = spec.frame.assumes_known
    return CardText(description=spec.description, owners=spec.owners, assumes_known=known)


def _search_job(
    model: Model, store: ModelStore, dataset: Dataset, algorithm: AnyAlgorithm
) -> FitJob:
    tuning = frames_of(dataset, dataset.plan.tuning)
    validation = frames_of(dataset, dataset.plan.validation)
    trial = frames_of(dataset, dataset.plan.trial)
    recipe = Recipe(
        algorithm=algorithm.algorithm,
        options=algorithm.model_dump(mode="json", exclude={"algorithm"}),
        parameters={},
        features=dataset.features,
        categorical=dataset.categorical,
        seed=model.spec.training.seed,
    )
    return FitJob(
        store=str(store.root.parent.resolve()),
        recipe=recipe,
        lineage=twin_lineage(model, frames=trial, used=(*tuning, *validation), twin="trial"),
        budget=_share(model, algorithm),
        loss=model.tuning_loss,
        shown=tuple(dict.fromkeys([model.primary_metric, *names(model.spec.task)])),
        cost_matrix=model.spec.comparison.cost_matrix,
        tuning=tuning,
        validation=validation,
        about=card_text(model),
        weak_slices=model.spec.comparison.weak_slices,
    )


def _share(model: Model, algorithm: AnyAlgorithm) -> Budget:
    """This algorithm's part of the model's budget: those that can be tuned share it evenly."""
    task, training = model.spec.task, model.spec.training
    tunable = sum(1 for candidate in training.candidates if candidate.space(task))
    if not algorithm.space(task):
        return Budget(trials=1, seconds=training.tuning.seconds)
    return Budget(
        trials=max(1, training.tuning.trials // tunable),
        seconds=training.tuning.seconds / tunable,
    )


def _job_key(job: FitJob, dataset: Dataset) -> str:
    """The inputs of a fit: all of the job but where the store lies."""
    body = job.model_copy(update={"store": "", "about": CardText()}).canonical()
    return bytes_digest(canonical_json([body, dataset.digest(), __version__]).encode())
