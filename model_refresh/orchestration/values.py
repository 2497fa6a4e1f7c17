"""The one sanitizer of metadata: what Dagster can keep, and its page can show.

A NumPy float fails where it is kept, after training; NaN inside a table breaks the page.
"""

import math
import numbers
from collections.abc import Iterable, Mapping

import dagster as dg

Metadata = dict[str, dg.MetadataValue]
Cell = str | int | float | bool | None


def number(value: float) -> dg.MetadataValue:
    """A plain float; what isn't finite is told as text, which no plot trips over."""
    plain = float(value)
    return (
        dg.MetadataValue.float(plain) if math.isfinite(plain) else dg.MetadataValue.text(str(plain))
    )


def metrics(values: Mapping[str, float]) -> Metadata:
    """Metrics under the same labels on every asset, so that the page plots them over time."""
    return {name: number(value) for name, value in values.items()}


def table(rows: Iterable[Mapping[str, object]]) -> dg.MetadataValue:
    """A table of texts and numbers. Rows may lack columns, which are then empty, as None is."""
    plain = [{name: _cell(value) for name, value in row.items()} for row in rows]
    if not plain:
        return dg.MetadataValue.text("none")
    names = list(dict.fromkeys(name for row in plain for name in row))
    records = [dg.TableRecord({name: row.get(name) for name in names}) for row in plain]
    columns = [dg.TableColumn(name, _type_of(row.get(name) for row in plain)) for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _cell(value: object) -> Cell:
    """What Dagster can keep and its page can show: NumPy's numbers as Python's, NaN as text."""
    match value:
        case None | bool() | str():
            return value
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return round(float(value), 6) if math.isfinite(value) else str(float(value))
    return str(value)


def _type_of(cells: Iterable[Cell]) -> str:
    """The narrowest type that all cells of a column have."""
    kinds = {type(cell) for cell in cells if cell is not None}
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float")):
        if kinds == {kind}:
            return name
    return "float" if kinds == {int, float} else "string"
