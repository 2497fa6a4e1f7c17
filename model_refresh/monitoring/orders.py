"""Holds, releases and skips: what a person says of a model's refreshes, and what follows."""

import datetime as dt

from model_refresh.config.model import Model
from model_refresh.monitoring.state import State
from model_refresh.records import Order
from model_refresh.storage import Line, ModelStore


def barred(state: State, as_of: dt.datetime) -> str | None:
    """Why the refresh of `as_of` does not start by itself, and how it would; None where it may.

    A person may start it all the same.
    """
    if (line := state.hold) is not None:
        return hold_sentence(state.model, line)
    if (line := state.skip(as_of)) is not None:
        return skip_sentence(state.model, line)
    return None


def hold_sentence(model: Model, line: Line[Order]) -> str:
    """Who holds a model since when, until when and why, and how it is released."""
    order = line.record
    end = f" until {order.until:%Y-%m-%d %H:%M} UTC" if order.until else ""
    return (
        f"{model.name} is held by {order.who} since {line.recorded_at:%Y-%m-%d %H:%M} UTC{end}: "
        f"{order.reason}; model-refresh release {model.name} lets refreshes start again"
    )


def skip_sentence(model: Model, line: Line[Order]) -> str:
    """Which frame is left out, by whom and why, and how it is refreshed all the same."""
    order = line.record
    key = model.cadence.key(order.as_of or line.recorded_at)
    return (
        f"{model.name}: the refresh of {key} is skipped by {order.who}: {order.reason}; "
        f"model-refresh refresh {model.name} --as-of {key} starts it all the same, and "
        f"model-refresh release {model.name} takes every skip back"
    )


def give_order(store: ModelStore, order: Order) -> Line[Order]:
    """Keep an order for ever; the newest of its kind counts."""
    return store.orders.add(order)
