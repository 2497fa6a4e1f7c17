"""The command `champion`: who is in production, or was at any instant, and what waits to be."""

import datetime as dt
from typing import Annotated

import typer

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    Name,
    find_model,
    moment,
    plain,
    print_json,
    say,
    store_of,
)
from model_refresh.monitoring.orders import hold_sentence
from model_refresh.monitoring.state import read_state
from model_refresh.records import Entry, Order
from model_refresh.refresh.approval import Waiting, waiting
from model_refresh.refresh.incumbent import champion_at, champion_by_clock
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp, utc_now


def champion(
    name: Name,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="DATE",
            help="Whose scores count for the frame of that instant, by all that is recorded now; "
            "default: the newest entry.",
        ),
    ] = None,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded",
            help="DATE is a time of the clock: who was in production then, by what had been "
            "recorded by then.",
        ),
    ] = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Tell which version is, or was, in production, since when, by which verdict; what waits."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    if recorded and at is None:
        raise typer.BadParameter("--recorded tells how --at is meant: add --at DATE")
    when = moment(model, at) if at is not None else None
    line = _line_at(store, when, by_clock=recorded)
    asked = waiting(store) if when is None else None
    held = read_state(model, store, utc_now()).hold if when is None else None
    if json:
        print_json(_as_json(line, asked, held))
        return
    if line is None:
        say(f"{name} has no champion {f'at {at}' if at else 'yet'}")
    else:
        for told in _told(line):
            say(told)
    if asked is not None:
        say(f"{asked.version} of {stamp(asked.promotion.as_of)} {asked.promotion.sentence}")
    if held is not None:
        say(hold_sentence(model, held))


def _line_at(store: ModelStore, when: dt.datetime | None, *, by_clock: bool) -> Line[Entry] | None:
    """The entry that is asked for; without an instant the newest one, whenever it counts."""
    if when is None:
        return store.champion.last()
    entry = champion_by_clock(store, when) if by_clock else champion_at(store, when)
    return None if entry is None else store.champion.line(entry.number)


def _told(line: Line[Entry]) -> list[str]:
    entry = line.record
    verdict = f"verdict {entry.verdict[:16]}" if entry.verdict else "no verdict"
    return [
        f"{entry.version} since {stamp(entry.as_of)}",
        f"  {entry.kind} by {entry.who}: {entry.reason}",
        f"  entry {entry.number} of the champion log, {verdict}, recorded {_recorded(line)}",
    ]


def _as_json(
    line: Line[Entry] | None, asked: Waiting | None, held: Line[Order] | None
) -> dict[str, object] | None:
    """The entry's fields, and beside them `recorded_at`, `waiting`, `hold`; null without any."""
    if line is None and asked is None and held is None:
        return None
    fields = dict.fromkeys(Entry.model_fields) if line is None else plain(line.record)
    waits = asked and {
        "version": asked.version,
        "as_of": plain(asked.promotion)["as_of"],
        "sentence": asked.promotion.sentence,
    }
    return {
        **fields,
        "recorded_at": line and _recorded(line),
        "waiting": waits,
        "hold": held and plain(held.record),
    }


def _recorded(line: Line[Entry]) -> str:
    """To the microsecond, so that it can be given to --at."""
    return line.recorded_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
