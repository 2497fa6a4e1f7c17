"""The page: sections through one template, in which every text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from model_refresh.report.blocks import Figure, Section
from model_refresh.report.drawing import printable
from model_refresh.report.judgement import Top

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Page:
    """What one page shows."""

    top: Top
    sections: Sequence[Section]


def render(page: Page) -> str:
    """The HTML of a page; the same page gives the same bytes."""
    text = _environment().get_template(TEMPLATE).render(page=page)
    return "\n".join(printable(line) for line in text.split("\n"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("model_refresh.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["drawing"] = _markup
    return environment


def _markup(figure: Figure) -> Markup:
    """A figure's SVG, which `drawing` made with every text escaped."""
    return Markup(figure.svg)  # noqa: S704
