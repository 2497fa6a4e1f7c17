"""This project: the step that fits candidates and chooses one, declared as the examples are.

What a refresh does between its dataset and its comparison, with the task's training frames as the
trial window: folds are blocks of its newest frames, and the winner is what was fitted on all of it.
"""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from model_refresh.algorithms.version import load_version
from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.records import Candidate, Dataset, FramePlan, LabelledFrame
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.comparison import choose
from model_refresh.refresh.dataset import FEATURE_TYPES
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.labels import compute_labels
from model_refresh.splits import plan_folds
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.folder import MEMBER
from peers.programs.contract import Job, Predict, run
from peers.tasks import AS_OF, PROJECT, QUESTIONS

CHOSEN = "version.txt"


def fit(job: Job) -> None:
    """Compute the frames from the task's rows, fit the candidates, note which one was chosen."""
    model = _model(job)
    store = Store(job.artifact / "store").model(model.name)
    dataset = _dataset(model, store, job)
    found: list[Candidate] = []
    for each in model.spec.training.in_order:
        line = fit_candidate(model, store, dataset, each, others=found)
        found.append(line.record)
        print(each.algorithm, line.record.absence or line.record.folds, line.cost, flush=True)
    chosen = choose(model, found)
    if chosen is None or chosen.version is None:
        raise SystemExit("no candidate could be fitted")
    (job.artifact / CHOSEN).write_text(chosen.version)
    _leave_only(store, chosen.version)


def load(job: Job) -> Predict:
    """The chosen version, and the test rows in memory."""
    (name,) = (path.name for path in (job.artifact / "store").iterdir())
    store = Store(job.artifact / "store").model(name)
    version = load_version(store, (job.artifact / CHOSEN).read_text())
    rows = pl.read_parquet(job.task / "test.parquet", columns=job.told["features"])
    return lambda: version.predict(rows)


def _model(job: Job) -> Model:
    """The example's model, reading the task's rows in place of its own tables."""
    asked = next(each for each in QUESTIONS if each.name == job.told["name"].split()[0])
    example = next((PROJECT / asked.fleet).glob(f"**/{asked.features}/model.yaml"), None)
    yaml = YAML(typ="safe")
    declared: dict[str, Any] = yaml.load(example or PROJECT / asked.fleet / "model.yaml")
    folder = job.work / "fleet" / declared["name"]
    folder.mkdir(parents=True)
    shutil.copy(job.task / "train.parquet", folder / "rows.parquet")
    instants = pl.read_parquet(folder / "rows.parquet", columns=[AS_OF]).to_series().unique().sort()
    start: dt.datetime = instants[0]
    label, key = job.told["label"], declared["frame"]["key"]
    kept = [key, *job.told["features"], declared["frame"].get("event_time")]
    columns = ", ".join(f'"{name}"' for name in dict.fromkeys(filter(None, kept)))
    (folder / "features.sql").write_text(
        f'SELECT {columns} FROM rows WHERE "{AS_OF}" = $as_of ORDER BY "{key}"'
    )
    (folder / "labels.sql").write_text(
        f'SELECT "{key}", "{label}" FROM rows WHERE "{AS_OF}" = $as_of'
    )
    declared.pop("comparison", None)
    declared["task"] = job.told["kind"]
    declared["label"]["column"] = label
    declared["source"] = {"engine": "duckdb", "tables": {"rows": "rows.parquet"}}
    declared["frame"]["start"] = f"{start:%Y-%m-%dT%H:%M}Z"
    declared["training"]["window"] = len(instants)
    with (folder / "model.yaml").open("w") as file:
        yaml.dump(declared, file)
    return load_fleet(folder.parent, environment=os.environ)[0]


def _dataset(model: Model, store: ModelStore, job: Job) -> Dataset:
    """The task's training frames as a trial window, to be used at the first frame after them."""
    frames = tuple(_frames(model, store))
    instants = tuple(frame.as_of for frame in frames)
    as_of = model.cadence.next(instants[-1] + model.sizes.gap)
    folds = plan_folds(instants, cadence=model.cadence, sizes=model.sizes)
    plan = FramePlan(
        as_of=as_of,
        tuning=folds[-1].tuning,
        validation=folds[-1].validation,
        earlier=folds[:-1],
        trial=instants,
        holdout=(as_of,),
        final=instants,
    )
    features = set(job.told["features"])
    columns = frames[-1].frame.columns
    return Dataset(
        as_of=as_of,
        definition=model.definition.digest(),
        plan=plan,
        frames=frames,
        current=frames[-1].frame,
        features=tuple(c for c in columns if c.name in features and c.type in FEATURE_TYPES),
        categorical=tuple(job.told["categorical"]),
        ignored=(),
        checks=(),
    )


def _frames(model: Model, store: ModelStore) -> Iterator[LabelledFrame]:
    query = model.definition.frame
    last = model.cadence.move(model.cadence.start, model.sizes.window - 1)
    for as_of in reversed(list(model.cadence.instants(last))):
        frame = compute_frame(model, store, as_of, query=query, backfilled=True)
        yield LabelledFrame(frame=frame, labels=compute_labels(model, store, frame, earlier=[]))


def _leave_only(store: ModelStore, version: str) -> None:
    """Nothing stays but the version and what it mixes: that is the artifact."""
    needed, left = set(), [version]
    while left:
        needed.add(name := left.pop())
        inputs = store.version(name).manifest.inputs
        left += [digest[:16] for about, digest in inputs.items() if about.startswith(MEMBER)]
    for path in store.root.iterdir():
        if path.name != "versions":
            shutil.rmtree(path)
    for path in (store.root / "versions").iterdir():
        if path.name not in needed:
            shutil.rmtree(path)


if __name__ == "__main__":
    run(fit, load)
