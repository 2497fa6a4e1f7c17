"""Predicted against actual, as a picture of some kilobytes: events are kept for ever.

Each point is a tenth of the holdout rows by prediction: the mean that was predicted, and the mean
of what happened with its bounds. What happens is what was predicted on the dashed diagonal.
"""

import base64
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from model_refresh.records import Comparison, ReliabilityBin

_SIZE, _LEFT, _TOP = 320, 52, 12
_LOW, _FAR = _SIZE - 40, _SIZE - 12
_COLOURS = {"challenger": "#1a6fb5", "incumbent": "#c45a16"}
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 5
_DIAGONAL = f'<path d="M{_LEFT} {_LOW}L{_FAR} {_TOP}" stroke="#999" stroke-dasharray="4 4"/>'

Bins = tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class _Scale:
    """Both axes: from `low` on, `step` from line to line."""

    low: float
    high: float
    step: float

    def across(self, value: float) -> float:
        return _LEFT + self._share(value) * (_FAR - _LEFT)

    def up(self, value: float) -> float:
        return _LOW - self._share(value) * (_LOW - _TOP)

    def ticks(self) -> Iterator[float]:
        count = round((self.high - self.low) / self.step)
        yield from (self.low + i * self.step for i in range(count + 1))

    def _share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


def reliability_picture(comparison: Comparison) -> str | None:
    """Markdown with the picture; None where the comparison has no reliability curve."""
    sides = {who: _drawn(curve.reliability) for who, curve in comparison.curves.items()}
    known = {who: sides[who] for who in _COLOURS if sides.get(who)}
    scale = _scale(known)
    if scale is None:
        return None
    share = comparison.task != "regression"
    parts = [_frame(), *(_grid(scale, tick, share) for tick in scale.ticks()), _DIAGONAL]
    parts += [_side(scale, *each, place=i) for i, each in enumerate(known.items())]
    svg = "".join([*parts, "</svg>"]).encode()
    text = base64.b64encode(svg).decode()
    return f"![predicted against actual](data:image/svg+xml;base64,{text})"


def _drawn(bins: Bins) -> Bins:
    return tuple(b for b in bins if math.isfinite(b.predicted) and math.isfinite(b.actual))


def _scale(sides: Mapping[str, Bins]) -> _Scale | None:
    values = [v for bins in sides.values() for b in bins for v in _extent(b) if math.isfinite(v)]
    if not values:
        return None
    low, high = min(values), max(values)
    width = high - low
    if not (math.isfinite(width) and width > abs(high) * 1e-9):
        low, width = low - (abs(low) or 1.0) / 2, abs(low) or 1.0
        high = low + width
    if not math.isfinite(high) or width < 1e-290:
        return None
    rough = width / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next((s * magnitude for s in _STEPS if s * magnitude >= rough), 10 * magnitude)
    return _Scale(math.floor(low / step) * step, math.ceil(high / step) * step, step)


def _extent(each: ReliabilityBin) -> Iterable[float]:
    return each.predicted, each.actual, each.lower, each.upper


def _frame() -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" '
        f'height="{_SIZE}" font-family="sans-serif" font-size="10" fill="#333">'
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="#fff"/>'
        f'<text x="{_FAR}" y="{_SIZE - 6}" text-anchor="end">predicted</text>'
        f'<text transform="translate(11 {_TOP}) rotate(-90)" text-anchor="end">actual</text>'
    )


def _grid(scale: _Scale, tick: float, share: bool) -> str:
    x, y = scale.across(tick), scale.up(tick)
    text = _written(tick, scale.step, share)
    return (
        f'<path d="M{x:.1f} {_TOP}V{_LOW}M{_LEFT} {y:.1f}H{_FAR}" stroke="#e6e6e6"/>'
        f'<text x="{x:.1f}" y="{_LOW + 14}" text-anchor="middle">{text}</text>'
        f'<text x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{text}</text>'
    )


def _written(tick: float, step: float, share: bool) -> str:
    value, step = (100 * tick, 100 * step) if share else (tick, step)
    if abs(value) >= 1e5 or step < 1e-4:
        text = f"{value:.2g}"
    else:
        text = f"{value:,.{_places(step)}f}"
    return f"{text}%" if share else text


def _places(step: float) -> int:
    """The decimals that tell multiples of `step` apart."""
    return next(
        n for n in range(8) if abs(step * 10**n - round(step * 10**n)) < 1e-6 * 10**n * step
    )


def _side(scale: _Scale, who: str, bins: Bins, *, place: int) -> str:
    colour = _COLOURS[who]
    points = [(scale.across(b.predicted), scale.up(b.actual)) for b in bins]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    bars = "".join(
        f"M{x:.1f} {scale.up(b.lower):.1f}V{scale.up(b.upper):.1f}"
        for b, (x, _) in zip(bins, points, strict=True)
        if math.isfinite(b.lower) and math.isfinite(b.upper)
    )
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
    y = _TOP + 14 + 15 * place
    key = (
        f'<path d="M{_LEFT + 8} {y - 3}h18" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{_LEFT + 31}" y="{y}">{who}</text>'
    )
    return (
        f'<g fill="none" stroke="{colour}"><path d="{bars}" stroke-opacity="0.5"/>'
        f'<path d="M{line}" stroke-width="2"/>'
        f'<path d="{dots}" stroke-width="6" stroke-linecap="round"/></g>{key}'
    )
