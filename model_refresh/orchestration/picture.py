"""Predicted against actual, as a picture of about 2 kB: events are kept for ever.

The lines are those that recalibration fits on the holdout (Cox 1958): the log odds of the outcome
on the log odds that were predicted. Both axes are log odds, so that rare classes have room, and the
ideal is the diagonal.
"""

import base64
import math
from collections.abc import Mapping, Sequence

from model_refresh.records import Comparison, MetricComparison

SLOPE, INTERCEPT = "calibration_slope", "calibration_intercept"
_SIZE, _MARGIN = 300, 45
_TICKS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_FAR = 5.0
"""Log odds at the ends of both axes: 0.7% and 99.3%."""

_STYLES = {
    "challenger": 'stroke="#1a6fb5" stroke-width="2.5"',
    "incumbent": 'stroke="#c45a16" stroke-width="2.5" stroke-dasharray="6 4"',
}


def calibration_picture(comparison: Comparison) -> str | None:
    """Markdown with the picture; None where the comparison has no finite slope and intercept."""
    slope, intercept = (comparison.metrics.get(name) for name in (SLOPE, INTERCEPT))
    if slope is None or intercept is None:
        return None
    lines = _lines(slope, intercept)
    if not lines:
        return None
    svg = "".join(_drawing(lines)).encode()
    return (
        f"![predicted against actual](data:image/svg+xml;base64,{base64.b64encode(svg).decode()})"
    )


def _lines(
    slope: MetricComparison, intercept: MetricComparison
) -> Mapping[str, tuple[float, float]]:
    """Who -> slope and intercept, of whom both are finite."""
    found = {
        "challenger": (slope.challenger, intercept.challenger),
        "incumbent": (slope.incumbent, intercept.incumbent),
    }
    return {
        who: (steep, level)
        for who, (steep, level) in found.items()
        if steep is not None and level is not None and math.isfinite(steep + level)
    }


def _drawing(lines: Mapping[str, tuple[float, float]]) -> Sequence[str]:
    far = _SIZE - 10
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" width="{_SIZE}" '
        f'height="{_SIZE}" font-family="sans-serif" font-size="10" fill="#333">'
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="#fff"/>'
        f'<clipPath id="c"><rect x="{_MARGIN}" y="10" width="{far - _MARGIN}" '
        f'height="{far - _MARGIN}"/></clipPath>'
    )
    sides = [_side(i, who, line) for i, (who, line) in enumerate(lines.items())]
    labels = (
        f'<text x="{far}" y="{_SIZE - 8}" text-anchor="end">predicted</text>'
        f'<text x="{_MARGIN + 6}" y="22">actual (fitted on the holdout)</text>'
    )
    return [frame, *map(_tick, _TICKS), _line(1.0, 0.0, 'stroke="#999"'), *sides, labels, "</svg>"]


def _side(index: int, who: str, line: tuple[float, float]) -> str:
    y = _SIZE - _MARGIN - 26 + 14 * index
    x = _SIZE - 105
    key = f'<path d="M{x} {y - 3}h22" {_STYLES[who]}/><text x="{x + 28}" y="{y}">{who}</text>'
    return _line(*line, _STYLES[who]) + key


def _line(slope: float, intercept: float, style: str) -> str:
    ends = [(odds, intercept + slope * odds) for odds in (-_FAR, _FAR)]
    path = "L".join(f"{_across(x):.1f} {_up(y):.1f}" for x, y in ends)
    return f'<path clip-path="url(#c)" d="M{path}" {style} fill="none"/>'


def _tick(probability: float) -> str:
    odds = math.log(probability / (1 - probability))
    x, y, low, far = _across(odds), _up(odds), _SIZE - _MARGIN, _SIZE - 10
    return (
        f'<path d="M{x:.1f} 10V{low}M{_MARGIN} {y:.1f}H{far}" stroke="#eee"/>'
        f'<text x="{x:.1f}" y="{low + 14}" text-anchor="middle">{probability:.0%}</text>'
        f'<text x="{_MARGIN - 6}" y="{y + 3:.1f}" text-anchor="end">{probability:.0%}</text>'
    )


def _across(odds: float) -> float:
    return _MARGIN + (odds + _FAR) / (2 * _FAR) * (_SIZE - 10 - _MARGIN)


def _up(odds: float) -> float:
    bounded = max(
        -1e3, min(1e3, odds)
    )  # a line that is nearly upright still is text of finite size
    return _SIZE - _MARGIN - (bounded + _FAR) / (2 * _FAR) * (_SIZE - 10 - _MARGIN)
