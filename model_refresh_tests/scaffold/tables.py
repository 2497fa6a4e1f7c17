"""Small tables of each shape, and what `init` makes of them."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.config.queries import query_problems
from model_refresh.engines import Query
from model_refresh.engines.memory import Memory
from model_refresh.scaffold.origin import find_origin
from model_refresh.scaffold.proposal import Proposal, propose
from model_refresh.scaffold.roles import Wishes
from model_refresh.scaffold.writing import write_folder

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NAME = "guessed"


@dataclass(frozen=True)
class Guess:
    """The model that was made of these rows, and the refresh that is proposed to begin with."""

    model: Model
    rows: pl.DataFrame
    first: dt.datetime


def purchases(*, customers: int = 300, days: int = 300, seed: int = 1) -> pl.DataFrame:
    """Who bought when, for how much; some buy often."""
    rng = np.random.default_rng(seed)
    rows = customers * 12
    who = rng.choice(customers, rows, p=rng.dirichlet(np.full(customers, 0.7)))
    day = np.datetime64("2025-01-01") + np.sort(rng.integers(0, days, rows))
    amount = np.round(rng.gamma(2.0, 10.0, rows), 2)
    shop = rng.choice(["north", "south"], rows)
    return pl.DataFrame({"customer_id": who, "bought": day, "amount": amount, "shop": shop})


def subscribers(*, customers: int = 60, months: int = 24, seed: int = 2) -> pl.DataFrame:
    """A row a customer and month, with a label that the customer's habits tell."""
    rng = np.random.default_rng(seed)
    habit = np.repeat(rng.normal(size=customers), months)
    first = [dt.date(2024 + month // 12, month % 12 + 1, 1) for month in range(months)]
    return pl.DataFrame(
        {
            "customer": np.repeat([f"c{number:03d}" for number in range(customers)], months),
            "month": first * customers,
            "usage": habit + rng.normal(size=customers * months),
            "churned": (habit + rng.normal(size=customers * months) > 0.8).astype(np.int64),
        }
    )


def parcels(*, rows: int = 2_000, days: int = 200, seed: int = 3) -> pl.DataFrame:
    """Parcels that arrive late or not; `arrived_after` is known only then."""
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.integers(0, days * 24 * 60, rows)).astype("timedelta64[m]")
    weight = rng.gamma(2.0, 2.0, rows)
    late = (weight + 3.0 * rng.normal(size=rows) > 4.0).astype(np.int64)
    return pl.DataFrame(
        {
            "parcel_id": [f"p-{number:06x}" for number in rng.permutation(rows)],
            "sent_at": (np.datetime64("2025-03-01T00:00", "us") + minutes),
            "weight": weight,
            "carrier_no": rng.integers(1, 6, rows),
            "arrived_after": late * 10.0 + rng.random(rows),
            "late": late,
        }
    )


def proposed(folder: Path, rows: pl.DataFrame, **wished: object) -> Proposal:
    """What is proposed for a table that lies in a Parquet file."""
    path = folder / "rows.parquet"
    rows.write_parquet(path)
    wishes = Wishes(**wished)  # type: ignore[arg-type]
    origin = find_origin(str(path), folder)
    return propose(NAME, origin, wishes, declared=str(path), now=NOW)


def written(folder: Path, rows: pl.DataFrame, **wished: object) -> Guess:
    """The same, written into a fleet and read back; it passes `check`."""
    proposal = proposed(folder, rows, **wished)
    write_folder(folder / "fleet" / NAME, proposal.files)
    (model,) = load_fleet(folder / "fleet", environment={})
    assert query_problems(model) == []
    assert proposal.first is not None
    return Guess(model, rows, model.cadence.parse(proposal.first))


def frame_of(model: Model, rows: pl.DataFrame, as_of: dt.datetime) -> pl.DataFrame:
    """What the features query gives where its table holds these rows."""
    instants = {
        "as_of": as_of,
        "next": model.cadence.next(as_of),
        "until": as_of + model.spec.label.horizon,
    }
    with Memory({"rows": rows}) as engine:
        batches = list(engine.batches(Query(model.features_sql, instants)))
        return pl.concat([pl.DataFrame(batch) for batch in batches])
