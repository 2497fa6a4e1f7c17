"""The events of a YAML text: by ruamel, which is strict, or by libyaml, which is far faster.

Both have the same names, attributes and places. PyYAML brings libyaml along; Dagster brings PyYAML.
"""

import re
from collections.abc import Iterator
from typing import cast

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.events import Event

_ALIKE = re.compile("[\n -~\u00a1-\u1fff\u2030-\ud7ff\uf900-\ufdff\U00010000-\U0010ffff]*")
"""Texts on which both agree: no tab, no break but a newline, no mark of byte order."""


def strict_events(text: str) -> Iterator[Event]:
    """By ruamel; raises its errors, and what else its scanner trips over."""
    events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
    return events


def fast_events(text: str) -> Iterator[Event] | None:
    """By libyaml; None where it isn't there, or may read the text otherwise.

    Raises ValueError where it finds no valid YAML, or what both may read differently.
    """
    alike = yaml.__with_libyaml__ and _ALIKE.fullmatch(text) is not None
    return _events(text) if alike else None


def _events(text: str) -> Iterator[Event]:
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and _may_differ(event.value, event.style):
                raise ValueError("text that isn't there, or a block of it")
            yield cast(Event, event)
    except yaml.YAMLError as error:
        raise ValueError("no valid YAML") from error


def _may_differ(value: str, style: str | None) -> bool:
    """Plain text that isn't there has its place elsewhere; of a block's head libyaml takes more."""
    return style in ("|", ">") or not (value or style)
