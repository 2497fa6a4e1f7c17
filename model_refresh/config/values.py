"""The kinds of value in a declaration that are more than a number or a word."""

import datetime as dt
import re
import unicodedata
import zoneinfo
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from model_refresh.config.cron import parse_cron

_UNITS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
_DURATION = r"^[0-9]{1,7}[mhd]$"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:00)?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
)
_OWNER = r"^(team:\S+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7})$"
_LONGEST = dt.timedelta(days=3660)
_FIRST, _LAST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1700, 2200))
"""Sums of what is declared stay far within the years that a date can have, 1 to 9999."""
_RESERVED = ("fleet",)
"""No model's name: Dagster's page shows the asset `fleet/overview` and its group."""


def parse_duration(value: object) -> dt.timedelta:
    """`28d`, `12h` or `30m` as a length of time; raises ValueError for anything else."""
    if isinstance(value, dt.timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value):
        raise ValueError(
            f"{value!r} is no duration; accepted: a whole number and m, h or d, such as 28d"
            " (months differ in length: give days)"
        )
    return int(value[:-1]) * _UNITS[value[-1]]


def format_duration(value: dt.timedelta) -> str:
    """The shortest text that `parse_duration` reads as this length."""
    unit = next((u for u in ("d", "h", "m") if not value % _UNITS[u]), "m")
    return f"{value // _UNITS[unit]}{unit}"


def parse_instant(value: object) -> dt.datetime:
    """`1997-03-03` or an ISO instant with zone, in UTC; raises ValueError for anything else."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC)
    if not isinstance(value, str) or not re.fullmatch(_INSTANT, value):
        raise ValueError(
            f"{value!r} is no instant; accepted: a date such as 1997-03-03 (midnight UTC), or an "
            "ISO instant with zone such as 1997-03-03T06:00Z"
        )
    try:
        instant = dt.datetime.fromisoformat(value)
        return (instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError(f"{value!r} is no instant: {error}") from None


def format_instant(value: dt.datetime) -> str:
    """A date where it is midnight, else an ISO instant."""
    return f"{value.date()}" if value.time() == dt.time() else f"{value.date()}T{value:%H:%M}Z"


def _not_too_long(value: dt.timedelta) -> dt.timedelta:
    if not dt.timedelta(0) <= value <= _LONGEST:
        raise ValueError(f"{value} is out of range; accepted: 0d to {format_duration(_LONGEST)}")
    return value


def _in_our_times(value: dt.datetime) -> dt.datetime:
    if not _FIRST <= value <= _LAST:
        raise ValueError(
            f"{format_instant(value)} is out of range; accepted: {format_instant(_FIRST)} to "
            f"{format_instant(_LAST)}"
        )
    return value


def _above_zero(value: dt.timedelta) -> dt.timedelta:
    if not value:
        raise ValueError("0d is not accepted: give a length above 0, such as 28d")
    return value


def _not_reserved(value: str) -> str:
    if value in _RESERVED:
        raise ValueError(f"{value!r} is the name of what belongs to all models: choose another")
    return value


def _column_name(value: str) -> str:
    name = unicodedata.normalize("NFC", value)
    if not name or name != name.strip():
        raise ValueError(f"{value!r} is no column name: it is empty or has blanks at its ends")
    odd = [char for char in name if unicodedata.category(char).startswith("C")]
    if odd:
        raise ValueError(f"a column name has the unprintable character {odd[0]!r}")
    return name


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{value!r} is no time zone; accepted: an IANA name such as UTC or Europe/Berlin"
        ) from None
    return value


def _cron(value: str) -> str:
    parse_cron(value)
    return value


def _one_or_more(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return names


def _missing(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if value not in ("error", "drop"):
        raise ValueError(f"{value!r} is not accepted; accepted: error, drop, or a number")
    return value


def _text_schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


AnyDuration = Annotated[
    dt.timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    _text_schema(_DURATION, "28d"),
]
Duration = Annotated[AnyDuration, AfterValidator(_not_too_long)]
"""A length of time, 0 included."""

PositiveDuration = Annotated[Duration, AfterValidator(_above_zero)]
"""A length of time above 0."""

Instant = Annotated[
    dt.datetime,
    BeforeValidator(parse_instant),
    AfterValidator(_in_our_times),
    PlainSerializer(format_instant, return_type=str),
    _text_schema(_INSTANT, "1997-03-03"),
]
"""An instant in UTC, from 1700 to 2200; a date alone is its midnight."""

ColumnName = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_column_name)
]
"""A column's name, in Unicode's normal form C (F29)."""

Columns = Annotated[tuple[ColumnName, ...], AfterValidator(_distinct), Field(max_length=10_000)]
"""Names of columns, each once."""

Key = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_one_or_more),
    AfterValidator(_distinct),
    Field(min_length=1, max_length=16),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 255},
                {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": 255},
                    "minItems": 1,
                    "maxItems": 16,
                    "uniqueItems": True,
                },
            ]
        }
    ),
]
"""One column or several."""

Missing = Annotated[
    Literal["error", "drop"] | float,
    PlainValidator(_missing),
    WithJsonSchema({"anyOf": [{"enum": ["error", "drop"]}, {"type": "number"}]}),
]
"""What becomes of a key without a label row."""

ModelName = Annotated[
    str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$"), AfterValidator(_not_reserved)
]
Owner = Annotated[str, Field(strict=True, max_length=255, pattern=_OWNER)]
FileName = Annotated[str, Field(strict=True, min_length=1, max_length=1024)]
Zone = Annotated[str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_zone)]
CronLine = Annotated[str, Field(strict=True, max_length=255), AfterValidator(_cron)]
