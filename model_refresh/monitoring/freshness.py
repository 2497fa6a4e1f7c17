"""How old decisions and scores may be, before a page warns and before it fails."""

import datetime as dt
import itertools
from dataclasses import dataclass
from functools import lru_cache

from cronsim import CronSim

from model_refresh.config.model import Model

_MONTHS = 12
_START, _END = dt.datetime(2023, 12, 31, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
"""Two years, so that what comes once a year comes twice."""
_DAYS = dt.timedelta(days=3)


@dataclass(frozen=True)
class Ages:
    """What is older than `warn` is late, than `fail` missing; there may be no time between them."""

    warn: dt.timedelta
    fail: dt.timedelta


def decision_ages(model: Model) -> Ages:
    """Of the last refresh: a decision within `champion.max_age`, a warning where one was left out.

    Refreshes are as far apart as frames, or as the schedule's ticks, whichever is further.
    """
    longest = max(longest_frame(model), longest_pause(model.spec.schedule.cron))
    return Ages(warn=2 * longest, fail=model.max_age)


def batch_ages(model: Model) -> Ages:
    """Of the last batch: one a frame, so two in a row may not be missing."""
    longest = longest_frame(model)
    return Ages(warn=1.5 * longest, fail=2 * longest)


def longest_frame(model: Model) -> dt.timedelta:
    """The longest time from one frame to the next: months differ."""
    cadence = model.cadence
    frames = [cadence.move(cadence.start, number) for number in range(_MONTHS + 1)]
    return _longest(frames)


@lru_cache(maxsize=4096)
def longest_pause(cron: str) -> dt.timedelta:
    """The longest time between two ticks: to the minute where they come each day, else in days."""
    _, _, *days = cron.split()
    if days == ["*", "*", "*"]:
        return _longest(_ticks(cron, until=_START + _DAYS))
    return longest_days(" ".join(days))


@lru_cache(maxsize=1024)
def longest_days(days: str) -> dt.timedelta:
    """The longest time between two days that the last three fields of a cron line name.

    A fleet's lines differ in their times of the day rather than in these, so few are looked at.
    """
    return _longest(_ticks(f"0 0 {days}", until=_END))


def _ticks(cron: str, *, until: dt.datetime) -> list[dt.datetime]:
    return list(itertools.takewhile(lambda tick: tick < until, CronSim(cron, _START)))


def _longest(instants: list[dt.datetime]) -> dt.timedelta:
    """0 where there are fewer than two of them."""
    pairs = itertools.pairwise(instants)
    return max((late - early for early, late in pairs), default=dt.timedelta(0))
