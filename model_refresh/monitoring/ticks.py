"""When a model's schedule fires: the ticks around an instant, as Dagster reads its cron line.

A local time that a change of the clock skips fires right after it. One that the clock shows twice
fires once, the second time, unless the line names every hour.
"""

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from model_refresh.config.model import Model

_SET_BACK = dt.timedelta(hours=2)
"""More than any clock is set back by."""
_HOURS = 24


def next_tick(model: Model, instant: dt.datetime) -> dt.datetime:
    """The first tick after an instant, in UTC."""
    schedule = model.spec.schedule
    return _next(schedule.cron, schedule.timezone, instant.astimezone(dt.UTC))


def previous_tick(model: Model, instant: dt.datetime) -> dt.datetime:
    """The last tick that is not after an instant, in UTC."""
    schedule = model.spec.schedule
    return _previous(schedule.cron, schedule.timezone, instant.astimezone(dt.UTC))


def next_time_of_day(model: Model, instant: dt.datetime) -> dt.datetime:
    """The first of the schedule's times of day at or after an instant, whatever the day, in UTC."""
    schedule = model.spec.schedule
    daily = " ".join([*schedule.cron.split()[:2], "*", "*", "*"])
    just_before = instant.astimezone(dt.UTC) - dt.timedelta(microseconds=1)
    return _next(daily, schedule.timezone, just_before)


@lru_cache(maxsize=4096)
def _next(cron: str, zone: str, instant: dt.datetime) -> dt.datetime:
    ticks = _ticks(cron, zone, instant - _SET_BACK, back=False)
    return next(tick for tick in ticks if tick > instant)


@lru_cache(maxsize=4096)
def _previous(cron: str, zone: str, instant: dt.datetime) -> dt.datetime:
    ticks = _ticks(cron, zone, instant + dt.timedelta(seconds=1), back=True)
    return next(tick for tick in ticks if tick <= instant)


def _ticks(cron: str, zone: str, start: dt.datetime, *, back: bool) -> Iterator[dt.datetime]:
    """Ticks from an instant on, or backwards from it, in UTC."""
    minute, hour, *days = cron.split()
    every_hour = len(CronSim(cron, start).hours) == _HOURS
    if every_hour:
        hour = "*"
    else:  # written so, cronsim takes them for times of the day, as Dagster does
        minute, hour = minute.replace("*", "0-59"), hour.replace("*", "0-23")
    line = " ".join([minute, hour, *days])
    for tick in CronSim(line, start.astimezone(ZoneInfo(zone)), reverse=back):
        yield (tick if every_hour else tick.replace(fold=1)).astimezone(dt.UTC)
