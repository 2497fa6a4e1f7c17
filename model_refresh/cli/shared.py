"""What every command needs: the fleet, the store, the options, and two ways to print."""

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.errors import NotDue, NotStored
from model_refresh.storage import ModelStore, Store

Name = Annotated[str, typer.Argument(help="The model's name.")]
AsOf = Annotated[str, typer.Option("--as-of", help="A date such as 1998-03-02, or an instant.")]
MaybeAsOf = Annotated[
    str | None, typer.Option("--as-of", help="A date such as 1998-03-02; default: the newest.")
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

console = Console(highlight=False)
progress = Console(stderr=True, highlight=False, soft_wrap=True)


def find_model(name: str, fleet: Path) -> Model:
    """One model of the fleet; raises ConfigError where its declaration is wrong."""
    (model,) = load_fleet(fleet, environment=os.environ, only=name)
    return model


def store_of(model: Model, home: Path) -> ModelStore:
    """The model's part of the store, swept of what crashed processes left."""
    store = Store(home)
    store.sweep()
    return store.model(model.name)


def instant(model: Model, text: str | None) -> dt.datetime:
    """The frame instant that a person named; by default the newest that is not after now."""
    if text is not None:
        return model.cadence.parse(text)
    newest = model.cadence.floor(dt.datetime.now(dt.UTC))
    if newest is None:
        raise NotDue(f"{model.name} starts at {model.cadence.key(model.cadence.start)}")
    return newest


def newest_refresh(model: Model, store: ModelStore) -> dt.datetime:
    """The as_of of the newest refresh in the store."""
    names = store.refreshed()
    if not names:
        raise NotStored(f"{model.name} was never refreshed: model-refresh refresh {model.name}")
    return dt.datetime.fromisoformat(names[-1]).replace(tzinfo=dt.UTC)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """A table for people; None is shown as a dash."""
    table = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[escape(_text(row.get(column))) for column in columns])
    console.print(table)


def say(line: str) -> None:
    """A sentence for people; the terminal wraps it, so that it can be copied whole."""
    console.print(line, soft_wrap=True, markup=False)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
