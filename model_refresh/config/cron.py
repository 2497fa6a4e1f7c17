"""Cron lines of five fields, strictly: what Dagster's parser reads, without its extensions."""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
_WEEKDAYS = {
    name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])
}
_PART = re.compile(r"(\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True)
class Cron:
    """When a schedule fires, as wall-clock time; weekdays count from Sunday, 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Day of the month and of the week are both restricted: one of them is enough."""

    def fires_on(self, day: dt.date) -> bool:
        """Whether it fires on this day at all."""
        matches = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        on_day = any(matches) if self.either_day else all(matches)
        return day.month in self.months and on_day

    def fires(self, first: dt.date, days: int) -> Iterator[dt.datetime]:
        """The wall-clock times of its first firing in each hour, from `first` for some days."""
        for offset in range(days):
            day = first + dt.timedelta(days=offset)
            if self.fires_on(day):
                for hour in sorted(self.hours):
                    yield dt.datetime.combine(day, dt.time(hour, min(self.minutes)))


def parse_cron(line: str) -> Cron:
    """Minute, hour, day of the month, month, day of the week; raises ValueError."""
    texts = line.split()
    if len(texts) != len(_FIELDS):
        raise ValueError(
            f"{line!r} has {len(texts)} fields; a cron line has five: "
            f"{', '.join(field.name for field in _FIELDS)}, such as '0 6 * * MON'"
        )
    values = [_values(text, field) for text, field in zip(texts, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    if all(min(days) > _longest(month) for month in months):
        raise ValueError(f"{line!r} is no date: none of its months has a day {min(days)}")
    weekdays = frozenset(day % 7 for day in weekdays)
    either = len(days) < 31 and len(weekdays) < 7
    return Cron(minutes, hours, days, months, weekdays, either_day=either)


def _longest(month: int) -> int:
    return calendar.monthrange(2000, month)[1]


def _values(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _part(part, field))


def _part(text: str, field: _Field) -> range:
    match = _PART.fullmatch(text)
    if match is None:
        raise _refused(text, field)
    whole, first, last, step = match.groups()
    low = field.low if whole == "*" else _number(first, field)
    high = field.high if whole == "*" else _number(last or first, field)
    stride = int(step or 1)
    open_ended = step is not None and last is None and whole != "*"
    if low > high or not stride or open_ended:
        raise _refused(text, field)
    return range(low, high + 1, stride)


def _number(text: str, field: _Field) -> int:
    number = field.words.get(text.upper(), int(text) if text.isdecimal() else -1)
    if not field.low <= number <= field.high:
        raise _refused(text, field)
    return number


def _refused(text: str, field: _Field) -> ValueError:
    words = f", {'|'.join(field.words)}" if field.words else ""
    return ValueError(
        f"{text!r} is not accepted as {field.name}; accepted: *, {field.low} to {field.high}"
        f"{words}, ranges such as 1-5, lists such as 1,3 and steps such as */2"
    )
