"""Commands that keep refreshes from starting by themselves: hold, release, skip."""

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
    user,
)
from model_refresh.monitoring.orders import give_order, hold_sentence, skip_sentence
from model_refresh.monitoring.plan import open_tick
from model_refresh.monitoring.state import State, read_state
from model_refresh.records import Order
from model_refresh.storage import Line
from model_refresh.storage.store import utc_now


def _said(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say why, in a few words")
    return text


Why = Annotated[
    str, typer.Option("--reason", metavar="TEXT", callback=_said, help="Why; kept for ever.")
]


def hold(
    name: Name,
    reason: Why,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", help="When it ends by itself; default: never."),
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Let no refresh of a model start by itself, until it is released; batches go on."""
    model = find_model(name, fleet)
    end = moment(model, until) if until is not None else None
    if end is not None and end <= utc_now():
        raise typer.BadParameter(f"--until {until} has passed already")
    order = Order(kind="hold", until=end, who=user(), reason=reason)
    line = give_order(store_of(model, home), order)
    _tell(line, hold_sentence(model, line), json=json)


def release(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Let refreshes of a model start by themselves again; takes back every hold and skip."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    state = read_state(model, store, utc_now())
    before = _before(state) + _left_out(state)
    line = give_order(store, Order(kind="release", who=user(), reason=reason))
    _tell(line, f"{name} is released: refreshes start by themselves{before}", json=json)


def skip(
    name: Name,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The frame left out.")],
    reason: Why,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Let no refresh of one frame start by itself; it may be one of the future."""
    model = find_model(name, fleet)
    store, when = store_of(model, home), model.cadence.parse(as_of)
    state = read_state(model, store, utc_now())
    line = give_order(store, Order(kind="skip", as_of=when, who=user(), reason=reason))
    _tell(line, skip_sentence(model, line) + _too_late(state, when), json=json)


def _before(state: State) -> str:
    """What a release takes back: the hold, and every skip by its frame."""
    held = state.hold
    told = f"; it was held by {held.record.who}: {held.record.reason}" if held else ""
    named = {line.record.as_of for line in state.orders if line.record.kind == "skip"}
    skipped = sorted(as_of for as_of in named if as_of is not None and state.skip(as_of))
    keys = ", ".join(state.model.cadence.key(as_of) for as_of in skipped)
    if not told and not keys:
        return ", as they did: it was neither held nor skipped"
    return f"{told}; no longer skipped: {keys}" if keys else told


def _left_out(state: State) -> str:
    """The newest frame's refresh where its tick passed during a hold: nothing makes up for it."""
    tick, model = open_tick(state), state.model
    if tick is None or state.newest is None or not state.was_held(tick):
        return ""
    key = model.cadence.key(state.newest)
    return (
        f"; the refresh of {key} was left out meanwhile: model-refresh refresh {model.name} "
        f"--as-of {key} makes it now"
    )


def _too_late(state: State, as_of: dt.datetime) -> str:
    """What a skip has no effect on any more, if so."""
    if state.has_begun(as_of):
        return "; that refresh has begun already, and is only not repeated by itself"
    if state.newest is not None and as_of < state.newest:
        key = state.model.cadence.key(state.newest)
        return f"; it would not have started by itself: that of {key} comes next"
    return ""


def _tell(line: Line[Order], sentence: str, *, json: bool) -> None:
    if json:
        recorded = line.recorded_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        print_json({**plain(line.record), "recorded_at": recorded, "sentence": sentence})
    else:
        say(sentence)
