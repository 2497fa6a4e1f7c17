"""What JSON is made of, before it has types: numbers are kept as they are written."""

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from model_refresh.scorer.formula.formula import InputType
from model_refresh.scorer.http.problems import shown

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_DIGITS = 19
"""Of the largest integer."""

_SHOWN = 32


class Number(str):
    """A number as it is written; also NaN and Infinity, which JSON does not know."""

    __slots__ = ()


class Pairs(list[tuple[str, "Token"]]):
    """An object, its names in order and as often as they are given."""


Token = None | bool | str | Number | list["Token"] | Pairs


Moment = TypeVar("Moment", dt.date, dt.datetime)


class Unfit(Exception):
    """A value that a field does not take; the text says what it takes instead."""


def number(text: str) -> Number:
    """Keep a number as it is written."""
    return Number(text)


def read_token(token: Token, kind: InputType) -> object:
    """The value that a field of this type takes; None for null. Raises Unfit."""
    return None if token is None else _READERS[kind](token)


def describe(token: Token) -> str:
    """What a value is, for whoever sent it."""
    match token:
        case Pairs():
            return "an object"
        case list():
            return "an array"
        case Number():
            return f"the number {_cut(token)}"
        case str():
            return f"the text {shown(token)}"
        case _:
            return "null" if token is None else str(token).lower()


def _cut(token: Number) -> str:
    return token if len(token) <= _SHOWN else f"{token[:_SHOWN]}..."


def _boolean(token: Token) -> bool:
    if isinstance(token, bool):
        return token
    raise Unfit(f"true, false or null is accepted, not {describe(token)}")


def _integer(token: Token) -> int:
    """A whole number that 64 bits hold; 7.0 and 7e0 are whole, as in JSON Schema."""
    accepted = "a whole number or null is accepted"
    if not isinstance(token, Number):
        raise Unfit(f"{accepted}, not {describe(token)}")
    try:
        exact = Decimal(token)
    except InvalidOperation:
        raise Unfit(f"{accepted}, not {describe(token)}") from None
    if not exact.is_finite():
        raise Unfit(f"{accepted}, and JSON has no {token}")
    if not exact:
        return 0
    whole = int(exact) if exact.adjusted() < _DIGITS else None
    if whole is None or not _LOWEST <= whole <= _HIGHEST:
        raise Unfit(f"{accepted} from {_LOWEST} to {_HIGHEST}, not {describe(token)}")
    if Decimal(whole) != exact:
        raise Unfit(f"{accepted}, not {describe(token)}")
    return whole


def _number(token: Token) -> float:
    accepted = "a number or null is accepted"
    if not isinstance(token, Number):
        raise Unfit(f"{accepted}, not {describe(token)}")
    value = float(token)
    if math.isfinite(value):
        return value
    if token[-1].isdigit():
        raise Unfit(f"{accepted} that a double holds, not {describe(token)}")
    raise Unfit(f"{accepted}, and JSON has no {token}: give null where a value is missing")


def _text(token: Token) -> str:
    if not isinstance(token, str) or isinstance(token, Number):
        raise Unfit(f"a text or null is accepted, not {describe(token)}")
    try:
        token.encode()
    except UnicodeEncodeError:
        raise Unfit("the text has half of a surrogate pair, which is no character") from None
    return token


def _date(token: Token) -> dt.date:
    return _moment(token, dt.date, "a date such as 2026-03-02")


def _timestamp(token: Token) -> dt.datetime:
    accepted = "a timestamp such as 2026-03-02T12:30:00Z"
    found = _moment(token, dt.datetime, accepted)
    try:
        return found if found.tzinfo is None else found.astimezone(dt.UTC)
    except OverflowError:
        told = f"{accepted} is accepted, within the years 1 to 9999 in UTC, not {describe(token)}"
        raise Unfit(told) from None


def _moment(token: Token, kind: type[Moment], accepted: str) -> Moment:
    if not isinstance(token, str) or isinstance(token, Number):
        raise Unfit(f"{accepted} or null is accepted, not {describe(token)}")
    try:
        return msgspec.convert(token, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise Unfit(f"{accepted} or null is accepted, not {describe(token)}") from None


_READERS: dict[InputType, Callable[[Token], object]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "text": _text,
    "date": _date,
    "timestamp": _timestamp,
}
