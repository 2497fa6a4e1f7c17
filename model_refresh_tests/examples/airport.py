"""A small New York: the tables of the flights example with a few rows, and its queries over them."""

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.engines import Query
from model_refresh.refresh.frame import frame_query

EXAMPLES = Path(__file__).parents[2] / "examples"
MONDAY = dt.datetime(2013, 1, 7, 5, tzinfo=dt.UTC)
"""Midnight in New York: a frame's instant."""

_SCHEDULE = ("year", "month", "day", "sched_dep_time", "sched_arr_time", "hour", "minute")
OUTCOMES = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
"""The columns that are known only once a flight has left, landed or been cancelled."""

_FLIGHT: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys((*_SCHEDULE, *OUTCOMES, "flight", "distance"), pl.Int64),
    **dict.fromkeys(("carrier", "tailnum", "origin", "dest"), pl.String),
    **dict.fromkeys(("hour_at", "departs_at"), pl.Datetime("us")),
}


def flight(departs_at: dt.datetime, **given: object) -> dict[str, object]:
    """A flight by the instant, naive UTC, at which it is to leave in winter; it lands on time."""
    local = departs_at - dt.timedelta(hours=5)
    return {
        "year": local.year,
        "month": local.month,
        "day": local.day,
        "hour": local.hour,
        "minute": local.minute,
        "sched_dep_time": local.hour * 100 + local.minute,
        "sched_arr_time": 1159,
        "dep_time": local.hour * 100 + local.minute,
        "arr_time": 1159,
        "dep_delay": 0,
        "arr_delay": 0,
        "air_time": 100,
        "carrier": "UA",
        "flight": 1,
        "tailnum": "N1",
        "origin": "EWR",
        "dest": "IAH",
        "distance": 1400,
        "hour_at": departs_at.replace(minute=0),
        "departs_at": departs_at,
    } | given


def after(days: float, **given: object) -> dict[str, object]:
    """A flight so many days after MONDAY."""
    return flight(MONDAY.replace(tzinfo=None) + dt.timedelta(days=days), **given)


def weather(hour_at: dt.datetime, **given: object) -> dict[str, object]:
    """What was measured at EWR in that hour, naive UTC."""
    measures = dict.fromkeys(
        ("temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"), 1.5
    )
    return {"origin": "EWR", "hour_at": hour_at, "wind_dir": 270, **measures} | given


@dataclass(frozen=True)
class Airport:
    """Tables in a folder, and a copy of the example's two models that reads them."""

    folder: Path

    def model(self, name: str) -> Model:
        """One of the two models."""
        return load_fleet(self.folder / "fleet", environment={}, only=name)[0]

    def features(self, as_of: dt.datetime = MONDAY) -> pl.DataFrame:
        """The frame at as_of."""
        model = self.model("flights_late")
        return run(model, frame_query(model.definition.frame, as_of, "features.sql"))

    def labels(self, name: str, as_of: dt.datetime = MONDAY) -> Mapping[str, object]:
        """A model's labels by key."""
        model = self.model(name)
        table = run_labels(model, as_of)
        return dict(zip(table["flight_id"], table[model.spec.label.column], strict=True))


def airport(
    folder: Path,
    flights: list[dict[str, object]],
    *,
    measured: list[dict[str, object]] | None = None,
) -> Airport:
    """Write the tables; there is one plane, N1, and the weather `measured`."""
    shutil.copytree(EXAMPLES / "flights" / "fleet", folder / "fleet")
    data = folder / "data"
    data.mkdir()
    pl.DataFrame(flights, schema=_FLIGHT).write_parquet(data / "flights.parquet")
    plane = {"tailnum": "N1", "year": 2004, "type": "Fixed wing", "manufacturer": "EMBRAER"}
    plane |= {"model": "EMB-145XR", "engines": 2, "seats": 55, "speed": None, "engine": "Turbo-fan"}
    pl.DataFrame([plane]).write_parquet(data / "planes.parquet")
    hours = measured or [weather(MONDAY.replace(tzinfo=None))]
    pl.DataFrame(hours).write_parquet(data / "weather.parquet")
    return Airport(folder)


def run(model: Model, query: Query) -> pl.DataFrame:
    """The rows of a query over the model's source."""
    with model.open_source() as engine:
        return pl.DataFrame(pa.Table.from_batches(list(engine.batches(query))))


def run_labels(model: Model, as_of: dt.datetime) -> pl.DataFrame:
    """The labels in [as_of, as_of + horizon)."""
    instants = {"as_of": as_of, "until": as_of + model.spec.label.horizon}
    return run(model, Query(model.labels_sql or "", instants, "labels.sql"))
