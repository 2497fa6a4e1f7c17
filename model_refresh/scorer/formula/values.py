"""Reading numbers and categories of a row."""

from collections.abc import Callable, Iterable, Mapping
from math import inf, isinf, isnan, nan

from model_refresh.scorer.formula.errors import RefusedValue

Row = Mapping[str, object]
"""Raw values by input: None, bool, int, float, str; dates and timestamps as ISO text or objects."""

Read = Callable[[object], float]
"""A raw value -> one column of it."""

_NUMBERS = (int, float)
_SHOWN = 64


def as_number(name: str, value: object) -> float:
    """The value as a float, the nearest one of a large integer; NaN for null.

    Raises RefusedValue for another type, and for what no finite float stands for.
    """
    if value is None:
        return nan
    if not isinstance(value, _NUMBERS):
        raise RefusedValue(name, f"{shown(value)} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = inf
    if isinf(number):
        raise RefusedValue(name, "an infinite number can't be scored: give null or a finite one")
    return number


def blank_of(name: str) -> Read:
    """1 where a number is missing, else 0."""
    return lambda value: 1.0 if isnan(as_number(name, value)) else 0.0


def place_of(
    name: str, type: str, found: Mapping[str, float], *, missing: float, other: float
) -> Read:
    """What is found at a category of this type; its text, where it is a number, says which.

    A plain look-up where the value is there; a number's text stands for its value, so that 7 and
    7.0 are the same.
    """
    match type:
        case "text":
            return _Texts(name, found.items(), missing=missing, other=other).__getitem__
        case "boolean":
            return _boolean(name, found, missing=missing, other=other)
        case _:
            by_value = ((float(text), place) for text, place in found.items())
            return _Numbers(name, by_value, missing=missing, other=other).__getitem__


def shown(value: object) -> str:
    """The value as it is shown to whoever gave it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class _Places(dict[object, float]):
    """Places by value; what isn't there is looked at again, and found by `__missing__`."""

    def __init__(
        self, name: str, found: Iterable[tuple[object, float]], *, missing: float, other: float
    ) -> None:
        super().__init__(found)
        self[None] = missing
        self._name, self._other = name, other


class _Texts(_Places):
    def __missing__(self, value: object) -> float:
        if isinstance(value, str):
            return self._other
        raise RefusedValue(self._name, f"{shown(value)} is no text")


class _Numbers(_Places):
    def __missing__(self, value: object) -> float:
        number = as_number(self._name, value)
        return self[None] if isnan(number) else self.get(number, self._other)


def _boolean(name: str, found: Mapping[str, float], *, missing: float, other: float) -> Read:
    true, false = found.get("true", other), found.get("false", other)

    def read(value: object) -> float:
        if value is True:
            return true
        if value is False:
            return false
        if value is None:
            return missing
        raise RefusedValue(name, f"{shown(value)} is no boolean")

    return read
