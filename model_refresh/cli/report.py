"""The command `report`: the page of a refresh's verdict, written where it isn't there yet."""

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    newest_refresh,
    plain,
    print_json,
    say,
    store_of,
)
from model_refresh.errors import NotStored
from model_refresh.report import read_report, write_report
from model_refresh.storage.store import stamp


def report(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Print the path of a refresh's report, one HTML file."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    when = model.cadence.parse(as_of) if as_of is not None else newest_refresh(model, store)
    line = store.verdicts(when).last()
    if line is None:
        raise NotStored(
            f"{name}, refresh of {stamp(when)}: there is no verdict to report; "
            f"model-refresh why {name} --as-of {stamp(when)} says how far it came"
        )
    written = write_report(model, store, line.record).record
    path = read_report(store, written).resolve()
    if json:
        print_json({"path": str(path), "report": plain(written)})
        return
    say(str(path))
