"""The overview of a fleet, written as one page into the store: a view, never a record."""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.monitoring.alerts.life import known_of
from model_refresh.monitoring.overview import Memo, fleet_rows
from model_refresh.monitoring.urgency import totals
from model_refresh.records import FleetRow, FleetTotals
from model_refresh.report.fleet import render_fleet
from model_refresh.storage import Store
from model_refresh.storage.files import replace_file, sweep

FOLDER, PAGE, MEMO = "_fleet", "fleet.html", "memo.json"
"""Below the store's root; no model can have a name that begins with an underscore."""


@dataclass(frozen=True)
class Overview:
    """What was written: the rows by urgency, what they come to, and the page."""

    rows: tuple[FleetRow, ...]
    totals: FleetTotals
    page: Path

    @property
    def asking(self) -> tuple[FleetRow, ...]:
        """The rows that need a person."""
        return tuple(row for row in self.rows if row.needs_person)


def write_overview(  # noqa: PLR0913  (what is known and when, and where to)
    models: Sequence[Model],
    problems: Sequence[str],
    *,
    store: Store,
    now: dt.datetime,
    page: Path | None = None,
    grace: dt.timedelta | None = None,
) -> Overview:
    """Read every model's state and write the page, in the place of the one before.

    `problems` are those of models that were left out, as `read_fleet` tells them. The page has
    links to reports relative to where it is: by default `_fleet/fleet.html` in the store. `grace`
    is how late a refresh or a batch may be; None: what Dagster's sensor `alerts` went by last.
    Raises StoreWriteError where the disk refuses.
    """
    folder = store.root / FOLDER
    memo = Memo.read(folder / MEMO)
    patience = known_of(store, now, grace).patience
    rows = fleet_rows(models, problems, store=store, memo=memo, now=now, patience=patience)
    found = Overview(tuple(rows), totals(rows), (page or folder / PAGE).absolute())
    to_store = os.path.relpath(store.root.absolute(), found.page.parent)
    text = render_fleet(found.rows, found.totals, now=now, to_store=to_store)
    sweep(folder)
    replace_file(found.page, text.encode())
    memo.write(folder / MEMO)
    return found
