"""The twenty models of the month: one is the CD shop's real data, nineteen are small shops."""

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from world import Shop, World

ROOT = Path(__file__).parents[2]
DRIFTED, UNDONE, LATE, BROKEN, HELD = "daily_b", "offers", "feed_b", "shop_h", "shop_g"
"""The models that something befalls."""

CHANGE = dt.date(1998, 3, 11)
FIRST_FRAME = {"7d": "1998-01-05", "1d": "1998-02-16"}

FEATURES = """\
-- One row a customer, of what was known before $as_of.
SELECT
    customer_id,
    last(channel ORDER BY day) AS channel,
    avg(came) FILTER (day >= $as_of - INTERVAL 14 DAY) AS came_14d,
    avg(came) AS came,
    sum(spent)::DECIMAL(18, 2)::DOUBLE AS spent,
    max(spent) AS most_spent,
    date_diff('day', max(day) FILTER (came = 1), $as_of::DATE) AS days_since_last,
FROM visits
WHERE day < $as_of AND day >= $as_of - INTERVAL 56 DAY
GROUP BY customer_id
ORDER BY customer_id
"""
CAME = """\
-- Did they come in [$as_of, $until)?
SELECT customer_id, max(came) AS outcome FROM visits
WHERE day >= $as_of AND day < $until GROUP BY customer_id
"""
SPENT = """\
-- What did they spend in [$as_of, $until)?
SELECT customer_id, sum(spent)::DECIMAL(18, 2)::DOUBLE AS outcome FROM visits
WHERE day >= $as_of AND day < $until GROUP BY customer_id
"""
READY = """\
-- The data of a day are complete when those of the day before have arrived.
SELECT max(day) + INTERVAL 1 DAY FROM visits
"""


def make_fleet(folder: Path) -> World:
    """Write every model's folder; the world's data is still to be written."""
    world = World()
    shutil.copytree(ROOT / "fleet" / "cdnow_repurchase", folder / "cdnow_repurchase")
    for letter in "abcdefgh":
        _declare(world, folder, f"shop_{letter}", {})
    for letter in "abcd":
        _declare(world, folder, f"spend_{letter}", {"task": "regression"})
    for letter in "abc":
        _declare(world, folder, f"daily_{letter}", _daily())
    for letter in "ab":
        _declare(world, folder, f"feed_{letter}", {"triggers": {"new_data": True}})
    for name in (UNDONE, "coupons"):
        _declare(world, folder, name, {**_daily(), "champion": {"on_decay": "rollback"}})
    return world


def _daily() -> dict[str, object]:
    """A frame and a batch each day, a refresh each Monday."""
    return {"frame": _frame("1d"), "label": _label("1d"), "schedule": {"cron": "0 6 * * MON"}}


def _declare(world: World, fleet: Path, name: str, changes: Mapping[str, object]) -> None:
    folder = fleet / name
    (folder / "data").mkdir(parents=True)
    shop = Shop(name, changed_on=CHANGE if name == DRIFTED else None)
    world.shops[name], world.folders[name] = shop, folder / "data"
    source: dict[str, object] = {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}}
    if "triggers" in changes:
        source["ready"] = "ready.sql"
        (folder / "ready.sql").write_text(READY)
    declaration = {
        "name": name,
        "description": "A shop's customers in the coming days.",
        "owners": ["team:shops"],
        "task": "binary",
        "source": source,
        "frame": _frame("7d"),
        "label": _label("7d"),
        "training": {
            "window": 4,
            "candidates": [{"algorithm": "constant"}, {"algorithm": "linear"}],
            "tuning": {"trials": 2, "seconds": 120},
        },
        "gates": [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": "5%"}],
        "report": False,
        **changes,
    }
    with (folder / "model.yaml").open("w") as file:
        YAML().dump(declaration, file)
    (folder / "features.sql").write_text(FEATURES)
    (folder / "labels.sql").write_text(SPENT if declaration["task"] == "regression" else CAME)


def _frame(every: str) -> dict[str, object]:
    start = FIRST_FRAME[every]
    return {"features": "features.sql", "key": "customer_id", "every": every, "start": start}


def _label(horizon: str) -> dict[str, object]:
    return {"query": "labels.sql", "column": "outcome", "horizon": horizon}
