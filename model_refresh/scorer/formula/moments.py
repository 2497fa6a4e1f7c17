"""Reading parts of dates and timestamps, in UTC; whole numbers all."""

import datetime as dt
from collections.abc import Callable, Sequence
from math import nan
from typing import Literal

from model_refresh.scorer.formula.errors import RefusedValue
from model_refresh.scorer.formula.values import shown

Part = Literal["day", "weekday", "minute", "hour", "month", "day_of_month", "day_of_year"]

ReadParts = Callable[[object], Sequence[float]]
"""A raw value -> its parts, whole numbers all."""

_EPOCH = dt.date(1970, 1, 1).toordinal()


def parts_of(name: str, parts: Sequence[Part]) -> ReadParts:
    """What reads parts of a moment: days since 1970, weekday from Monday = 1, minute of the day...

    NaN for null.
    """
    told = [_PARTS[part] for part in parts]
    blank = [nan] * len(told)

    def read(value: object) -> Sequence[float]:
        if value is None:
            return blank
        instant = as_instant(name, value)
        return [part(instant) for part in told]

    return read


def as_instant(name: str, value: object) -> dt.datetime:
    """A date, a timestamp, or the ISO text of one; one with a zone is turned to UTC.

    Raises RefusedValue for anything else, and for an instant outside of the years 1 to 9999.
    """
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, dt.datetime):
            zone = moment.tzinfo
            return moment if zone is None or zone is dt.UTC else moment.astimezone(dt.UTC)
    except ValueError:
        raise RefusedValue(name, f"{shown(value)} is no ISO 8601 date or timestamp") from None
    except OverflowError:
        raise RefusedValue(name, f"{shown(value)} is outside of the years 1 to 9999") from None
    if isinstance(moment, dt.date):
        return dt.datetime.combine(moment, dt.time())
    raise RefusedValue(name, f"{shown(value)} is no ISO 8601 date or timestamp")


def _day_of_year(instant: dt.datetime) -> int:
    return instant.toordinal() - dt.date(instant.year, 1, 1).toordinal() + 1


_PARTS: dict[Part, Callable[[dt.datetime], int]] = {
    "day": lambda instant: instant.toordinal() - _EPOCH,
    "weekday": dt.datetime.isoweekday,
    "minute": lambda instant: instant.hour * 60 + instant.minute,
    "hour": lambda instant: instant.hour,
    "month": lambda instant: instant.month,
    "day_of_month": lambda instant: instant.day,
    "day_of_year": _day_of_year,
}
