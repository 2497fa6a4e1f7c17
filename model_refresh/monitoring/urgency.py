"""Whom to look at first: the order of a fleet's rows by what needs a person."""

from collections.abc import Iterable
from typing import get_args

from model_refresh.records import FleetRow, FleetState, FleetTotals

STATES: tuple[FleetState, ...] = get_args(FleetState)
"""Every state, the most urgent first: where several hold, the first one names the row."""

NEEDS_PERSON: frozenset[FleetState] = frozenset(
    {"unreadable", "failed", "rejected", "decayed", "waiting", "overdue", "late"}
)
"""What does not mend itself. A drifted model is refreshed, a held one is held on purpose."""


def by_urgency(rows: Iterable[FleetRow]) -> list[FleetRow]:
    """The most urgent first; of one state, who is worse off first, then by name.

    Of decayed models the one further below its promise is worse off in its own unit only, so they
    are told apart as the others are: by how much of its allowed age the champion has used up.
    """
    return sorted(rows, key=lambda row: (STATES.index(row.state), -_used_up(row), row.name))


def totals(rows: Iterable[FleetRow]) -> FleetTotals:
    """What the rows come to."""
    told = list(rows)
    return FleetTotals(
        models=len(told),
        need_person=sum(row.needs_person for row in told),
        fresh=sum(row.state == "fresh" for row in told),
        week_cpu_hours=sum(row.week_cpu_seconds for row in told) / 3_600,
    )


def states_in_order(states: Iterable[FleetState]) -> tuple[FleetState, ...]:
    """The same, each once, the most urgent first; `fresh` only where nothing else holds."""
    held = set(states)
    return tuple(each for each in STATES if each in held) or ("fresh",)


def _used_up(row: FleetRow) -> float:
    """The share of its allowed age that a champion has used up; 0 where that can't be said."""
    if row.age is None or not row.max_age:
        return 0.0
    return round(row.age / row.max_age, 3)
