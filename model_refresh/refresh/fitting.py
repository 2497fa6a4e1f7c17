"""Fits in a child process: tune, fit, store. `python -m model_refresh.refresh.fitting JOB` does.

What comes in is a job file, what goes out is a stored version and a result file: no object crosses
over.
"""

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.card import CardText
from model_refresh.algorithms.version import (
    Mixture,
    Single,
    Version,
    load_version,
    publish_version,
    read_learned,
    require_same_predictions,
)
from model_refresh.calibration import AnyCalibrator, fit_calibrator, read_calibrator
from model_refresh.isolation import child_main
from model_refresh.progress import Progress, to_parent
from model_refresh.records import LabelledFrame, Lineage, Recipe, Record, canonical_json
from model_refresh.refresh.folds import encode_training, newest, recency
from model_refresh.refresh.rows import LabelledRows, feature_names, load_labelled
from model_refresh.refresh.trials import SearchJob, SearchResult, search
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.files import publish_file

RESULT = "result.json"
_CHECKED_ROWS = 1000
_TOLD = 20
"""Features whose shares a candidate's record keeps; the version has them all."""


class Calibrate(Record):
    """Learn the calibrator from what the version `by` predicts of these frames' rows."""

    by: str
    frames: tuple[LabelledFrame, ...]


class FitJob(Record):
    """Fit one version; with `search`, look for its parameters first.

    A recipe with members is fitted member by member; those in `ready`, place -> version, are taken
    as they are. Without `calibrate` the recipe's own calibrator is used.
    """

    store: str
    recipe: Recipe
    lineage: Lineage
    search: SearchJob | None = None
    ready: dict[int, str] = Field(default_factory=dict)
    calibrate: Calibrate | None = None
    about: CardText = CardText()


class FitResult(SearchResult):
    """The version that was stored, and what the search saw on the way."""

    version: str
    learned: dict[str, float] = Field(default_factory=dict)


def run_job(job_file: Path) -> None:
    """Do what the job file says, and write the result beside it."""
    job = FitJob.parse(job_file.read_text())
    store = Store(Path(job.store)).model(job.lineage.model)
    definition = job.lineage.definition
    found = SearchResult(recipe=job.recipe)
    if job.search is not None:
        classes = len(definition.label.classes)
        found = search(store, job.recipe, job.search, task=definition.task, classes=classes)
    _tell_fitting(job)
    version = _version(store, found.recipe, job)
    result = FitResult(**dict(found), version=version, learned=_learned(store, version))
    publish_file(job_file.parent / RESULT, result.canonical().encode())


def _learned(store: ModelStore, version: str) -> dict[str, float]:
    """What a version leans on most; empty where it can't tell."""
    told = read_learned(store.version(version))
    shares = told.importances if told is not None else {}
    ordered = sorted(shares.items(), key=lambda each: (-each[1], each[0]))
    return dict(ordered[:_TOLD])


def _version(store: ModelStore, recipe: Recipe, job: FitJob) -> str:
    """Fit a recipe, and its members first where it has some; the stored version's name."""
    if recipe.members:
        return _mixed(store, recipe, job)
    return _fitted(store, recipe, job)


def _fitted(store: ModelStore, recipe: Recipe, job: FitJob) -> str:
    """Fit the recipe on the lineage's newest frames, as many as its window is long; store it."""
    frames = newest(job.lineage.frames, recipe.window)
    lineage = job.lineage.model_copy(update={"frames": frames})
    rows = load_labelled(store, frames, feature_names(recipe.features))
    encoder, learned = encode_training(rows, recipe, classes=len(lineage.definition.label.classes))
    weighted = replace(learned, weight=recency(rows.as_of, recipe.half_life))
    fit = rebuild(recipe.algorithm, recipe.options).fit(
        weighted,
        task=lineage.definition.task,
        parameters=recipe.own_parameters,
        seed=recipe.seed,
        early=None,
    )
    predictor = Single(encoder, fit.fitted)
    return _stored(store, recipe, lineage, predictor=predictor, job=job, rows=rows)


def _mixed(store: ModelStore, recipe: Recipe, job: FitJob) -> str:
    """Fit what is not ready of the members, and store what mixes them."""
    members = []
    for place, member in enumerate(recipe.members):
        plain = job.model_copy(update={"calibrate": None, "ready": {}})
        name = job.ready.get(place) or _version(store, member.recipe, plain)
        members.append((load_version(store, name), member.weight))
    rows = load_labelled(store, job.lineage.frames[-1:], feature_names(recipe.features))
    predictor = Mixture(tuple(members))
    return _stored(store, recipe, job.lineage, predictor=predictor, job=job, rows=rows)


def _stored(  # noqa: PLR0913  (what is stored, and what it is checked with)
    store: ModelStore,
    recipe: Recipe,
    lineage: Lineage,
    *,
    predictor: Single | Mixture,
    job: FitJob,
    rows: LabelledRows,
) -> str:
    """Store a version, and read it back once for safety."""
    stored = publish_version(
        store,
        recipe,
        lineage,
        predictor=predictor,
        calibrator=_calibrator(store, recipe, job),
        about=job.about,
    )
    name = stored.digest[:16]
    require_same_predictions(load_version(store, name), rows.table.head(_CHECKED_ROWS), predictor)
    return name


def _calibrator(store: ModelStore, recipe: Recipe, job: FitJob) -> AnyCalibrator | None:
    """The one that the job asks for, or the recipe's own."""
    if recipe.calibrator is None:
        return None
    if job.calibrate is None:
        return read_calibrator(canonical_json(recipe.calibrator))
    by: Version = load_version(store, job.calibrate.by)
    rows = load_labelled(store, job.calibrate.frames, feature_names(recipe.features))
    return fit_calibrator(
        recipe.calibration, by.raw(rows.table), rows.target, task=by.lineage.definition.task
    )


def _tell_fitting(job: FitJob) -> None:
    to_parent(
        Progress(
            candidate=job.recipe.algorithm,
            stage="fitting",
            trial=0,
            trials=0,
            metric=job.search.loss if job.search else "",
            seconds_left=0.0,
        )
    )


if __name__ == "__main__":
    child_main(run_job, again=True)
