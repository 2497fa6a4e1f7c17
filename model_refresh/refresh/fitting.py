"""What runs in the child process: tune, fit, store a version, say what became of it.

The parent hands over one JSON file and reads one JSON file; everything else goes through the
store. So a fit that hangs, leaks or crashes takes nothing with it.
"""

from pathlib import Path

import numpy as np

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.card import CardText
from model_refresh.algorithms.protocol import Algorithm, Rows
from model_refresh.algorithms.version import (
    load_version,
    publish_version,
    require_same_predictions,
)
from model_refresh.features import Encoder
from model_refresh.isolation import child_main
from model_refresh.metrics import metric
from model_refresh.records import LabelledFrame, Lineage, Recipe, Record, Slice, Trial
from model_refresh.refresh.rows import LabelledRows, feature_names, load_labelled
from model_refresh.refresh.slices import excess_loss, weak_slices
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.files import publish_file
from model_refresh.tuning import Budget, tune

RESULT = "result.json"
_CHECKED_ROWS = 1000


class FitJob(Record):
    """Fit one version; with `budget`, tune its parameters first.

    `shown` are the metrics to measure on the validation rows, `cost_matrix` is what `value` costs.

    `recipe.parameters` are used as they are where there is no budget.
    """

    store: str
    recipe: Recipe
    lineage: Lineage
    budget: Budget | None = None
    loss: str = "log_loss"
    shown: tuple[str, ...] = ()
    cost_matrix: tuple[tuple[float, ...], ...] | None = None
    tuning: tuple[LabelledFrame, ...] = ()
    validation: tuple[LabelledFrame, ...] = ()
    weak_slices: int = 0
    about: CardText = CardText()


class FitResult(Record):
    """The version that was stored, and what tuning saw on the way."""

    recipe: Recipe
    version: str
    validation: dict[str, float]
    trials: tuple[Trial, ...]
    weak: tuple[Slice, ...] = ()
    repeatable: bool


def run_job(job_file: Path) -> None:
    """Do what the job file says, and write the result beside it."""
    job = FitJob.parse(job_file.read_text())
    store = Store(Path(job.store)).model(job.lineage.model)
    result = _search(job, store) if job.budget is not None else _plain(job)
    version = _fit(store, result.recipe, job)
    text = result.model_copy(update={"version": version}).canonical()
    publish_file(job_file.parent / RESULT, text.encode())


def _plain(job: FitJob) -> FitResult:
    return FitResult(recipe=job.recipe, version="", validation={}, trials=(), repeatable=True)


def _search(job: FitJob, store: ModelStore) -> FitResult:
    """Tune on the tuning frames, stopping early on the validation frames; measure there."""
    recipe, task, budget = job.recipe, job.lineage.definition.task, job.budget
    train = load_labelled(store, job.tuning, feature_names(recipe.features))
    judge = load_labelled(store, job.validation, feature_names(recipe.features))
    encoder = Encoder.fit(train.table, recipe.features, recipe.categorical)
    classes = len(job.lineage.definition.label.classes)
    learned, early = _encoded(encoder, train, classes), _encoded(encoder, judge, classes)
    algorithm = _algorithm(recipe)
    if budget is None:
        raise TypeError("a search needs a budget")
    tuned = tune(
        algorithm, learned, early, task=task, budget=budget, seed=recipe.seed,
        loss=metric(job.loss).value,
    )  # fmt: skip
    fitted, _ = algorithm.fit(
        learned, task=task, parameters=tuned.parameters, seed=recipe.seed, early=None
    )
    predicted = fitted.predict(early.matrix)
    excess = excess_loss(task, early.target, predicted)
    names_of = feature_names(recipe.features)
    return FitResult(
        recipe=recipe.model_copy(update={"parameters": tuned.parameters}),
        version="",
        validation={
            name: metric(name, job.cost_matrix).value(early.target, predicted) for name in job.shown
        },
        trials=tuned.trials,
        weak=weak_slices(judge.table, excess, columns=names_of, most=job.weak_slices),
        repeatable=tuned.repeatable,
    )


def _fit(store: ModelStore, recipe: Recipe, job: FitJob) -> str:
    """Fit the recipe on the lineage's frames and store the version, read back once for safety."""
    lineage = job.lineage
    rows = load_labelled(store, lineage.frames, feature_names(recipe.features))
    encoder = Encoder.fit(rows.table, recipe.features, recipe.categorical)
    fitted, _ = _algorithm(recipe).fit(
        _encoded(encoder, rows, len(lineage.definition.label.classes)),
        task=lineage.definition.task,
        parameters=recipe.parameters,
        seed=recipe.seed,
        early=None,
    )
    stored = publish_version(
        store, recipe, lineage, encoder=encoder, fitted=fitted, about=job.about
    )
    name = stored.digest[:16]
    require_same_predictions(load_version(store, name), rows.table.head(_CHECKED_ROWS), fitted)
    return name


def _algorithm(recipe: Recipe) -> Algorithm:
    return rebuild(recipe.algorithm, recipe.options)


def _encoded(encoder: Encoder, rows: LabelledRows, classes: int) -> Rows:
    matrix, target = encoder.transform(rows.table), np.ascontiguousarray(rows.target)
    return Rows(matrix, target, classes)


if __name__ == "__main__":
    child_main(run_job)
