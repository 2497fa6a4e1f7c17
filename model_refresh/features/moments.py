"""The parts of a date or timestamp, whole numbers all.

Polars divides a row by another rounding alone than among others, so nothing is divided.
"""

import polars as pl

from model_refresh.features.kinds import MomentFeature
from model_refresh.features.matrix import Part
from model_refresh.records.encoding import DatePart

_OF_TIMESTAMPS = ("minute", "hour")
_DAYS_A_WEEK = 7
_MONTHS_A_YEAR = 12


def moment_parts(feature: MomentFeature) -> list[Part]:
    """The columns of a moment; weekday and month are categories, the others numbers.

    The day is named like the column, the others `NAME:PART`.
    """
    instant = pl.col(feature.name).cast(pl.Datetime("us"))
    return [_part(feature.name, instant, part) for part in parts_of(feature)]


def parts_of(feature: MomentFeature) -> tuple[DatePart, ...]:
    """Those of its parts that its type has."""
    timed = feature.type == "timestamp"
    return tuple(part for part in feature.parts if timed or part not in _OF_TIMESTAMPS)


def _part(name: str, instant: pl.Expr, part: DatePart) -> Part:
    hour = instant.dt.hour().cast(pl.Int32)
    values: dict[DatePart, pl.Expr] = {
        "day": instant.dt.date().cast(pl.Int32),
        "weekday": instant.dt.weekday(),
        "minute": hour * 60 + instant.dt.minute(),
        "hour": hour,
        "month": instant.dt.month(),
        "day_of_month": instant.dt.day(),
        "day_of_year": instant.dt.ordinal_day(),
    }
    codes = {"weekday": _DAYS_A_WEEK + 1, "month": _MONTHS_A_YEAR + 1}.get(part, 0)
    title = name if part == "day" else f"{name}:{part}"
    return Part(title, values[part].cast(pl.Float64), categories=codes)
