"""What is to be told at an address now: pure, from what is open and what was told before.

The first critical alerts go at once. What follows is held together for the route's digest, and
after a few messages in an hour critical alerts are too: a flood is one message. A cause is told
once, once more each day that it lasts, and once when it is over.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_refresh.alerting.declared import Route
from model_refresh.alerting.digest import is_due
from model_refresh.records import Alert, AlertKind, AlertSeverity

REPEAT = dt.timedelta(days=1)
"""How long a cause that was told is not told again."""
_HOUR = dt.timedelta(hours=1)
_AT_ONCE = 3
"""So many messages in an hour go before critical alerts, too, wait for the digest."""
_FIRST_WAIT = dt.timedelta(seconds=30)
_ORDER: tuple[AlertSeverity, ...] = ("critical", "warning", "info")


@dataclass(frozen=True)
class Observed:
    """What a round could look at: only there can a cause be found to be over."""

    kinds: frozenset[AlertKind]
    unseen: frozenset[str] = frozenset()
    """Models that could not be looked at this time."""

    def covers(self, key: str) -> bool:
        """Whether an alert of this key would be open now if its cause still held."""
        kind, _, rest = key.partition("|")
        return kind in self.kinds and rest.partition("|")[0] not in self.unseen


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


def letter(
    route: Route,
    alerts: Sequence[Alert],
    *,
    history: History,
    observed: Observed,
    now: dt.datetime,
) -> Letter | None:
    """What an address of this route is to be told now; None for nothing."""
    open_keys = {alert.key for alert in alerts}
    news = [
        alert
        for alert in alerts
        if route.match.takes(alert)
        and ((told := history.told.get(alert.key)) is None or now - told >= REPEAT)
    ]
    over = [key for key in history.told if key not in open_keys and observed.covers(key)]
    if not (news or over) or not history.may_try(now):
        return None
    news.sort(key=lambda alert: (_ORDER.index(alert.severity), alert.model or "", alert.key))
    known = [alert.since for alert in news if alert.since is not None]
    began = min(known) if known and len(known) == len(news) else None
    last = max(history.delivered, default=None)
    if not _is_urgent(news, history, now) and not is_due(route.digest, now, last=last, began=began):
        return None
    return Letter(tuple(news), tuple(sorted(over)))


def _is_urgent(news: Sequence[Alert], history: History, now: dt.datetime) -> bool:
    """Whether something critical is new, and not too much was sent already."""
    new = any(alert.severity == "critical" and alert.key not in history.told for alert in news)
    recent = [instant for instant in history.delivered if now - instant < _HOUR]
    return new and len(recent) < _AT_ONCE
