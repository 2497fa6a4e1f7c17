"""Who is overdue: a champion that is too old, or none though there should long be one.

One rule for the fleet's page and for alerts.
"""

import datetime as dt
from dataclasses import dataclass

from model_refresh.monitoring.overview.outcome import Outcome
from model_refresh.monitoring.state import State
from model_refresh.storage.store import stamp


@dataclass(frozen=True)
class Overdue:
    """Since when it is, why, and the command that tells more."""

    since: dt.datetime
    sentence: str
    command: str


def overdue(state: State, ended: Outcome | None) -> Overdue | None:
    """What is said of a model whose champion is older than `champion.max_age`; None of others.

    Without a champion the time counts from when the first refresh began; `ended` is what the newest
    one came to.
    """
    return _never(state, ended) if state.entry is None else _old(state)


def _old(state: State) -> Overdue | None:
    since, age, most = state.champion_as_of, state.age, state.model.max_age
    if not state.is_overdue or since is None or age is None:
        return None
    return Overdue(
        since=since + most,
        sentence=f"the champion stems from the refresh of {stamp(since)}, {age.days} days ago: "
        f"champion.max_age is {most.days}d",
        command=f"model-refresh history {state.model.name}",
    )


def _never(state: State, ended: Outcome | None) -> Overdue | None:
    began, most = state.first_began, state.model.max_age
    if began is None or state.now - began <= most:
        return None
    return Overdue(
        since=began + most,
        sentence=f"no champion yet, {(state.now - began).days} days after the first refresh began "
        f"on {began:%Y-%m-%d}: champion.max_age is {most.days}d{_newest(state, ended)}",
        command=f"model-refresh why {state.model.name}",
    )


def _newest(state: State, ended: Outcome | None) -> str:
    if ended is None or state.newest_refresh is None:
        return ""
    if ended.decision is None:
        return f"; {ended.sentence}"
    told = ended.sentence.removeprefix(f"{ended.decision}: ")
    return f"; the newest refresh, of {stamp(state.newest_refresh)}: {ended.decision}: {told}"
