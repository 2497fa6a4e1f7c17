"""The fleets that `fleet.py` measures: folders of small models, and Dagster layouts beside them.

A model is 300 customers, half of whom buy within four weeks or so; three candidates, four frames.
The bare layout has as many assets and checks with the same keys and dependencies, all empty; the
naive one adds a job and a schedule for each model to that, as factories mostly do.
"""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.config.fleet import load_fleet
from model_refresh.orchestration.build import build_definitions

CUSTOMERS, WEEKS = 300, 24

FEATURES = """\
SELECT customer_id, count(*) AS purchases, sum(amount) AS spend,
       date_diff('day', max(bought_at), $as_of) AS recency, any_value(segment) AS segment
FROM purchases
WHERE bought_at < $as_of
GROUP BY customer_id
ORDER BY customer_id
"""
LABELS = """\
SELECT c.customer_id, CAST(count(p.bought_at) > 0 AS INTEGER) AS bought
FROM (SELECT DISTINCT customer_id FROM purchases WHERE bought_at < $as_of) AS c
LEFT JOIN purchases AS p
  ON p.customer_id = c.customer_id AND p.bought_at >= $as_of AND p.bought_at < $until
GROUP BY c.customer_id
ORDER BY c.customer_id
"""
MODEL = """\
name: {name}
description: Will a customer buy again within four weeks?
owners: [team:crm]
task: binary
source:
  engine: duckdb
  tables: {{purchases: data/purchases.parquet}}
  threads: 1
frame: {{features: features.sql, key: customer_id, every: 7d, start: {start:%Y-%m-%d}}}
label: {{query: labels.sql, column: bought, horizon: 28d}}
training:
  window: 4
  candidates: [{{algorithm: constant}}, {{algorithm: linear}}, {{algorithm: lightgbm}}]
  tuning: {{trials: 2}}
schedule: {{cron: "{cron}", timezone: UTC}}
"""

LAYOUT = """
import json
import pathlib

import dagster as dg

rows = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text())
names, one_job_per_model = rows["names"], rows["one_job_per_model"]


def asset(model, step, deps):
    keys = [dg.AssetKey([model, *dep]) for dep in deps]

    @dg.asset(key=dg.AssetKey([model, *step]), group_name=model, deps=keys)
    def empty() -> None: ...

    return empty


def check(model, step, name):
    @dg.asset_check(asset=dg.AssetKey([model, *step]), name=name, blocking=True)
    def passes() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return passes


jobs = [
    dg.define_asset_job(f"{model}_job", dg.AssetSelection.groups(model)) for model in names
] if one_job_per_model else []
defs = dg.Definitions(
    assets=[asset(model, step, deps) for model in names for step, deps in rows["assets"]],
    asset_checks=[check(model, step, name) for model in names for step, name in rows["checks"]],
    jobs=jobs,
    schedules=[dg.ScheduleDefinition(job=job, cron_schedule="0 6 * * MON") for job in jobs],
    executor=dg.in_process_executor,
)
"""


def make_fleet(folder: Path, models: int, *, cron: str, now: dt.datetime) -> list[str]:
    """As many folders as models, with data of their own up to `now`; their names."""
    monday = (now - dt.timedelta(days=now.weekday())).date()
    start = monday - dt.timedelta(weeks=WEEKS - 8)
    names = [f"model_{number:04d}" for number in range(models)]
    for number, name in enumerate(names):
        home = folder / name
        (home / "data").mkdir(parents=True)
        _purchases(monday, seed=number).write_parquet(home / "data" / "purchases.parquet")
        (home / "features.sql").write_text(FEATURES)
        (home / "labels.sql").write_text(LABELS)
        (home / "model.yaml").write_text(MODEL.format(name=name, start=start, cron=cron))
    return names


def make_layout(
    module: Path, fleet: Path, names: Sequence[str], *, one_job_per_model: bool
) -> tuple[int, int]:
    """A module of empty assets, shaped like the fleet's; how many assets and checks a model has."""
    (model,) = load_fleet(fleet, environment={}, only=names[0])
    graph = build_definitions([model], home=fleet).resolve_asset_graph()
    assets = [
        (key.path[1:], [dep.path[1:] for dep in graph.get(key).parent_keys])
        for key in graph.materializable_asset_keys
        if key.path[0] == model.name
    ]
    checks = [(each.asset_key.path[1:], each.name) for each in graph.asset_check_keys]
    module.write_text(LAYOUT)
    shape = {"names": list(names), "assets": assets, "checks": checks}
    text = json.dumps({**shape, "one_job_per_model": one_job_per_model})
    module.with_suffix(".json").write_text(text)
    return len(assets), len(checks)


def _purchases(monday: dt.date, *, seed: int) -> pl.DataFrame:
    """Purchases of the last weeks up to a Monday: customer_id, segment, bought_at, amount."""
    rng = np.random.default_rng(seed)
    days = WEEKS * 7
    rates = np.exp(rng.uniform(np.log(0.01), np.log(1.0), CUSTOMERS))
    segment = np.array(["seldom", "now and then", "often"])[np.digitize(rates, [0.046, 0.215])]
    bought = rng.random((CUSTOMERS, days)) < rates[:, None] / 7
    bought[np.arange(CUSTOMERS), rng.integers(0, 56, CUSTOMERS)] = True
    who, day = np.nonzero(bought)
    minutes = day * 24 * 60 + rng.integers(0, 24 * 60, len(who))
    first = np.datetime64(monday - dt.timedelta(days=days), "us")
    return pl.DataFrame(
        {
            "customer_id": who,
            "segment": segment[who],
            "bought_at": first + minutes.astype("timedelta64[m]"),
            "amount": np.round(rng.gamma(2.0, 10.0, len(who)), 2),
        }
    )
