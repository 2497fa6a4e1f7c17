"""Numbers as a page shows them: as many digits as tell something, aligned, with a true minus."""

import math

NONE = "\N{EN DASH}"
"""Shown where there is no number."""

_MINUS = "\N{MINUS SIGN}"
_MOST_PLACES = 7


def places(*values: float | None, digits: int = 4) -> int:
    """Decimals at which the largest of these values has `digits` digits; 0 to 7."""
    sizes = [abs(each) for each in values if each is not None and math.isfinite(each)]
    largest = max(sizes, default=0.0)
    if largest == 0.0:
        return digits - 1
    return min(_MOST_PLACES, max(0, digits - 1 - math.floor(math.log10(largest))))


def fixed(value: float | None, decimals: int) -> str:
    """`1,234.50`; a dash for None, and words for what is not finite."""
    if value is None:
        return NONE
    if math.isnan(value):
        return "not defined"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    if abs(value) >= 1e15:
        return f"{value:.3g}".replace("-", _MINUS)
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", _MINUS)


def signed(value: float | None, decimals: int) -> str:
    """The same with its sign: `+0.0011`."""
    text = fixed(value, decimals)
    told = value is not None and math.isfinite(value) and value > 0
    return f"+{text}" if told else text


def number(value: float | None, digits: int = 4) -> str:
    """One number by itself, at so many digits."""
    return fixed(value, places(value, digits=digits))


def count(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def percent(share: float | None) -> str:
    """`12.3%` of a share; below 0.1% as many digits as it takes."""
    if share is None or not math.isfinite(share):
        return fixed(share, 0)
    return f"{fixed(100 * share, max(1, places(100 * share, digits=2)) if share < 0.01 else 1)}%"


def size(amount: int) -> str:
    """`12.3 kB` of bytes."""
    value, units = float(amount), ["bytes", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"
