"""A small world to refresh models in: a shop whose customers visit with habits that last.

`make_lab(folder)` writes a fleet of one model with its data and gives model and store. Everything
is real: files, DuckDB, child processes; it is only small, so a refresh takes seconds.
"""

import copy
import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from ruamel.yaml import YAML

from model_refresh import pipeline
from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.pipeline.realtime import generate_scorer, is_realtime, try_scorer
from model_refresh.pipeline.trial import try_challenger
from model_refresh.records import Challenger, Promotion, Verdict
from model_refresh.refresh.approval import waiting
from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh.storage import ModelStore, Store

NAME = "visits"
MANUAL = {"approval": "manual"}
START = dt.date(2024, 1, 15)
CLOCK = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)

FEATURES = """
SELECT
    customer_id,
    segment,
    avg(visited) FILTER (day >= $as_of - INTERVAL 14 DAY) AS visits_14d,
    sum(visited) AS visits,
    max(spend) AS most_spent
FROM visits
WHERE day < $as_of
GROUP BY customer_id, segment
ORDER BY customer_id
"""

LABELS = "SELECT customer_id, max(visited) AS visited FROM visits WHERE day >= $as_of AND day < $until GROUP BY customer_id"

DECLARATION: dict[str, object] = {
    "name": NAME,
    "task": "binary",
    "source": {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}},
    "frame": {
        "features": "features.sql",
        "key": "customer_id",
        "every": "1d",
        "start": START.isoformat(),
    },
    "label": {"query": "labels.sql", "column": "visited", "horizon": "1d"},
    "training": {
        "window": 3,
        "candidates": [{"algorithm": "constant"}, {"algorithm": "linear"}],
        "folds": 1,
        "tuning": {"trials": 1, "seconds": 60},
    },
    "schedule": {"cron": "0 6 * * *"},
    "monitoring": {"drift": {"classifier": None}},
    "report": False,
}


@dataclass(frozen=True)
class Lab:
    """A model, its store, and the folders where both lie."""

    fleet: Path
    home: Path
    model: Model
    store: ModelStore

    @property
    def folder(self) -> Path:
        """The model's own folder."""
        return self.fleet / NAME

    @property
    def data(self) -> Path:
        """The file of its only table."""
        return self.folder / "data" / "visits.parquet"

    def day(self, number: int) -> dt.datetime:
        """The frame instant `number` days after the first."""
        return dt.datetime.combine(START, dt.time(), dt.UTC) + dt.timedelta(days=number)

    def refresh(self, number: int) -> Promotion:
        """One whole refresh."""
        return pipeline.refresh(self.model, self.store, self.day(number))

    def judge(self, number: int) -> tuple[Verdict, Challenger]:
        """Verdict and refitted challenger of a day that was compared, with all tests before it.

        All is stored, by the steps of a refresh, and nothing is promoted.
        """
        verdict = resume_verdict(self.model, self.store, self.day(number)).record
        challenger = resume_challenger(self.model, self.store, self.day(number)).record
        self.test(challenger)
        return verdict, challenger

    def test(self, challenger: Challenger) -> None:
        """Try a challenger, and its scorer where the model is to be served."""
        try_challenger(self.model, self.store, challenger)
        if is_realtime(self.model):
            scorer = generate_scorer(self.model, self.store, challenger).record
            try_scorer(self.model, self.store, scorer)

    def again(self, changes: Mapping[str, object]) -> "Lab":
        """The same world with the model declared otherwise."""
        return _declare(self.fleet, self.home, changes)

    def damage(self, damaged: pl.DataFrame) -> None:
        """Replace the data."""
        self.data.unlink()
        damaged.write_parquet(self.data)

    def rows(self) -> pl.DataFrame:
        """The data."""
        return pl.read_parquet(self.data)


def make_lab(folder: Path, changes: Mapping[str, object] | None = None, *, seed: int = 7) -> Lab:
    """A fleet of one model below `folder`; `changes` are dotted paths into its declaration.

    It writes no reports, and fits no classifier of drift, unless told to.
    """
    fleet, home = folder / "fleet", folder / "home"
    data = fleet / NAME / "data"
    data.mkdir(parents=True)
    make_visits(seed=seed).write_parquet(data / "visits.parquet")
    (fleet / NAME / "features.sql").write_text(FEATURES)
    (fleet / NAME / "labels.sql").write_text(LABELS)
    return _declare(fleet, home, changes or {})


def copy_lab(lab: Lab, folder: Path, changes: Mapping[str, object] | None = None) -> Lab:
    """The same world at another place, to do with as a test likes."""
    shutil.copytree(lab.fleet, folder / "fleet")
    if lab.home.exists():
        shutil.copytree(lab.home, folder / "home")
    return _declare(folder / "fleet", folder / "home", changes or {})


def waits(lab: Lab) -> str:
    """The version that waits for approval."""
    found = waiting(lab.store)
    assert found is not None
    return found.version


def make_visits(customers: int = 300, days: int = 40, seed: int = 7) -> pl.DataFrame:
    """Customers with lasting habits: some come nearly every day, some hardly ever."""
    rng = np.random.default_rng(seed)
    habit = rng.beta(0.6, 0.9, customers)
    visited = rng.random((customers, days)) < habit[:, None]
    spend = np.round(rng.gamma(2.0, 5.0, (customers, days)) * visited, 2)
    first = START - dt.timedelta(days=14)
    return pl.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers), days),
            "segment": np.repeat(np.where(habit > 0.4, "regular", "rare"), days),
            "day": [first + dt.timedelta(days=i) for i in range(days)] * customers,
            "visited": visited.ravel().astype(np.int64),
            "spend": spend.ravel(),
        }
    )


def clock() -> dt.datetime:
    """The lab's time never passes."""
    return CLOCK


def _declare(fleet: Path, home: Path, changes: Mapping[str, object]) -> Lab:
    declaration = copy.deepcopy(DECLARATION)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: dict[str, object] = declaration
        for parent in parents:
            below = place.setdefault(parent, {})
            assert isinstance(below, dict)
            place = below
        place[last] = value
    with (fleet / NAME / "model.yaml").open("w") as file:
        YAML().dump(declaration, file)
    (model,) = load_fleet(fleet, environment={})
    return Lab(fleet, home, model, Store(home, clock).model(NAME))
