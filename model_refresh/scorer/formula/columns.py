"""From a row to the columns that a form reads, as fast as Python goes."""

from array import array
from collections.abc import Callable, Sequence
from math import isfinite, isinf, nan
from operator import itemgetter
from typing import Any

from model_refresh.scorer.formula.encoding import Feature, Moment
from model_refresh.scorer.formula.errors import RefusedValue
from model_refresh.scorer.formula.moments import ReadParts
from model_refresh.scorer.formula.values import Read, Row, as_number

Columns = Callable[[Row], Sequence[float]]


def columns_of(encoding: Sequence[Feature]) -> Columns:
    """What makes the columns of a row, as doubles side by side: an `array` that has an address.

    It raises RefusedValue where a value is missing from the row, of another type, or infinite. All
    values are taken out at once, and numbers stay as they are: only other columns cost a call.
    """
    names = owners(encoding)
    take, alone, together = _taker(names), _alone(encoding), _together(encoding)

    def columns(row: Row) -> Sequence[float]:
        try:
            values = take(row)
        except KeyError as error:
            raise left_out(error) from None
        for place, read in alone:
            values[place] = read(values[place])
        for start, end, parts in together:
            values[start:end] = parts(values[start])
        try:
            made = array("d", values)
        except (TypeError, OverflowError):
            made = _with_blanks(names, values)
        if not isfinite(sum(made)) and any(map(isinf, made)):
            _numbers(names, made)
        return made

    return columns


def owners(encoding: Sequence[Feature]) -> list[str]:
    """By column the input that it is of."""
    return [feature.name for feature in encoding for _ in range(width(feature))]


def width(feature: Feature) -> int:
    """How many columns it becomes."""
    return len(feature.parts if isinstance(feature, Moment) else feature.reads())


def left_out(error: KeyError) -> RefusedValue:
    """What is said where a row has no such name."""
    return RefusedValue(str(error.args[0]), "is missing: give it, or null")


def _alone(encoding: Sequence[Feature]) -> list[tuple[int, Read]]:
    """The columns that cost a call each, by place."""
    found, place = [], 0
    for feature in encoding:
        if not isinstance(feature, Moment):
            reads = enumerate(feature.reads(), start=place)
            found += [(at, read) for at, read in reads if read is not None]
        place += width(feature)
    return found


def _together(encoding: Sequence[Feature]) -> list[tuple[int, int, ReadParts]]:
    """The columns of one value that are read at once, from place to place."""
    found, place = [], 0
    for feature in encoding:
        end = place + width(feature)
        if isinstance(feature, Moment) and feature.parts:
            found.append((place, end, feature.reads_parts()))
        place = end
    return found


def _taker(names: list[str]) -> Callable[[Row], list[Any]]:
    if len(names) < 2:
        return lambda row: [row[name] for name in names]
    take = itemgetter(*names)
    return lambda row: list(take(row))


def _with_blanks(names: list[str], values: list[Any]) -> "array[float]":
    """Values of which some are null, or one is refused."""
    given = [nan if value is None else value for value in values]
    try:
        return array("d", given)
    except (TypeError, OverflowError):
        return _numbers(names, given)


def _numbers(names: list[str], values: Sequence[object]) -> "array[float]":
    """Values one by one, to name the one that is refused."""
    return array("d", [as_number(*each) for each in zip(names, values, strict=True)])
