"""What a page is made of: sections of sentences, tables and figures; text is never markup."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from model_refresh.records import Interval

Tone = Literal["", "good", "bad", "open", "muted", "strong"]


@dataclass(frozen=True)
class Mark:
    """An interval on a line with zero at 50; places in percent of its width."""

    low: float
    middle: float
    high: float
    tone: Tone


@dataclass(frozen=True)
class Cell:
    """One cell: text with a second line below, a mark, or a bar in percent of the cell's width."""

    text: str = ""
    tone: Tone = ""
    below: str = ""
    code: bool = False
    mark: Mark | None = None
    bar: float | None = None


@dataclass(frozen=True)
class Head:
    """A column's title; numbers stand at the right, prose has room to be read in."""

    text: str
    kind: Literal["text", "number", "drawing", "prose", "exact"] = "text"


@dataclass(frozen=True)
class Table:
    """Rows below heads; a row's first cell is its name."""

    kind: ClassVar[str] = "table"
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    dense: bool = False


@dataclass(frozen=True)
class Words:
    """A sentence; `warning` asks for attention."""

    kind: ClassVar[str] = "words"
    text: str
    tone: Literal["", "warning", "muted"] = ""


@dataclass(frozen=True)
class Figure:
    """A drawing with its title; `svg` is markup that `drawing` made."""

    title: str
    svg: str = field(repr=False)


@dataclass(frozen=True)
class Figures:
    """Figures beside each other where the page is wide."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


Block = Table | Words | Figures


@dataclass(frozen=True)
class Section:
    """One part of a page; `name` is its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def heads(
    *texts: str,
    numbers: Iterable[str] = (),
    drawings: Iterable[str] = (),
    prose: Iterable[str] = (),
    exact: Iterable[str] = (),
) -> tuple[Head, ...]:
    """Columns by their titles; `exact` is text that is never broken, such as a date."""
    kinds: dict[str, Literal["number", "drawing", "prose", "exact"]] = {
        **dict.fromkeys(numbers, "number"),
        **dict.fromkeys(drawings, "drawing"),
        **dict.fromkeys(prose, "prose"),
        **dict.fromkeys(exact, "exact"),
    }
    return tuple(Head(text, kinds.get(text, "text")) for text in texts)


def marks(intervals: Sequence[Interval | None]) -> list[Mark | None]:
    """Intervals on one common line with zero in its middle; None where a bound is not finite.

    Green where all of it is above 0, red where all is below.
    """
    known = [each for each in intervals if each is not None and _is_drawn(each)]
    far = max([abs(end) for each in known for end in (each.lower, each.upper)], default=0.0) or 1.0

    def at(value: float) -> float:
        return round(50 + 47 * value / far, 2)

    return [
        Mark(at(each.lower), at(each.estimate), at(each.upper), tone_of(each))
        if each is not None and _is_drawn(each)
        else None
        for each in intervals
    ]


def tone_of(interval: Interval | None) -> Tone:
    """Good where an interval is above 0, bad where it is below, open in between."""
    if interval is None or not _is_drawn(interval):
        return ""
    if interval.lower > 0:
        return "good"
    return "bad" if interval.upper < 0 else "open"


def _is_drawn(interval: Interval) -> bool:
    return all(map(math.isfinite, (interval.lower, interval.estimate, interval.upper)))
