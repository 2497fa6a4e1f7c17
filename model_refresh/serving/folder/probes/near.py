"""Raw values around a place of a matrix column: that place, and one step to either side."""

import calendar
import datetime as dt
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from model_refresh.scorer.formula.encoding import Feature, Moment, Number
from model_refresh.scorer.formula.moments import Part
from model_refresh.scorer.formula.trees import MOST
from model_refresh.serving.folder.probes.raw import Raw

_NOON = dt.datetime.fromisoformat("2000-01-01T12:00")
_EPOCH = dt.datetime.fromisoformat("1970-01-01")
_WHOLE = 2**53
_LEAST_SINGLE = 2.0**-149
_INT64 = range(-(2**63), 2**63)
_LAST = dt.timedelta(microseconds=1)
_MINUTES_A_DAY, _HOURS_A_DAY, _DAYS_A_MONTH = 1440, 24, 31


@dataclass(frozen=True)
class Column:
    """A column of a matrix that has thresholds: a number, or a part of a moment."""

    name: str
    type: str
    part: Part | None = None

    @property
    def title(self) -> str:
        """Its name: the input's, and the part of it."""
        return self.name if self.part is None else f"{self.name}:{self.part}"

    def around(self, place: float, base: Raw, *, single: bool) -> list[Raw]:
        """The values of a row that stand on either side of this place, rising.

        `base` is the row's value now: of a moment only the part changes. `single`: columns are
        rounded to single precision, so a threshold lies halfway between two of its numbers.
        """
        if self.part is not None:
            return list(_moments(self, math.floor(place), base))
        if self.type == "number":
            return list(_floats(place, single=single))
        return list(_integers(place)) if self.type == "integer" else []


def columns_of(encoding: tuple[Feature, ...]) -> list[Column | None]:
    """By column of the matrix; None where only listed values exist, which are asked one by one."""
    found: list[Column | None] = []
    for feature in encoding:
        match feature:
            case Number():
                found.append(Column(feature.name, feature.type))
            case Moment():
                found += [Column(feature.name, feature.type, part) for part in feature.parts]
            case _:
                found += [None] * len(feature.reads())
    return found


def _floats(place: float, *, single: bool) -> Iterator[float]:
    values = [place]
    if single:
        after = _next_single(place)
        values = [place, (place + after) / 2, after]
    middle = values[len(values) // 2]
    near = {*values, math.nextafter(middle, -MOST), math.nextafter(middle, MOST)}
    yield from sorted(value for value in near if abs(value) < MOST)


def _next_single(value: float) -> float:
    """The number in single precision that follows one."""
    if value == 0.0:
        return _LEAST_SINGLE
    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    after: float
    (after,) = struct.unpack("<f", struct.pack("<i", bits + (1 if value > 0.0 else -1)))
    return after


def _integers(place: float) -> Iterator[int]:
    if abs(place) < _WHOLE:
        whole = math.floor(place)
        near = [whole - 1, whole, whole + 1] if whole == place else [whole, whole + 1]
    else:
        near = [int(value) for value in _floats(place, single=False)]
    yield from (value for value in near if value in _INT64)


def _moments(column: Column, place: int, base: Raw) -> Iterator[Raw]:
    moment = base if isinstance(base, dt.datetime) else _NOON
    if isinstance(base, dt.date) and not isinstance(base, dt.datetime):
        moment = dt.datetime.combine(base, dt.time())
    try:
        found = list(_instants(column.part, place, moment))
    except (OverflowError, ValueError):
        return
    for instant in found:
        yield instant.date() if column.type == "date" else instant


def _instants(part: Part | None, place: int, moment: dt.datetime) -> Iterator[dt.datetime]:
    """The last instant of a part's value, and the first of the next."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match part:
        case "day":
            after = _EPOCH + dt.timedelta(days=place + 1)
            yield from (after - _LAST, after)
        case "minute" if 0 <= place + 1 < _MINUTES_A_DAY:
            after = day + dt.timedelta(minutes=place + 1)
            yield from (after - _LAST, after)
        case "hour" if 0 <= place + 1 < _HOURS_A_DAY:
            after = day + dt.timedelta(hours=place + 1)
            yield from (after - _LAST, after)
        case "day_of_month" if 0 < place < _DAYS_A_MONTH:
            yield from (moment.replace(month=1, day=place), moment.replace(month=1, day=place + 1))
        case "day_of_year" if 0 < place < 365 + calendar.isleap(moment.year):
            first = moment.replace(month=1, day=1)
            yield from (first + dt.timedelta(days=place - 1), first + dt.timedelta(days=place))
        case _:
            return
