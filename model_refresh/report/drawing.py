"""From a Vega-Lite chart to markup that stands inside a page: no script, no address, own ids."""

import re
from html import escape
from typing import Any

CHALLENGER, INCUMBENT, QUIET = "#1a6fb5", "#c45a16", "#98a1ab"
WIDTH, HEIGHT = 285, 235

_CONFIG = {
    "aria": False,
    "font": "Arial, Helvetica, sans-serif",
    "background": "#ffffff",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal",
        "labelColor": "#3d444d", "titleColor": "#1f2328", "gridColor": "#e8ebee",
        "domainColor": "#b6bec7", "tickColor": "#b6bec7", "titlePadding": 8, "labelLimit": 130,
        "titleLimit": 360,
    },
    "legend": {
        "orient": "top", "symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5,
        "labelFontSize": 12, "title": None, "labelColor": "#1f2328", "offset": 4, "labelLimit": 200,
    },
}  # fmt: skip
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNMEASURABLE = re.compile("[\U00010000-\U0010ffff]")
_OWN_NAMES = re.compile(r'(\bid="|url\(#|href="#)')


def draw(spec: dict[str, Any], *, name: str, title: str) -> str:
    """The SVG of a Vega-Lite specification, as wide as its room and no wider than it was made.

    `name` makes its ids its own on a page with several. Data must be inline: no address is read.
    """
    import vl_convert  # here: it takes long to load

    told = _drawable({**spec, "config": _CONFIG})
    svg = vl_convert.vegalite_to_svg(told, allowed_base_urls=[])
    own = _OWN_NAMES.sub(rf"\g<1>{name}-", svg)
    opening = re.match(r'<svg [^>]*width="([\d.]+)" height="([\d.]+)"[^>]*>', own)
    if opening is None:
        return own
    width, height = opening[1], opening[2]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {width} {height}" style="max-width:{width}px">'
    )
    return head + own[opening.end() :]


def printable(text: str) -> str:
    """Text without control characters, which no page may hold."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def drawable(text: str) -> str:
    """Text that can be drawn: of Unicode's first 65,536 characters, the printable ones.

    A control character would abort the process, and Vega shortens text in the middle of a
    character of two UTF-16 units, such as an emoji, which then can't be measured.
    """
    return _UNMEASURABLE.sub("\N{REPLACEMENT CHARACTER}", printable(text))


def _drawable(value: Any) -> Any:  # noqa: ANN401  (any part of a JSON value)
    """The same with every text drawable."""
    if isinstance(value, str):
        return drawable(value)
    if isinstance(value, dict):
        return {key: _drawable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_drawable(each) for each in value]
    return value
