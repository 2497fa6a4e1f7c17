"""A model's realised and promised metric as two small lines, in as few bytes as tell it.

A thousand of them stand on one page, so they are drawn by hand: whole coordinates, no axis. The
numbers stand beside each in words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model_refresh.records import FleetPoint

WIDTH, HEIGHT = 96, 24
MOST_POINTS = 16
_PADDING = 3


@dataclass(frozen=True)
class Sparkline:
    """Paths in a box of WIDTH by HEIGHT; `end` is the place of the newest realised value."""

    realised: str
    promised: str
    end: tuple[int, int]


def sparkline(points: Sequence[FleetPoint]) -> Sparkline | None:
    """The newest points on one scale; None where fewer than two are finite."""
    shown = [each for each in points if math.isfinite(each.realised)][-MOST_POINTS:]
    if len(shown) < 2:
        return None
    promised = [_finite(each.promised) for each in shown]
    values = [each.realised for each in shown] + [each for each in promised if each is not None]
    low, high = min(values), max(values)

    def at(place: int, value: float) -> tuple[int, int]:
        x = round(_PADDING + place * (WIDTH - 2 * _PADDING) / (len(shown) - 1))
        share = 0.5 if high == low else (value - low) / (high - low)
        return x, round(HEIGHT - _PADDING - share * (HEIGHT - 2 * _PADDING))

    realised = [at(place, each.realised) for place, each in enumerate(shown)]
    kept = [at(place, each) for place, each in enumerate(promised) if each is not None]
    return Sparkline(_path(realised), _path(kept) if len(kept) > 1 else "", realised[-1])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _path(places: Sequence[tuple[int, int]]) -> str:
    return "M" + " ".join(f"{x} {y}" for x, y in places)
