"""The page: rows in the order given through one template, in which every text is escaped.

Its only script and style stand inside it and are named by their digests in its policy: nothing
else on the page could run, wherever a name or a sentence came from.
"""

import base64
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from model_refresh.records import FleetRow, FleetTotals
from model_refresh.report.blocks import Tone
from model_refresh.report.digits import count, number
from model_refresh.report.drawing import printable
from model_refresh.report.fleet.cells import FleetLine, line_of, moment

TEMPLATE, STYLE, SCRIPT = "fleet.html.j2", "fleet.css", "fleet.js"
_TEMPLATES = Path(__file__).parent / "templates"
NOBODY = "nobody"
"""Whom the filter by owner names where a model has none; `fleet.js` reads it so, too."""


@dataclass(frozen=True)
class Tile:
    """One of the page's totals."""

    label: str
    value: str
    tone: Tone = ""


@dataclass(frozen=True)
class Chip:
    """A button that filters by a state."""

    name: str
    label: str
    count: str


@dataclass(frozen=True)
class FleetPage:
    """What the template shows."""

    totals: FleetTotals
    written: str
    written_iso: str
    tiles: tuple[Tile, ...]
    chips: tuple[Chip, ...]
    owners: tuple[str, ...]
    lines: tuple[FleetLine, ...]
    style: Markup
    script: Markup
    style_hash: str
    script_hash: str


def render_fleet(
    rows: Sequence[FleetRow], totals: FleetTotals, *, now: dt.datetime, to_store: str = ".."
) -> str:
    """The HTML of the fleet as of `now`, the rows in the order given.

    `to_store` is the path that leads from the page's folder to the store's root, for links to
    reports. The same rows at the same instant give the same bytes.
    """
    style, script = _inline(STYLE), _inline(SCRIPT)
    page = FleetPage(
        totals=totals,
        written=moment(now),
        written_iso=now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        tiles=_tiles(totals),
        chips=_chips(rows, totals),
        owners=_owners(rows),
        lines=tuple(
            line_of(row, place=place, now=now, to_store=to_store) for place, row in enumerate(rows)
        ),
        style=style,
        script=script,
        style_hash=_digest(style),
        script_hash=_digest(script),
    )
    text = _environment().get_template(TEMPLATE).render(page=page)
    return "\n".join(printable(line) for line in text.split("\n"))


def _tiles(totals: FleetTotals) -> tuple[Tile, ...]:
    return (
        Tile("models", count(totals.models)),
        Tile("need a person", count(totals.need_person), "bad" if totals.need_person else "good"),
        Tile("fresh", count(totals.fresh)),
        Tile("CPU hours, last 7 days", number(totals.week_cpu_hours, digits=3)),
    )


def _chips(rows: Sequence[FleetRow], totals: FleetTotals) -> tuple[Chip, ...]:
    """Who needs a person, then each state that there is, by urgency."""
    states = Counter(row.state for row in rows)
    return (
        Chip("person", "needs a person", count(totals.need_person)),
        *(Chip(state, state, count(amount)) for state, amount in states.items()),
    )


def _owners(rows: Sequence[FleetRow]) -> tuple[str, ...]:
    named = sorted({owner for row in rows for owner in row.owners})
    return (*named, NOBODY) if any(not row.owners for row in rows) else tuple(named)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("model_refresh.report.fleet"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _inline(name: str) -> Markup:
    """A file of ours that stands beside the template, as it is."""
    return Markup((_TEMPLATES / name).read_text().strip())  # noqa: S704


def _digest(text: Markup) -> str:
    """As a content security policy names what stands between two tags."""
    digest = hashlib.sha256(str(text).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
