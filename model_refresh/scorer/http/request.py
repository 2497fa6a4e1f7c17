"""The rows of a request, as strictly as the formula's inputs say, and fast where all is well.

Every input must be named, none other may be, none twice, and each value has its own JSON type or is
null. `Intake` decodes with msgspec; whatever isn't plainly right goes to `strict`, which is slower,
accepts the same and tells every mistake by its field.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from model_refresh.scorer.formula.formula import Input, InputType
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.strict import read_row, read_rows

_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]

_TYPES: dict[InputType, object] = {
    "boolean": bool | None,
    "integer": _Integer | None,
    "number": float | None,
    "text": str | None,
    "date": dt.date | None,
    "timestamp": dt.datetime | None,
}
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TIME_COLONS = 2
"""A timestamp has at least two: 12:30:00."""


class Intake:
    """What a formula takes: bodies in, rows out."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._inputs = tuple(inputs)
        fields = {each.name: _field(each) for each in inputs}
        row_type = _dict_of("Row", fields)
        self._row = msgspec.json.Decoder(row_type)
        self._rows = msgspec.json.Decoder(_dict_of("Batch", {"rows": list[row_type]}))  # type: ignore[valid-type]
        self._is_countable = not any(":" in each.name for each in inputs)
        self._texts = [each.name for each in inputs if each.type == "text"]
        self._times = [each.name for each in inputs if each.type == "timestamp"]

    def row(self, body: bytes) -> Row:
        """The one row of a body; raises Refused naming each field that is wrong."""
        try:
            row: Row = self._row.decode(body)
        except _NOT_PLAIN:
            return read_row(body, self._inputs)
        if not self._is_countable or body.count(b":") != self._colons([row], body):
            return read_row(body, self._inputs)
        return row

    def rows(self, body: bytes, most: int) -> Sequence[Row]:
        """The rows of a batch `{"rows": [...]}`; raises Refused as `row` does."""
        try:
            rows: list[Row] = self._rows.decode(body)["rows"]
        except _NOT_PLAIN:
            return read_rows(body, self._inputs, most)
        counted = 1 + self._colons(rows, body)
        if len(rows) > most or not self._is_countable or body.count(b":") != counted:
            return read_rows(body, self._inputs, most)
        return rows

    def _colons(self, rows: Sequence[Row], body: bytes) -> int:
        """As many colons as their pairs and values have at least.

        The body having no more of them proves that it has no pair beyond those of `rows`: no key
        twice, and none that is unknown. That is quicker than looking at every key.
        """
        if b"\\" in body:  # an escaped colon would be counted here, and not in the body
            return sum(map(len, rows))
        return sum(map(self._colons_of, rows))

    def _colons_of(self, row: Row) -> int:
        counted = len(row)
        for name in self._texts:
            value = row.get(name)
            counted += value.count(":") if isinstance(value, str) else 0
        for name in self._times:
            counted += _TIME_COLONS if row.get(name) is not None else 0
        return counted


def _dict_of(name: str, fields: dict[str, object]) -> type[dict[str, Any]]:
    """The type of a dict whose keys are data."""
    made: Callable[[str, dict[str, object]], type[dict[str, Any]]] = TypedDict  # type: ignore[assignment]
    return made(name, fields)


def _field(each: Input) -> object:
    accepted = _TYPES[each.type]
    return accepted if each.used else NotRequired[accepted]
