"""What every command needs: the fleet, the store, the options, and two ways to print."""

import contextlib
import datetime as dt
import getpass
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.config.values import parse_instant
from model_refresh.errors import DataError, NotDue, NotStored
from model_refresh.records import Record
from model_refresh.storage import ModelStore, Store

Name = Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Models; default: all.")]
MaybeAsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="A date such as 1998-03-02; default: the newest."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
FleetFolder = Annotated[
    Path, typer.Option("--fleet", envvar="MODEL_REFRESH_FLEET", help="The folder of models.")
]
Home = Annotated[
    Path, typer.Option("--home", envvar="MODEL_REFRESH_HOME", help="The folder of the store.")
]
FLEET = Path("fleet")
HOME = Path(".model_refresh")

_UNWRAPPED = 10_000


def find_model(name: str, fleet: Path) -> Model:
    """One model of the fleet; raises ConfigError where its declaration is wrong."""
    (model,) = load_fleet(fleet, environment=os.environ, only=name)
    return model


def store_of(model: Model, home: Path) -> ModelStore:
    """The model's part of the store."""
    return Store(home).model(model.name)


def instant(model: Model, text: str | None) -> dt.datetime:
    """The frame instant that a person named; by default the newest that is not after now.

    Raises DataError where there is no such frame, NotDue where it has not come yet: computed
    now, a frame of the future would lack rows for good.
    """
    cadence = model.cadence
    newest = cadence.floor(dt.datetime.now(dt.UTC))
    if text is None:
        if newest is None:
            raise NotDue(
                f"{model.name} starts at {cadence.key(cadence.start)}: it has no frame yet"
            )
        return newest
    named = cadence.parse(text)
    if newest is None or named > newest:
        have = f"the newest is {cadence.key(newest)}" if newest else "there is none yet"
        raise NotDue(f"{model.name} has no frame at {cadence.key(named)} yet: {have}")
    return named


def moment(model: Model, text: str) -> dt.datetime:
    """Any instant that a person named, be it a frame's or not; a date alone is midnight UTC.

    Raises DataError where it is none, or one of the clock without its zone.
    """
    for parse in (model.cadence.parse, parse_instant, _of_the_clock):
        with contextlib.suppress(DataError, ValueError):
            return parse(text)
    today = dt.datetime.now(dt.UTC).date()
    raise DataError(
        f"{text!r} is no instant; accepted: a date such as {today}, which is its midnight UTC, or "
        f"an instant with its zone such as {today}T06:00Z"
    )


def _of_the_clock(text: str) -> dt.datetime:
    """An ISO instant with zone and seconds, as `recorded_at` is printed."""
    found = dt.datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found.astimezone(dt.UTC)


def newest_refresh(model: Model, store: ModelStore) -> dt.datetime:
    """The as_of of the newest refresh in the store."""
    instants = store.refreshed()
    if not instants:
        raise NotStored(f"{model.name} was never refreshed: model-refresh refresh {model.name}")
    return instants[-1]


def user() -> str:
    """Who runs this command, for what is kept for ever."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        return f"uid {os.getuid()}"


def print_json(value: object) -> None:
    """One JSON document on stdout; numbers that JSON doesn't know are told as text."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def plain(record: Record) -> dict[str, object]:
    """A record in JSON's kinds."""
    fields: dict[str, object] = json.loads(record.model_dump_json())
    return fields


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """A table for people; None is shown as a dash. Away from a terminal a row is one line."""
    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[escape(_text(row.get(column))) for column in columns])
    wide = None if sys.stdout.isatty() else _UNWRAPPED
    Console(highlight=False, width=wide).print(table)


def say(line: str) -> None:
    """A sentence for people; the terminal wraps it, so that it can be copied whole."""
    typer.echo(line)


def warn(line: str) -> None:
    """A line beside the result, on stderr."""
    typer.echo(line, err=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
