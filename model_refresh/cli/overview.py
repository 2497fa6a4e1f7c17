"""The command `overview`: every model by what needs a person, and the fleet's page."""

import os
from pathlib import Path
from typing import Annotated

import typer

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    plain,
    print_json,
    print_table,
    say,
)
from model_refresh.config.alerts import read_alerts
from model_refresh.config.fleet import read_fleet
from model_refresh.errors import ConfigError
from model_refresh.pipeline.overview import PAGE, write_overview
from model_refresh.records import FleetRow
from model_refresh.report.fleet import duration, moment
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

_COLUMNS = (
    "model", "state", "champion", "refreshed", "decision", "realised", "promised", "drift",
    "next run", "CPU", "why",
)  # fmt: skip
_LONGEST = 100


def overview(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write the page; default: the store."),
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """List every model, what needs a person first, and write the fleet's page."""
    if out is not None and out.is_dir():
        raise typer.BadParameter(f"{out} is a folder; a file is needed, such as {out / PAGE}")
    models, problems = read_fleet(fleet, environment=os.environ)
    if not fleet.is_dir():
        raise ConfigError(problems)
    grace = read_alerts(fleet, environment=os.environ).spec.grace_time
    found = write_overview(
        models, problems, store=Store(home), now=utc_now(), page=out, grace=grace
    )
    if json:
        print_json(
            {
                "page": str(found.page),
                "totals": plain(found.totals),
                "models": [plain(row) for row in found.rows],
            }
        )
        return
    if found.rows:
        print_table(_COLUMNS, [_told(row) for row in found.rows])
    say(found.totals.sentence)
    say(str(found.page))


def _told(row: FleetRow) -> dict[str, object]:
    newest = row.performance[-1] if row.performance else None
    why = row.sentence if row.needs_person else ""
    return {
        "model": row.name,
        "state": row.state,
        "champion": None if row.age is None else f"{duration(row.age)} old",
        "refreshed": None if row.refreshed is None else moment(row.refreshed),
        "decision": row.decision,
        "realised": newest and newest.realised,
        "promised": newest and newest.promised,
        "drift": row.drift,
        "next run": None if row.next_run is None else moment(row.next_run),
        "CPU": None if row.cpu_seconds is None else duration(row.cpu_seconds),
        "why": why if len(why) <= _LONGEST else f"{why[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}",
    }
