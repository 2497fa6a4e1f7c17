"""Small real things for tests: `make_model(tmp_path, window=4)` and what it is made of."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.config.declaration import Declaration
from model_refresh.config.folder import read_model
from model_refresh.config.model import Model
from model_refresh.records import Record

START = dt.datetime(1997, 3, 3, tzinfo=dt.UTC)
"""The first frame of `make_model`: a Monday."""

AS_OF = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
"""A date on which `make_model` can be refreshed."""

FEATURES = """\
SELECT customer_id,
       any_value(segment) AS segment,
       count(*) AS purchases,
       sum(amount) AS spend,
       date_diff('day', max(bought_at), $as_of) AS recency
FROM purchases
WHERE bought_at < $as_of
GROUP BY customer_id
"""

LABELS = {
    "binary": ("repurchased", "CAST(count(p.bought_at) > 0 AS INTEGER)"),
    "regression": ("spend_after", "coalesce(sum(p.amount), 0.0)"),
}

_LABELS = """\
SELECT c.customer_id, {label} AS {column}
FROM (SELECT DISTINCT customer_id FROM purchases WHERE bought_at < $as_of) AS c
LEFT JOIN purchases AS p
  ON p.customer_id = c.customer_id AND p.bought_at >= $as_of AND p.bought_at < $until
GROUP BY c.customer_id
"""


def make_purchases(*, customers: int = 300, seed: int = 0) -> pl.DataFrame:
    """Purchases of customers from 1997-01-01 on for 80 weeks: customer_id, segment, bought_at, amount.

    Each customer keeps a rate of buying, from seldom to often, which the segment tells roughly: a
    model beats the constant by far, and two fits of it agree.
    """
    rng = np.random.default_rng(seed)
    rates = np.exp(rng.uniform(np.log(0.01), np.log(1.0), customers))
    segment = np.array(["seldom", "now and then", "often"])[np.digitize(rates, [0.046, 0.215])]
    first = rng.integers(0, 56, customers)
    bought = rng.random((customers, 80 * 7)) < rates[:, None] / 7
    bought[:, :56] = False
    bought[np.arange(customers), first] = True
    who, day = np.nonzero(bought)
    minutes = rng.integers(0, 24 * 60, len(who))
    start = np.datetime64("1997-01-01T00:00", "us")
    return pl.DataFrame(
        {
            "customer_id": who,
            "segment": segment[who],
            "bought_at": start + (day * 24 * 60 + minutes).astype("timedelta64[m]"),
            "amount": np.round(rng.gamma(2.0, 10.0, len(who)), 2),
        }
    )


def make_model(
    folder: Path,
    *,
    purchases: pl.DataFrame | None = None,
    features_sql: str = FEATURES,
    labels_sql: str | None = None,
    **overrides: object,
) -> Model:
    """A resolved model in `folder/<name>`: weekly snapshots of customers, labels 28 days later.

    An override is a field of the declaration by its own name, wherever it stands: `window=4`,
    `horizon="7d"`, `task="regression"`, `gates=[{"gate": "superior"}]`.
    """
    declared = declare(**overrides)
    home = folder / str(declared["name"])
    (home / "data").mkdir(parents=True, exist_ok=True)
    table = make_purchases() if purchases is None else purchases
    table.write_parquet(home / "data" / "purchases.parquet")
    column, label = LABELS[str(declared["task"])]
    (home / "features.sql").write_text(features_sql)
    (home / "labels.sql").write_text(labels_sql or _LABELS.format(column=column, label=label))
    (home / "model.yaml").write_text(json.dumps(declared, indent=2))
    reading = read_model(home, environment={})
    if reading.model is None:
        raise ValueError("\n".join(reading.problems))
    return reading.model


def declare(**overrides: object) -> dict[str, object]:
    """The declaration of `make_model` as plain values."""
    task = str(overrides.get("task", "binary"))
    declared: dict[str, object] = {
        "name": "repurchase",
        "task": task,
        "source": {"engine": "duckdb", "tables": {"purchases": "data/purchases.parquet"}},
        "frame": {"key": "customer_id", "every": "7d", "start": f"{START:%Y-%m-%d}"},
        "label": {"query": "labels.sql", "column": LABELS[task][0], "horizon": "28d"},
        "training": {
            "window": 4,
            "candidates": [{"algorithm": "constant"}, {"algorithm": "linear"}],
            "tuning": {"trials": 2},
        },
    }
    for name, value in overrides.items():
        _put(declared, _path_of(name, Declaration), value)
    return declared


def _path_of(name: str, section: type[Record]) -> tuple[str, ...]:
    if name in section.model_fields:
        return (name,)
    for key, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Record):
            try:
                return (key, *_path_of(name, inner))
            except KeyError:
                continue
    raise KeyError(f"{section.__name__} has no field {name!r}")


def _put(declared: dict[str, object], path: tuple[str, ...], value: object) -> None:
    if len(path) == 1:
        declared[path[0]] = value
        return
    below = declared.setdefault(path[0], {})
    assert isinstance(below, dict)
    _put(below, path[1:], value)
