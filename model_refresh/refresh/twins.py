"""How versions come to be: their lineage, their card, and the child process that fits them."""

from model_refresh.algorithms.card import CardText
from model_refresh.config.model import Model
from model_refresh.isolation import run_isolated
from model_refresh.progress import Tell, reader, silent
from model_refresh.records import Cost, LabelledFrame, Lineage, Recipe
from model_refresh.refresh.fitting import RESULT, FitJob, FitResult
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import drafting

_CHILD = "model_refresh.refresh.fitting"


def run_fit(
    model: Model, store: ModelStore, job: FitJob, *, on_progress: Tell = silent
) -> tuple[FitResult, Cost]:
    """Run one job in a child process; raises FitError or StoreWriteError with the reason."""
    limits = model.spec.training.limits
    tuning_seconds = job.search.plan.budget.seconds if job.search is not None else 0.0
    with drafting(store.root) as scratch:
        job_file = scratch.path / "job.json"
        job_file.write_text(job.canonical())
        cost = run_isolated(
            _CHILD,
            job_file,
            deadline_seconds=limits.seconds_per_fit * _fits(job) + tuning_seconds,
            memory_mib=limits.memory_mib,
            on_message=reader(on_progress),
        )
        return FitResult.parse((scratch.path / RESULT).read_text()), cost


def _fits(job: FitJob) -> int:
    """How many fits the job ends with, one after the other: a blend or a mixture has several."""
    if job.search is not None:
        return job.search.blend
    return max(1, _leaves(job.recipe) - len(job.ready))


def _leaves(recipe: Recipe) -> int:
    return sum(_leaves(member.recipe) for member in recipe.members) if recipe.members else 1


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


def place_of(store: ModelStore) -> str:
    """Where a child process finds the whole store."""
    return str(store.root.parent.resolve())
