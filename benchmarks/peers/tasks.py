"""The tasks: frames of the examples, computed by the examples' own queries.

A task's folder holds `train.parquet` and `test.parquet` (the frame's instant, the key, features and
label of each row, ordered by instant and key) and `task.json`, which says what is what.
"""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.engines import Engine, Query
from model_refresh.refresh.frame import frame_query

PROJECT = Path(__file__).parents[2]
AS_OF = "__as_of__"


@dataclass(frozen=True)
class Question:
    """What is asked at each refresh date: one model's features, and its own or another's labels.

    `train` frames before the refresh date are learned from, `test` frames from it on are judged
    on. `closed`: a frame is learned from only if its label's window has closed by then.
    """

    name: str
    fleet: str
    features: str
    labels: tuple[str, str]
    train: int
    test: int
    closed: bool


FLIGHTS, CDNOW = "examples/flights/fleet", "examples/cdnow_spend"
QUESTIONS = (
    Question("F-cls", FLIGHTS, "flights_late", (FLIGHTS, "flights_late"), 26, 2, closed=False),
    Question("F-reg", FLIGHTS, "flights_delay", (FLIGHTS, "flights_delay"), 26, 2, closed=False),
    Question("C-cls", CDNOW, "cdnow_spend", ("fleet", "cdnow_repurchase"), 8, 1, closed=True),
    Question("C-reg", CDNOW, "cdnow_spend", (CDNOW, "cdnow_spend"), 8, 1, closed=True),
)
DATES = {
    "F": ("2013-07-01", "2013-09-02", "2013-11-04"),
    "C": ("1997-10-06", "1998-01-05", "1998-04-06"),
}


@dataclass(frozen=True)
class Task:
    """A question at one refresh date; its name is e.g. `F-cls 2013-07-01`."""

    question: Question
    date: str

    @property
    def name(self) -> str:
        """The question's name and the date."""
        return f"{self.question.name} {self.date}"


TASKS = tuple(Task(each, date) for each in QUESTIONS for date in DATES[each.name[0]])


def prepared(task: Task, folder: Path) -> Path:
    """The task's own folder below `folder`, made where these queries have made none yet."""
    asked = task.question
    features, labels = _model(asked.fleet, asked.features), _model(*asked.labels)
    queries = f"{features.features_sql}\n{labels.labels_sql}".encode()
    home = folder / f"{task.name.replace(' ', '_')}-{hashlib.sha256(queries).hexdigest()[:8]}"
    if (home / "task.json").is_file():
        return home
    home.mkdir(parents=True, exist_ok=True)
    train, test = _instants(task, features, labels.spec.label.horizon)
    rows = _rows(features, labels, train)
    rows.write_parquet(home / "train.parquet")
    _rows(features, labels, test).write_parquet(home / "test.parquet")
    _describe(task, features, labels, rows, home / "task.json")
    return home


def _model(fleet: str, name: str) -> Model:
    return load_fleet(PROJECT / fleet, environment=os.environ, only=name)[0]


def _instants(
    task: Task, model: Model, horizon: dt.timedelta
) -> tuple[list[dt.datetime], list[dt.datetime]]:
    """The frames that are learned from, oldest first, and those that are judged on."""
    cadence, asked = model.cadence, task.question
    refresh = cadence.parse(task.date)
    newest = refresh - horizon if asked.closed else cadence.move(refresh, -1)
    train = list(islice(cadence.instants(newest), asked.train))
    return train[::-1], [cadence.move(refresh, step) for step in range(asked.test)]


def _rows(features: Model, labels: Model, instants: Iterable[dt.datetime]) -> pl.DataFrame:
    """Rows of these frames that have a label: instant, key, features and label."""
    parts = []
    for instant in instants:
        with features.open_source() as engine:
            query = frame_query(features.definition.frame, instant, str(features.features_path))
            frame = _table(engine, query)
        with labels.open_source() as engine:
            until = instant + labels.spec.label.horizon
            bound = {"as_of": instant, "until": until}
            found = _table(engine, Query(labels.labels_sql or "", bound, str(labels.labels_path)))
        joined = frame.join(found, on=list(features.spec.frame.key), how="inner")
        stamped = pl.lit(instant.replace(tzinfo=None)).alias(AS_OF)
        label = pl.col(labels.spec.label.column).cast(pl.Float64)
        parts.append(joined.with_columns(stamped, label))
    return pl.concat(parts).sort(AS_OF, *features.spec.frame.key)


def _table(engine: Engine, query: Query) -> pl.DataFrame:
    return pl.DataFrame(pa.Table.from_batches(list(engine.batches(query))))


def _describe(task: Task, features: Model, labels: Model, rows: pl.DataFrame, path: Path) -> None:
    """Write what a peer has to know: task, label, features, which of them are names."""
    frame, label = features.spec.frame, labels.spec.label.column
    roles = {AS_OF, label, *frame.key, frame.event_time}
    told = {
        "name": task.name,
        "kind": labels.spec.task,
        "label": label,
        "as_of": AS_OF,
        "horizon_days": labels.spec.label.horizon.days,
        "key": list(frame.key),
        "features": [name for name in rows.columns if name not in roles],
        "categorical": [
            n for n, kind in rows.schema.items() if kind == pl.String and n not in roles
        ],
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(told, indent=1), encoding="utf-8")
    draft.replace(path)
