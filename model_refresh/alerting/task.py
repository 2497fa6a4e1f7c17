"""What the sending process is given, and what it answers: both as files of one folder.

The address is as alerts.yaml has it. The process fills it in from its own environment, so that no
file and no list of processes ever holds a secret.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import unquote

from pydantic import Field

from model_refresh.alerting.declared import VARIABLE
from model_refresh.records import AlertSeverity, Record

TASK, OUTCOME = "task.json", "outcome.json"

_PARTS = re.compile(r"[/:@?&=,+#;\s]+")
_SHORTEST = 4
_LONGEST = 300


class Task(Record):
    """One message to one address, or one look at a heartbeat's."""

    kind: Literal["message", "heartbeat"]
    url: str = Field(description="as it is written")
    allow: tuple[str, ...]
    title: str = ""
    body: str = ""
    severity: AlertSeverity = "info"
    timeout_seconds: float = 20.0


class Outcome(Record):
    """What became of it; `passing`: whether trying again may help."""

    delivered: bool
    failure: str | None = None
    passing: bool = True


def fill(url: str, environment: Mapping[str, str]) -> str:
    """The address with each `${NAME}` filled in; raises KeyError with a name that isn't there."""
    return VARIABLE.sub(lambda match: environment[match[1]], url).strip()


def without_secrets(text: str, url: str, shown: Iterable[str]) -> str:
    """A text without any part of an address but those that may be shown, on one line."""
    open_to_all = {each.lower() for each in shown}
    parts = {part for each in (url, unquote(url)) for part in _PARTS.split(each)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST and part.lower() not in open_to_all:
            text = text.replace(part, "***")
    return " ".join(text.split())[:_LONGEST]
