"""Commands that change something: refresh, score, promote, rollback."""

import getpass
from typing import Annotated

import typer

from model_refresh import pipeline
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
    newest_refresh,
    print_json,
    progress,
    say,
    store_of,
)
from model_refresh.errors import PromotionRefused
from model_refresh.records import Candidate, Entry, Record
from model_refresh.refresh.override import override, roll_back

Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the champion log for ever.")]


def refresh(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Run the whole refresh: dataset, candidates, comparison, verdict, champion."""
    model = find_model(name, fleet)
    when = instant(model, as_of)
    promotion = pipeline.refresh(model, store_of(model, home), when, on_step=_tell)
    if json:
        print_json(promotion.model_dump(mode="json"))
    else:
        say(f"{model.cadence.key(when)} {promotion.decision}: {promotion.sentence}")
        say(f"champion: {promotion.champion or 'none yet'}")


def score(
    name: Name,
    as_of: MaybeAsOf = None,
    again: Annotated[
        bool, typer.Option("--again", help="Publish a batch under a newer champion beside it.")
    ] = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Publish the batch of one frame by champion and challenger."""
    model = find_model(name, fleet)
    store, when = store_of(model, home), instant(model, as_of)
    line = pipeline.score(model, store, when, again=again)
    if line is None:
        message = f"{name} has no champion for {model.cadence.key(when)} yet: no batch"
        print_json(None) if json else say(message)
        return
    scores, place = line.record, store.place(line.record)
    if json:
        print_json({**scores.model_dump(mode="json"), "path": str(place)})
    else:
        empty = " (the frame is empty)" if not scores.rows else ""
        say(f"{scores.rows} rows scored by {scores.champion}{empty}: {place}")


def promote(
    name: Name,
    version: Annotated[str, typer.Argument(help="The version, 16 hex digits.")],
    reason: Reason,
    force: Annotated[
        bool, typer.Option("--force", help="Override the gates; shown as such for ever.")
    ] = False,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Put a version into production by hand, past its gates."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    if not force:
        raise PromotionRefused(
            "gates promote by themselves in a refresh; to override them add --force"
        )
    when = instant(model, as_of) if as_of else newest_refresh(model, store)
    entry = override(store, version, as_of=when, who=getpass.getuser(), reason=reason)
    _print_entry(entry, json=json)


def rollback(
    name: Name,
    reason: Reason,
    to: Annotated[
        str | None, typer.Option("--to", help="A former champion; default: the one before.")
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Bring a former champion back by one log entry; nothing is trained."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    _print_entry(roll_back(store, to=to, who=getpass.getuser(), reason=reason), json=json)


def _print_entry(entry: Entry, *, json: bool) -> None:
    if json:
        print_json(entry.model_dump(mode="json"))
    else:
        since = entry.as_of.strftime("%Y-%m-%d %H:%M")
        say(f"entry {entry.number}: {entry.kind} of {entry.version} from {since} UTC on")


def _tell(step: str, record: Record) -> None:
    failure = record.failure if isinstance(record, Candidate) else None
    progress.print(f"  {step}: {'failed: ' + failure if failure else 'done'}")
