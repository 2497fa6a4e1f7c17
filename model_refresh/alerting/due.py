"""What is to be told at an address now: pure, from what is open and what was told before.

The first critical alerts go at once. What follows is held together for the route's digest, and
after a few messages in an hour critical alerts are too: a flood is one message. A cause is told
once, once more each day that it lasts, and once when it is over.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import Field

from model_refresh.alerting.declared import Route
from model_refresh.alerting.digest import is_due
from model_refresh.records import Alert, AlertKind, AlertSeverity, Instant, Record

REPEAT = dt.timedelta(days=1)
"""How long a cause that was told is not told again."""
_HOUR = dt.timedelta(hours=1)
_AT_ONCE = 3
"""So many messages in an hour go before critical alerts, too, wait for the digest."""
_FIRST_WAIT = dt.timedelta(seconds=30)
_ORDER: tuple[AlertSeverity, ...] = ("critical", "warning", "info")
_MENDED_BY_RUNS = frozenset[AlertKind]({"not_started", "scores_missing", "run_failed"})
"""What is not told while a run of the model is under way, since that may be its end."""


@dataclass(frozen=True)
class Observed:
    """What a round could look at: only there can a cause be found to be over."""

    kinds: frozenset[AlertKind]
    unseen: frozenset[str] = frozenset()
    """Models that could not be looked at this time."""
    read: frozenset[str] | None = None
    """Of a fleet that could be read only in part, the models that were. None: all were, so that a
    model that isn't there is gone."""
    under_way: frozenset[str] = frozenset()
    """Models that a run waits or works on: what it may mend is open no longer and not over yet."""

    def covers(self, key: str) -> bool:
        """Whether an alert of this key would be open now if its cause still held."""
        kind, _, rest = key.partition("|")
        model = rest.partition("|")[0]
        if kind not in self.kinds or model in self.unseen:
            return False
        if kind in _MENDED_BY_RUNS and model in self.under_way:
            return False
        return not model or self.read is None or model in self.read


@dataclass(frozen=True)
class Look:
    """What one round saw: what is open, where it was looked, and when."""

    alerts: Sequence[Alert]
    observed: Observed
    now: dt.datetime

    @cached_property
    def keys(self) -> frozenset[str]:
        """Of what is open."""
        return frozenset(alert.key for alert in self.alerts)

    def is_over(self, key: str) -> bool:
        """Whether the cause of this key no longer holds."""
        return key not in self.keys and self.observed.covers(key)


class Seen(Record):
    """When a round first saw each cause to be open, and to be over, by its key.

    An alert's own `since` won't do for a digest: some have none, and of others it is when the cause
    began, hours before anybody could tell.
    """

    opened: dict[str, Instant] = Field(default_factory=dict)
    ended: dict[str, Instant] = Field(default_factory=dict)

    def after(self, look: Look, told: Collection[str]) -> "Seen":
        """The same with this look, where `told` are the keys that some address knows of."""
        opened = {alert.key: self.opened.get(alert.key, look.now) for alert in look.alerts}
        ended = {key: self.ended.get(key, look.now) for key in told if look.is_over(key)}
        return Seen(
            opened=_unseen(self.opened, look) | opened, ended=_unseen(self.ended, look) | ended
        )


@dataclass
class History:
    """What one address was told: when each open cause last was, and how sending went."""

    told: dict[str, dt.datetime] = field(default_factory=dict)
    delivered: list[dt.datetime] = field(default_factory=list)
    failures: int = 0
    failed_at: dt.datetime | None = None
    passing: bool = True

    def may_try(self, now: dt.datetime) -> bool:
        """Whether enough time has passed since sending failed: twice as much each time, up to 1 h.

        What no second try mends (an address that can't be read) is tried each hour.
        """
        if self.failed_at is None:
            return True
        wait = _FIRST_WAIT * 2 ** min(self.failures - 1, 10) if self.passing else _HOUR
        return now - self.failed_at >= min(wait, _HOUR)


@dataclass(frozen=True)
class Letter:
    """What one message tells, the worst first."""

    alerts: tuple[Alert, ...]
    over: tuple[str, ...] = ()

    @property
    def severity(self) -> AlertSeverity:
        """Of the worst of it; info where it only says what is over."""
        return self.alerts[0].severity if self.alerts else "info"


@dataclass(frozen=True)
class News:
    """What an address has not been told yet, the worst first, and what it was told that is over."""

    alerts: tuple[Alert, ...]
    over: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.alerts or self.over)


def news(route: Route, look: Look, history: History) -> News:
    """Everything that an address of this route is still to be told, now or later."""
    found = [
        alert
        for alert in look.alerts
        if route.match.takes(alert)
        and ((told := history.told.get(alert.key)) is None or look.now - told >= REPEAT)
    ]
    found.sort(key=lambda alert: (_ORDER.index(alert.severity), alert.model or "", alert.key))
    return News(tuple(found), tuple(sorted(key for key in history.told if look.is_over(key))))


def letter(route: Route, look: Look, *, history: History, seen: Seen) -> Letter | None:
    """What an address of this route is to be told now; None for nothing."""
    found, now = news(route, look, history), look.now
    if not found or not history.may_try(now):
        return None
    opened = (seen.opened.get(alert.key, now) for alert in found.alerts)
    began = min([*opened, *(seen.ended.get(key, now) for key in found.over)])
    last = max(history.delivered, default=None)
    is_urgent = _is_urgent(found.alerts, history, now)
    if not is_urgent and not is_due(route.digest, now, last=last, began=began):
        return None
    return Letter(found.alerts, found.over)


def _unseen(known: Mapping[str, Instant], look: Look) -> dict[str, Instant]:
    """What this look says nothing of."""
    return {key: at for key, at in known.items() if not look.observed.covers(key)}


def _is_urgent(found: Sequence[Alert], history: History, now: dt.datetime) -> bool:
    """Whether something critical is new, and not too much was sent already."""
    new = any(alert.severity == "critical" and alert.key not in history.told for alert in found)
    recent = [instant for instant in history.delivered if now - instant < _HOUR]
    return new and len(recent) < _AT_ONCE
