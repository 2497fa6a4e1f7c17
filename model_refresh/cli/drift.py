"""The command `drift`: how a frame differs from what its champion learned from."""

import datetime as dt

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    instant,
    plain,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.config.model import Model
from model_refresh.monitoring.drift import compute_drift
from model_refresh.records import ColumnDrift
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp

_SHOWN = 10
_COLUMNS = [
    "feature",
    "importance",
    "psi",
    "wasserstein",
    "js",
    "missing",
    "new",
    "above its limit",
]


def drift(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Hold a frame against the rows that its champion learned from; default: the last measured."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    when = _when(model, store, as_of)
    line = compute_drift(model, store, when)
    if json:
        print_json(None if line is None else plain(line.record))
        return
    if line is None:
        say(f"{name} has no champion for {stamp(when)} yet: nothing to hold its frame against")
        return
    found = line.record
    say(f"{name} {stamp(when)} {found.sentence}")
    print_table(_COLUMNS, [_row(each) for each in found.furthest[:_SHOWN]])
    for check in found.checks:
        say(f"  {check.outcome}: {check.sentence}")
    for note in found.notes:
        say(f"  {note}")


def _when(model: Model, store: ModelStore, as_of: str | None) -> dt.datetime:
    measured = store.measured()
    return measured[-1] if as_of is None and measured else instant(model, as_of)


def _row(column: ColumnDrift) -> dict[str, object]:
    before, now = column.missing_before, column.missing_now
    return {
        "feature": column.column,
        "importance": column.weight,
        "psi": column.psi,
        "wasserstein": column.wasserstein,
        "js": column.jensen_shannon,
        "missing": f"{before:.1%} to {now:.1%}" if before or now else None,
        "new": column.new_categories,
        "above its limit": ", ".join(column.breaches) or None,
    }
