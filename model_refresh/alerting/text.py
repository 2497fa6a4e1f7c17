"""A message as plain text: what data or a database said is shown in it, never interpreted.

Services read Markdown, HTML, mentions and links out of text, some of them whatever they are told.
So the characters that begin those are put in others' place, and every part has a greatest length.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from model_refresh.alerting.due import Letter
from model_refresh.records import Alert

_SHOWN = 10
"""So many alerts are told in full; a command lists all."""
_SENTENCE, _TITLE, _NAME = 400, 150, 80
_MARKS = str.maketrans(
    {
        "<": "\u2039",
        ">": "\u203a",
        "`": "'",
        "@": "(at)",
        "*": "\u2217",
        "|": "\u00a6",
        "[": "(",
        "]": ")",
        "&": "+",
    }
)
"""Angle quotation marks, another asterisk and a broken bar look alike and begin nothing."""
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Message:
    """What is sent: a line, and a text of many lines."""

    title: str
    body: str


def message(letter: Letter) -> Message:
    """The message that tells of a letter's alerts: the first in full, and how to see the others."""
    return Message(title=_title(letter), body="\n".join(_lines(letter)).lstrip())


def plain(text: str, longest: int = _SENTENCE) -> str:
    """One line of text that no service takes for anything else, at most so long."""
    spaced = _BLANKS.sub(" ", text).strip()
    shown = "".join(char for char in spaced if not unicodedata.category(char).startswith("C"))
    dead = shown.translate(_MARKS).replace("://", ": //").replace("__", "_ _").replace("~~", "~ ~")
    return dead if len(dead) <= longest else f"{dead[: longest - 3]}..."


def _title(letter: Letter) -> str:
    alerts = letter.alerts
    if not alerts:
        over = f"{len(letter.over)} alerts are over" if len(letter.over) > 1 else "over: "
        return plain(over if len(letter.over) > 1 else over + _named(letter.over[0]), _TITLE)
    if len(alerts) == 1:
        about = f"{alerts[0].model or 'the fleet'}: {alerts[0].sentence}"
    else:
        models = len({alert.model for alert in alerts if alert.model})
        counts = Counter(alert.kind for alert in alerts).most_common(3)
        kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts)
        about = f"{len(alerts)} alerts of {models} model{'' if models == 1 else 's'}: {kinds}"
    return plain(f"{letter.severity}: {about}", _TITLE)


def _lines(letter: Letter) -> Iterator[str]:
    """A short line for everything first, then the details: services cut off what is too long."""
    alerts, rest = letter.alerts[:_SHOWN], len(letter.alerts) - _SHOWN
    if rest > 0:
        yield f"the first {_SHOWN} of {len(letter.alerts)}; all: model-refresh alerts"
    if len(letter.alerts) + len(letter.over) > 1:
        yield from (f"{alert.severity}: {_named(alert.key)}" for alert in alerts)
    for key in letter.over[:_SHOWN]:
        yield f"over: {_named(key)}"
    if len(letter.over) > _SHOWN:
        yield f"over: {len(letter.over) - _SHOWN} more"
    for alert in alerts:
        yield from _told(alert)


def _told(alert: Alert) -> Iterator[str]:
    name = plain(alert.model or "the fleet", _NAME)
    yield ""
    yield f"{alert.severity}: {name}: {plain(alert.sentence)}"
    yield f"  still works: {plain(alert.works)}"
    yield f"  more: {plain(alert.command)}"


def _named(key: str) -> str:
    """An alert by its key, in words."""
    kind, _, rest = key.partition("|")
    model = rest.partition("|")[0]
    return f"{plain(model or 'the fleet', _NAME)}: {kind.replace('_', ' ')}"
