"""Values of a row: as a frame has them, and as JSON has them."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from model_refresh.scorer.formula.formula import Input, InputType
from model_refresh.scorer.golden import Value

Raw = bool | int | float | str | dt.date | None
"""A value of a frame; timestamps are without a zone, in UTC."""
RawRow = Mapping[str, Raw]

_TYPES: dict[InputType, pl.DataType] = {
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
}


def raw_rows(rows: pl.DataFrame, inputs: Sequence[Input]) -> list[RawRow]:
    """The rows of a frame by input; what is no number is null."""
    columns = [[_raw(value, each.type) for value in rows[each.name]] for each in inputs]
    names = [each.name for each in inputs]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def table_of(rows: Sequence[RawRow], inputs: Sequence[Input]) -> pl.DataFrame:
    """Such rows as a table that an encoder takes."""
    return pl.DataFrame(
        {each.name: [row[each.name] for row in rows] for each in inputs},
        schema={each.name: _TYPES[each.type] for each in inputs},
    )


def json_row(row: RawRow) -> dict[str, Value]:
    """The row as JSON has it: moments are ISO text."""
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in row.items()
    }


def _raw(value: object, type: InputType) -> Raw:
    """The value in the type that its input is declared as."""
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
        return moment.date() if type == "date" else moment
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bool | str | dt.date):
        return value
    if isinstance(value, int):
        return float(value) if type == "number" else value
    return None
