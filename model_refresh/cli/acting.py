"""Commands that change something: refresh, score, promote, rollback."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from model_refresh import pipeline
from model_refresh.cli.progress import watching
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
    plain,
    print_json,
    say,
    store_of,
    user,
    warn,
)
from model_refresh.config.model import Model
from model_refresh.errors import NotStored
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.reasons import wants_wide_search
from model_refresh.monitoring.state import read_state
from model_refresh.pipeline.alone import demanded, refresh_alone
from model_refresh.pipeline.production import delivery
from model_refresh.records import Entry
from model_refresh.refresh.approval import approve
from model_refresh.refresh.override import override, roll_back
from model_refresh.storage import ModelStore
from model_refresh.storage.files import sweep
from model_refresh.storage.leases import Holder
from model_refresh.storage.store import stamp, utc_now


def _said(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say why, in a few words")
    return text


Reason = Annotated[
    str,
    typer.Option(
        "--reason", metavar="TEXT", callback=_said, help="Why; kept in the champion log for ever."
    ),
]


def refresh(
    name: Name,
    as_of: MaybeAsOf = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Search everywhere, not around what was good before.")
    ] = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Run the whole refresh: dataset, candidates, comparison, verdict, champion."""
    model = find_model(name, fleet)
    store, when = _swept(model, home), instant(model, as_of)
    state = read_state(model, store, utc_now())
    if (bar := barred(state, when)) is not None and not json:
        say(f"started by hand all the same: {bar}")
    with watching(model) as watch:
        promotion = refresh_alone(
            model,
            store,
            demanded(model, when, by=user()),
            holder=Holder.here(f"{user()}'s model-refresh refresh, process {_process()}"),
            wide=wide or wants_wide_search(state),
            on_step=watch.tell,
            on_progress=watch.progress,
        )
    newest = store.champion.last()
    now = newest.record if newest else None
    if json:
        champion = {"entry": now and now.number, "champion": now and now.version}
        print_json({**plain(promotion), **champion})
        return
    say(f"{name} {stamp(when)} {promotion.decision}: {promotion.sentence}")
    say(f"champion: {_in_production(now) if now else 'none yet'}")


def score(
    name: Name,
    as_of: MaybeAsOf = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="A batch under a newer champion beside it; deliver it anew."),
    ] = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Publish the batch of one frame by champion and challenger."""
    model = find_model(name, fleet)
    store, when = _swept(model, home), instant(model, as_of)
    line = pipeline.score(model, store, when, again=again, on_trouble=warn)
    if line is None:
        message = f"{name} has no champion for {stamp(when)} yet: no batch"
        print_json(None) if json else say(message)
        return
    scores, place = line.record, store.place(line.record)
    delivered = delivery(model, store, scores)
    if json:
        print_json(
            {**plain(scores), "path": str(place), "delivered": delivered and plain(delivered)}
        )
    else:
        empty = " (the frame is empty)" if not scores.rows else ""
        beside = f", beside it challenger {scores.challenger}" if scores.challenger else ""
        say(f"{scores.rows:,} rows scored by champion {scores.champion}{beside}{empty}: {place}")
        if delivered is not None:
            say(f"  delivered: {delivered.rows:,} rows to {delivered.place}")
        for note in scores.notes:
            say(f"  {note}")


def promote(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="16 hex digits.")],
    reason: Reason,
    force: Annotated[
        bool,
        typer.Option("--force", help="Past gates and tests: an override, shown as such for ever."),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="DATE", help="With --force: from when on; default: newest."
        ),
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Approve a version that passed and waits (approval: manual); with --force, put any in."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    if as_of is not None and not force:
        raise typer.BadParameter("--as-of goes with --force")
    if not force:
        entry = approve(model, store, version, who=user(), reason=reason)
        _print_entry(entry, json=json)
        return
    if version not in store.versions():
        raise NotStored(
            f"{name} has no version {version!r}: a version is 16 hex digits, as in "
            f"model-refresh history {name} --json"
        )
    when = instant(model, as_of) if as_of is not None else newest_refresh(model, store)
    _print_entry(override(store, version, as_of=when, who=user(), reason=reason), json=json)


def rollback(
    name: Name,
    reason: Reason,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="A former champion; default: the one before."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="From when on; default: as the champion."),
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Bring a former champion back by one log entry; nothing is trained."""
    model = find_model(name, fleet)
    when = instant(model, as_of) if as_of is not None else None
    entry = roll_back(store_of(model, home), to=to, as_of=when, who=user(), reason=reason)
    _print_entry(entry, json=json)


def _swept(model: Model, home: Path) -> ModelStore:
    """The model's part of the store, without what crashed processes left there."""
    store = store_of(model, home)
    sweep(store.root)
    return store


def _in_production(entry: Entry) -> str:
    by_hand = "" if entry.kind == "promotion" else f", by {entry.kind}: {entry.reason}"
    return f"{entry.version} since {stamp(entry.as_of)}{by_hand}"


def _process() -> str:
    return f"{os.getpid()} on {socket.gethostname()}"


def _print_entry(entry: Entry, *, json: bool) -> None:
    if json:
        print_json(plain(entry))
    else:
        say(f"champion: {entry.version} from {stamp(entry.as_of)} on")
        say(f"  entry {entry.number} of the champion log: {entry.kind} by {entry.who}")
