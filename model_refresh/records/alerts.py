"""What people are told of models in production, and what was told already."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Instant, Record

AlertSeverity = Literal["info", "warning", "critical"]

AlertKind = Literal[
    "scores_missing",
    "scores_undelivered",
    "not_started",
    "decayed",
    "worse_than_constant",
    "run_failed",
    "rejected",
    "overdue",
    "waits_for_approval",
    "labels_late",
    "unreadable",
    "rolled_back",
    "drift",
]
"""What an alert can be about; `docs/how-to/alerts.md` says of each what to do."""


class Alert(Record):
    """What happened, what still works, and the command that tells more.

    `key` is the same for as long as the cause is: an alert is told once, and once more when it is
    over. `model` is None where the whole fleet is meant.
    """

    kind: AlertKind
    severity: AlertSeverity
    model: str | None
    key: str
    sentence: str = Field(description="what happened")
    works: str = Field(description="what still works")
    command: str = Field(description="what tells more, or mends it")
    owners: tuple[str, ...] = ()
    since: Instant | None = Field(None, description="when it began; None: not known")


class SentAlert(Record):
    """One message that went out, or should have, and what it told of.

    `route` is the name of a route, with `[2]` for its second address: never the address, which may
    be a secret. One that was not delivered tells nobody anything: it is tried again.
    """

    kind: Literal["alerts", "test"] = "alerts"
    route: str
    severity: AlertSeverity
    told: tuple[str, ...] = Field((), description="keys of the alerts that it told of")
    resolved: tuple[str, ...] = Field((), description="keys of what it said is over")
    sentence: str = Field(description="the message's title")
    delivered: bool
    failure: str | None = None
    passing: bool = Field(True, description="of a failure: whether trying again may help")


class RunFailure(Record):
    """A run of Dagster that failed for good, as far as an alert tells of it."""

    model: str
    selection: str = Field(description="what it was to do: refresh, score...")
    partition: str | None = Field(None, description="of which frame, as Dagster writes it")
    run: str = Field(description="Dagster's id of it")
    sentence: str
    at: Instant
