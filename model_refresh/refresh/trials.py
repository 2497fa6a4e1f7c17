"""What a search finds, in the child process: parameters, calibration, and how each fold went."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from model_refresh.algorithms import rebuild
from model_refresh.errors import FitError
from model_refresh.metrics import metric
from model_refresh.progress import Progress, to_parent
from model_refresh.records import Parameters, Recipe, Record, Slice, Task, Trial
from model_refresh.refresh.blend import blended
from model_refresh.refresh.calibrating import calibrated
from model_refresh.refresh.folds import Fold, FoldRows
from model_refresh.refresh.predictions import Floats, FoldPredictions, publish_predictions
from model_refresh.refresh.slices import excess_loss, weak_slices
from model_refresh.storage import ModelStore
from model_refresh.tuning import Attempt, Journal, Plan, Told, tune


class SearchJob(Record):
    """How to look for parameters: folds, newest first, and what is measured on them.

    `shown` are the metrics to measure, `cost_matrix` is what `value` costs. A candidate is made of
    at most `blend` of its trials. `journal` is the file
    in which trials are kept until the candidate is recorded.
    """

    plan: Plan
    folds: tuple[Fold, ...]
    loss: str
    shown: tuple[str, ...]
    cost_matrix: tuple[tuple[float, ...], ...] | None = None
    weak_slices: int = 0
    blend: int = 1
    calibration: str = "none"
    journal: str = ""


class SearchResult(Record):
    """The recipe that won, and what was seen on the way; see `records.Candidate`."""

    recipe: Recipe
    validation: dict[str, float] = Field(default_factory=dict)
    folds: tuple[dict[str, float], ...] = ()
    trials: tuple[Trial, ...] = ()
    kept: tuple[Parameters, ...] = ()
    predictions: str | None = None
    note: str | None = None
    weak: tuple[Slice, ...] = ()
    repeatable: bool = True


def search(
    store: ModelStore, recipe: Recipe, job: SearchJob, *, task: Task, classes: int
) -> SearchResult:
    """Tune on each fold's past, judge on what came after; raises FitError where all fits fail."""
    ground = FoldRows(store, recipe, job.folds, classes=classes)
    journal = Journal(Path(job.journal)) if job.journal else None
    try:
        tuned, kept = tune(
            rebuild(recipe.algorithm, recipe.options),
            ground,
            task=task,
            plan=job.plan,
            loss=metric(job.loss).value,
            journal=journal,
            tell=_telling(recipe.algorithm, job),
        )
    except FitError:
        if journal is not None:
            journal.remove()  # what failed now is tried again, not recalled
        raise
    found, own = blended(recipe, kept, most=job.blend)
    predicted = FoldPredictions(
        targets=tuple(ground.judge(fold).target for fold in range(ground.folds)),
        models=(own, *(each.predictions for each in kept)),
    )
    found, judged, why = calibrated(found, predicted.of(0), job.calibration, task)
    values = [_values(job, *pair) for pair in judged]
    return SearchResult(
        recipe=found,
        validation=mean_values(values),
        folds=tuple(values),
        trials=tuple(_trial(each) for each in tuned.attempts),
        kept=tuple(each.attempt.parameters for each in kept),
        predictions=publish_predictions(store, predicted),
        note=why,
        weak=_weak(ground, own[0], task, most=job.weak_slices),
        repeatable=tuned.repeatable,
    )


def mean_values(values: Sequence[dict[str, float]]) -> dict[str, float]:
    """Metric -> the mean of its values on the folds."""
    return {name: sum(each[name] for each in values) / len(values) for name in values[0]}


def _telling(name: str, job: SearchJob) -> Told:
    """What tells the parent process of each trial that begins."""

    def tell(trial: int, best: float | None, left: float) -> None:
        to_parent(
            Progress(
                candidate=name,
                trial=trial,
                trials=job.plan.budget.trials,
                best=best,
                metric=job.loss,
                seconds_left=left,
            )
        )

    return tell


def _values(job: SearchJob, target: Floats, predicted: Floats) -> dict[str, float]:
    """Every shown metric of one fold."""
    return {name: metric(name, job.cost_matrix).value(target, predicted) for name in job.shown}


def _trial(attempt: Attempt) -> Trial:
    return Trial(
        parameters=attempt.parameters,
        loss=attempt.loss,
        pruned=attempt.pruned,
        failure=attempt.failure,
    )


def _weak(ground: FoldRows, predicted: Floats, task: Task, *, most: int) -> tuple[Slice, ...]:
    """The slices of the newest fold on which the predictions did worst."""
    judge = ground.judge(0)
    excess = excess_loss(task, judge.target, predicted)
    return weak_slices(judge.table, excess, columns=ground.names, most=most)
