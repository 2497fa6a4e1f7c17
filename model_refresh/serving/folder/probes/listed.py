"""Probes of values that can be listed: categories, nulls, and what is legal and extreme."""

import datetime as dt
from collections.abc import Iterator, Sequence

from model_refresh.scorer.formula.formula import Formula, Input, InputType
from model_refresh.scorer.golden import Kind
from model_refresh.scorer.http.problems import cut
from model_refresh.serving.folder.probes.probe import Probe, Unit
from model_refresh.serving.folder.probes.raw import Raw, RawRow

_WEEK, _YEAR = 7, 12
_NOON = dt.datetime.fromisoformat("2000-01-01T12:00")
_EXTREMES: dict[InputType, tuple[Raw, ...]] = {
    "boolean": (False, True),
    "integer": (0, 1, -1, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)),
    "number": (
        0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-35, 0.1, -1.0,
        16777217.0, 3.4028235677973366e38, 1e308, -1e308, 1.7976931348623157e308,
        -1.7976931348623157e308,
    ),
    "text": (
        "", " ", "null", "NaN", "é", "e\u0301", "ß", "\N{SLIGHTLY SMILING FACE}", "שלום",
        "\u202eabc", "a\u2028b", "a\nb", "a\0b", "'\"\\{}", "x" * 1000,
    ),
    "date": (
        dt.date(1, 1, 1), dt.date(1900, 1, 1), dt.date(1969, 12, 31), dt.date(1970, 1, 1),
        dt.date(2000, 2, 29), dt.date(2200, 12, 31), dt.date(9999, 12, 31),
    ),
    "timestamp": tuple(
        dt.datetime.fromisoformat(text)
        for text in (
            "0001-01-01", "1900-01-01", "1969-12-31T23:59:59.999999", "1970-01-01",
            "2000-02-29T12:30", "2200-12-31T23:59", "9999-12-31T23:59:59.999999",
        )
    ),
}  # fmt: skip
"""Single precision ends at 3.4028235677973366e38 and is exact up to 16777216."""
_AWAY = dt.timezone(dt.timedelta(hours=5, minutes=45))


def category_probes(formula: Formula, rows: Sequence[RawRow]) -> list[list[Unit]]:
    """By input each category that was learned, and one that was not; each weekday and month."""
    groups: list[list[Unit]] = []
    for each in formula.inputs:
        learned, others = enumerate(_learned(each)), _unlearned(each)
        groups.append([[_probe("category", each, value, i % len(rows))] for i, value in learned])
        groups.append([[_probe("category", each, value, len(rows) // 2)] for value in others])
    moments = [each for each in formula.inputs if each.type in ("date", "timestamp") and each.used]
    return [*groups, *(_calendar(each, rows) for each in moments)]


def null_probes(formula: Formula, rows: Sequence[RawRow]) -> list[list[Unit]]:
    """Each input alone, and all at once."""
    alone = [
        [_probe("null", each, None, _known(rows, each.name, i))]
        for i, each in enumerate(formula.inputs)
    ]
    blank = {each.name: None for each in formula.inputs}
    return [[[Probe("null", "every value is null", 0, blank)], *alone]]


def extreme_probes(formula: Formula, rows: Sequence[RawRow]) -> list[list[Unit]]:
    """By input what its type allows at most and at least, and what is odd between."""
    groups: list[list[Unit]] = []
    for each in formula.inputs:
        values = _EXTREMES[each.type]
        units = [[_probe("extreme", each, value, i % len(rows))] for i, value in enumerate(values)]
        groups.append([*units, *_zoned(each, rows)])
    return groups


def _known(rows: Sequence[RawRow], name: str, start: int) -> int:
    """A row with a value of this input, from the one with number `start` on."""
    places = ((start + i) % len(rows) for i in range(len(rows)))
    return next((place for place in places if rows[place][name] is not None), 0)


def _probe(kind: Kind, about: Input, value: Raw, base: int) -> Probe:
    shown = repr(str(value) if isinstance(value, dt.date) else value)
    return Probe(kind, f"{about.name} is {cut(shown)}", base, {about.name: value})


def _learned(about: Input) -> list[Raw]:
    return [_parsed(text, about.type) for text in about.categories or ()]


def _parsed(text: str, type: InputType) -> Raw:
    """A category as a value of a row."""
    match type:
        case "boolean":
            return text == "true"
        case "integer":
            return min(max(int(float(text)), -(2**63)), 2**63 - 1)
        case "number":
            return float(text)
        case _:
            return text


def _unlearned(about: Input) -> list[Raw]:
    """Values that are no category of this input: one, or none where there is no other."""
    if about.categories is None:
        return []
    match about.type:
        case "boolean":
            return [value for value in (False, True) if value not in _learned(about)]
        case "integer" | "number":
            numbers = [float(text) for text in about.categories]
            beyond = max(numbers, default=0.0) + 1.0
            return [int(beyond) if about.type == "integer" else beyond + 0.5]
        case _:
            stranger = "never met"
            while stranger in about.categories:
                stranger += "!"
            return [stranger]


def _calendar(about: Input, rows: Sequence[RawRow]) -> list[Unit]:
    """Seven days, and the first of twelve months."""
    value = next((row[about.name] for row in rows if row[about.name] is not None), _NOON)
    day = value if isinstance(value, dt.datetime) else _NOON
    week = [day.replace(year=2000, month=3, day=1 + i) for i in range(_WEEK)]
    year = [day.replace(year=2001, month=1 + i, day=1) for i in range(_YEAR)]
    each = [moment if about.type == "timestamp" else moment.date() for moment in (*week, *year)]
    return [[_probe("category", about, moment, i % len(rows))] for i, moment in enumerate(each)]


def _zoned(about: Input, rows: Sequence[RawRow]) -> Iterator[Unit]:
    """A timestamp of which JSON's text names another zone than UTC."""
    if about.type == "timestamp":
        there = _NOON.replace(tzinfo=dt.UTC).astimezone(_AWAY).isoformat()
        note = f"{about.name} is written {there}"
        yield [Probe("extreme", note, len(rows) - 1, {about.name: _NOON}, ((about.name, there),))]
