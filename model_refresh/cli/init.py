"""init: a new model's folder, guessed from data or as a template."""

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, get_args

import typer

from model_refresh.cli.shared import FLEET, FleetFolder, Json, Name, print_json, say
from model_refresh.config.defaults import Defaults
from model_refresh.config.values import parse_duration
from model_refresh.records import Task
from model_refresh.scaffold.origin import find_origin
from model_refresh.scaffold.proposal import Proposal, propose
from model_refresh.scaffold.roles import Wishes
from model_refresh.scaffold.template import template
from model_refresh.scaffold.writing import fleet_defaults, require_free, write_folder
from model_refresh.splits import Every


def _task(text: str | None) -> str | None:
    return _one_of(text, get_args(Task))


def _every(text: str | None) -> str | None:
    return _one_of(text, get_args(Every))


def _horizon(text: str | None) -> str | None:
    try:
        length = None if text is None else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if length is not None and not length:
        raise typer.BadParameter("0d is not accepted: give a length above 0, such as 28d")
    return text


Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE_OR_TABLE",
        help="A csv, json or parquet file or glob, or FILE.duckdb:TABLE.",
    ),
]
TaskOption = Annotated[
    str | None, typer.Option("--task", callback=_task, help="binary, regression or multiclass.")
]
Key = Annotated[
    str | None, typer.Option("--key", metavar="COLUMN,...", help="Whose rows they are.")
]
Time = Annotated[str | None, typer.Option("--time", metavar="COLUMN", help="When.")]
LabelOption = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The outcome.")]
Horizon = Annotated[
    str | None,
    typer.Option("--horizon", metavar="28d", callback=_horizon, help="How far to look ahead."),
]
EveryOption = Annotated[
    str | None,
    typer.Option("--every", metavar="7d", callback=_every, help="From frame to frame."),
]
Copy = Annotated[
    bool, typer.Option("--copy", help="Copy the data into the folder; else they stay there.")
]


def init(
    name: Name,
    source: Source = None,
    task: TaskOption = None,
    key: Key = None,
    time: Time = None,
    label: LabelOption = None,
    horizon: Horizon = None,
    every: EveryOption = None,
    copy: Copy = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
) -> None:
    """Write a new model's folder: guessed from data, or a template to fill in."""
    keys = tuple(part.strip() for part in key.split(",")) if key else ()
    wishes = Wishes(_as_task(task), keys, time, label, horizon, every)
    if source is None:
        _require_no_wishes(wishes, copy=copy)
    home = require_free(name, fleet, environment=os.environ)
    defaults = fleet_defaults(fleet, environment=os.environ)
    if source is None:
        proposal = _from_nothing(name, home, defaults)
    else:
        proposal, fill = _from_data(name, home, source, wishes=wishes, copy=copy)
        write_folder(home, proposal.files, defaults=defaults, fill=fill)
    _tell(name, home, proposal, fleet=fleet, json=json)


def _require_no_wishes(wishes: Wishes, *, copy: bool) -> None:
    """A template knows of no data: an option that says something of them has no use."""
    said = [f"--{option}" for option, wish in vars(wishes).items() if wish]
    if given := [*said, *(["--copy"] if copy else [])]:
        raise typer.BadParameter(f"{', '.join(given)}: this needs --from")


def _from_nothing(name: str, home: Path, defaults: Defaults) -> Proposal:
    write_folder(home, template(name), defaults=defaults)
    sentence = f"{name}: a template; put data where {home / 'model.yaml'} says, and change it"
    return Proposal(template(name), sentence)


def _from_data(
    name: str, home: Path, source: str, *, wishes: Wishes, copy: bool
) -> tuple[Proposal, Callable[[Path], object] | None]:
    """What is proposed, and what puts the data into the folder where they are to be copied."""
    here = Path()
    origin = find_origin(source, here)
    declared = origin.copy_name if copy else origin.reference(home, near=here)
    now = dt.datetime.now(dt.UTC)
    proposal = propose(name, origin, wishes, declared=declared, now=now)
    return proposal, origin.copy_into if copy else None


def _tell(name: str, home: Path, proposal: Proposal, *, fleet: Path, json: bool) -> None:
    where = "" if fleet == FLEET else f" --fleet {fleet}"
    first = proposal.first
    follows = f"refresh {name} --as-of {first}{where}" if first else f"check {name} --data{where}"
    if json:
        files = [str(home / file) for file in proposal.files]
        told = {"model": name, "files": files, "guessed": proposal.sentence, "first": first}
        print_json({**told, "next": f"model-refresh {follows}"})
        return
    say(proposal.sentence)
    say(f"read {home}, then: model-refresh {follows}")


def _as_task(text: str | None) -> Task | None:
    return next((each for each in get_args(Task) if each == text), None)


def _one_of(text: str | None, accepted: tuple[str, ...]) -> str | None:
    if text is not None and text not in accepted:
        raise typer.BadParameter(f"{text!r} is not accepted; accepted: {', '.join(accepted)}")
    return text
