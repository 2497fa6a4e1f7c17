"""Small models on data that lasts two weeks, and what an undisturbed refresh of them leaves."""

import copy
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from model_refresh import pipeline
from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.pipeline.production import score
from model_refresh.storage import ModelStore, Store
from model_refresh_tests.lab import DECLARATION, FEATURES, LABELS, START, make_visits

ON_DEMAND: dict[str, object] = {
    "schedule": {"cron": "0 6 * * *", "active": False},
    "triggers": {"new_data": False, "drift": False, "staleness": False},
    "champion": {"on_decay": "alert"},
}
"""Refreshes start when they are asked for: the data are of two years ago."""
NAMES = ("anna", "bert", "cleo", "dora", "emil", "finn")


@dataclass(frozen=True)
class Outcome:
    """What may not depend on kills: each decision, each champion, each batch, every version's bytes.

    By partition the promotion records and the batches, and the champion log from its beginning.
    """

    promotions: Mapping[str, tuple[str, ...]]
    batches: Mapping[str, tuple[str, ...]]
    champions: tuple[str, ...]
    versions: Mapping[str, str]


def day(number: int) -> dt.datetime:
    """The frame instant `number` days after the first."""
    return dt.datetime.combine(START, dt.time(), dt.UTC) + dt.timedelta(days=number)


def partition(number: int) -> str:
    """The same as a partition's key."""
    return f"{day(number):%Y-%m-%d}"


def make_fleet(folder: Path, names: Sequence[str] = NAMES) -> tuple[Model, ...]:
    """A model a name, each with data of its own, and candidates that are fitted in a moment."""
    for seed, name in enumerate(names):
        home = folder / name
        (home / "data").mkdir(parents=True)
        make_visits(seed=seed).write_parquet(home / "data" / "visits.parquet")
        (home / "features.sql").write_text(FEATURES)
        (home / "labels.sql").write_text(LABELS)
        with (home / "model.yaml").open("w") as file:
            YAML().dump({**copy.deepcopy(DECLARATION), **ON_DEMAND, "name": name}, file)
    return load_fleet(folder, environment={})


def refresh_undisturbed(models: Sequence[Model], home: Path, days: Sequence[int]) -> None:
    """Every refresh and its batch, one after the other, without Dagster."""
    for number in days:
        for model in models:
            store = Store(home).model(model.name)
            pipeline.refresh(model, store, day(number))
            score(model, store, day(number))


def outcome(store: ModelStore, days: Sequence[int]) -> Outcome:
    """What a model's store holds of these days."""
    files = sorted(path for path in store.versions_folder.rglob("*") if path.is_file())
    return Outcome(
        promotions={
            partition(number): tuple(
                line.record.digest() for line in store.promotions(day(number)).lines()
            )
            for number in days
        },
        batches={
            partition(number): tuple(
                line.record.digest() for line in store.scores(day(number)).lines()
            )
            for number in days
        },
        champions=tuple(line.record.digest() for line in store.champion.lines()),
        versions={
            str(path.relative_to(store.versions_folder)): _digest(path)
            for path in files
            if ".tmp-" not in str(path)
        },
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
