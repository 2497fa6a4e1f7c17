"""What can be declared of alerts: who is told what, how often, and which hosts may be contacted.

Addresses stay as they are written, `${NAME}`: only the process that sends fills them in, so that
nothing here can show a secret.
"""

import datetime as dt
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from model_refresh.alerting.allowed import Allowed, parse_allowed
from model_refresh.alerting.digest import DIGEST, LONGEST, is_digest
from model_refresh.records import Alert, AlertKind, AlertSeverity

_UNITS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
_LENGTH = r"^[1-9][0-9]{0,3}[mhd]$"
_NAME = r"^[a-z][a-z0-9_]{0,62}$"
_OF_THE_FLEET: tuple[AlertKind, ...] = ("not_started", "unreadable")
"""What is said of all models at once, as critical: Dagster stopped, none of them can be read."""
_URL = {"type": "string", "minLength": 1, "maxLength": 2000}


def _one_or_more(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def _allowed(text: str) -> str:
    parse_allowed(text)
    return text


def _digest(text: str) -> str:
    if not is_digest(text):
        hours = LONGEST // dt.timedelta(hours=1)
        accepted = f"15m, 1h, up to {hours}h, daily at 08:00 (UTC)"
        raise ValueError(f"{text!r} is not accepted; accepted: {accepted}")
    return text


def _length(text: str) -> str:
    if not re.fullmatch(_LENGTH, text):
        raise ValueError(f"{text[:32]!r} is not accepted; accepted: 45m, 2h, 1d")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        accepted = "lower-case letters, digits and _, a letter first"
        raise ValueError(f"{text[:63]!r} is not accepted; accepted: {accepted}")
    return text


Text = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
Url = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Urls = Annotated[
    tuple[Url, ...],
    BeforeValidator(_one_or_more),
    Field(min_length=1, max_length=16),
    WithJsonSchema({"anyOf": [_URL, {"type": "array", "items": _URL, "minItems": 1}]}),
]
"""One address or several."""
AllowedText = Annotated[Text, AfterValidator(_allowed)]
Digest = Annotated[
    str,
    Field(strict=True, max_length=32),
    AfterValidator(_digest),
    WithJsonSchema({"type": "string", "pattern": DIGEST, "examples": ["15m", "daily at 08:00"]}),
]
"""How long messages of one route are held together."""
Length = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_length),
    WithJsonSchema({"type": "string", "pattern": _LENGTH}),
]
RouteName = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": _NAME}),
]


class _Declared(BaseModel):
    """A closed section; no record, whose digest a route's own would hide."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Declared):
    """Which alerts a route is for; each list left empty means all."""

    models: tuple[Text, ...] = Field(
        (), max_length=1000, description="names, or patterns such as churn_*"
    )
    owners: tuple[Text, ...] = Field(
        (), max_length=1000, description="of models that one of these owns, as model.yaml has them"
    )
    severities: tuple[AlertSeverity, ...] = Field(
        ("critical", "warning"), description="how bad it is; info says what needs nobody"
    )
    kinds: tuple[AlertKind, ...] = Field((), description="what it is about")

    def takes(self, alert: Alert) -> bool:
        """Whether this alert goes there. One of the whole fleet goes where all models do."""
        names = not self.models or any(
            fnmatchcase(alert.model or "", pattern) for pattern in self.models
        )
        owned = not self.owners or not set(self.owners).isdisjoint(alert.owners)
        kind = not self.kinds or alert.kind in self.kinds
        return names and owned and kind and alert.severity in self.severities


class Route(_Declared):
    """Who is told, where, and how often."""

    name: RouteName = Field(description="what it is called in logs and commands")
    urls: Urls = Field(
        description="one address of apprise, or a list: ${NAME} from the environment"
    )
    match: Match = Field(Match(), description="which alerts it is for")
    digest: Digest = Field(
        "15m",
        description="after a message the next ones are held together for so long; the first "
        "critical ones go at once",
    )


class AlertsSpec(_Declared):
    """alerts.yaml: who is told of what happens to the fleet's models."""

    allow: tuple[AllowedText, ...] = Field(
        (),
        max_length=256,
        description="what may be contacted, scheme://host or scheme://host:port, such as "
        "slack://hooks.slack.com or mailtos://*.example.com; nothing else ever is",
    )
    routes: tuple[Route, ...] = Field((), max_length=256, description="who is told what")
    grace: Length = Field(
        "2h", description="how late a refresh or a batch may be before an alert says so"
    )
    timeout_seconds: float = Field(
        20.0, gt=0, le=300, description="longest that the sending of one message may take"
    )
    heartbeat: Url | None = Field(
        None,
        description="https address, ${NAME}, that is asked after each round in which all was "
        "told: whoever watches it notices when the rounds stop",
    )

    @property
    def grace_time(self) -> dt.timedelta:
        """`grace` as a length of time."""
        return int(self.grace[:-1]) * _UNITS[self.grace[-1]]

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """`allow`, parsed."""
        return tuple(parse_allowed(text) for text in self.allow)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be declared and is hardly meant: routes, none of them for the whole fleet."""
        untold = [
            kind
            for kind in _OF_THE_FLEET
            if not any(route.match.takes(_of_the_fleet(kind)) for route in self.routes)
        ]
        if not untold or not self.routes:
            return ()
        return (
            f"no route takes critical alerts about the whole fleet ({', '.join(untold)}), such as "
            "that Dagster stopped: have a route for them without owners and models",
        )

    def addresses(self) -> Iterator[tuple[str, Route, str]]:
        """The name of each address as the log of what was sent has it, its route, and the url."""
        for route in self.routes:
            for number, url in enumerate(route.urls, 1):
                yield (route.name if number == 1 else f"{route.name}[{number}]"), route, url


def _of_the_fleet(kind: AlertKind) -> Alert:
    return Alert(
        kind=kind, severity="critical", model=None, key=kind, sentence="", works="", command=""
    )


VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A part of an address that the environment gives."""
