"""One round of telling: to each address what it is to be told now, and the log of it.

Each message is recorded right after it was sent: a process that dies in between repeats that one.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from model_refresh.alerting.declared import AlertsSpec
from model_refresh.alerting.due import Letter, Look, Observed, letter, news
from model_refresh.alerting.seen import see
from model_refresh.alerting.sending import Send, message_task, send
from model_refresh.alerting.text import Message, message
from model_refresh.alerting.told import histories
from model_refresh.errors import ConfigError
from model_refresh.records import Alert, AlertSeverity, SentAlert
from model_refresh.storage import Store
from model_refresh.storage.files import replace_file

NEXT = "next.json"
"""The message that is being sent."""


@dataclass(frozen=True)
class Round:
    """What was sent; `is_told` is False where something can't be told, or nobody knows."""

    sent: tuple[SentAlert, ...] = ()
    is_told: bool = True


def tell(  # noqa: PLR0913  (what is known and when, and who sends)
    store: Store,
    spec: AlertsSpec,
    alerts: Sequence[Alert],
    *,
    observed: Observed,
    now: dt.datetime,
    by: Send = send,
) -> Round:
    """Send what is due and record it; the addresses that fail come last, so they delay no other.

    What waits for another try at an address that failed is not told yet. Nothing is sent where
    another process is at it: that one tells.
    """
    if not spec.routes:
        return Round()
    look = Look(alerts, observed, now)
    with _alone(store) as is_alone:
        if not is_alone:
            return Round(is_told=False)
        known = histories(store.alerts)
        seen = see(store.alerts.folder, look, {key for each in known.values() for key in each.told})
        sent, waits = [], False
        for name, route, url in sorted(spec.addresses(), key=lambda each: known[each[0]].failures):
            history = known[name]
            due = letter(route, look, history=history, seen=seen)
            if due is not None:
                sent.append(_sent(store, spec, name, url=url, due=due, by=by))
            elif history.failures and news(route, look, history):
                waits = True
        return Round(tuple(sent), not waits and all(each.delivered for each in sent))


def try_route(
    store: Store, spec: AlertsSpec, route: str, *, severity: AlertSeverity = "info", by: Send = send
) -> list[SentAlert]:
    """A test message to each address of one route; raises ConfigError where there is no such."""
    named = [each for each in spec.addresses() if each[1].name == route]
    if not named:
        known = ", ".join(each.name for each in spec.routes) or "none"
        raise ConfigError([f"there is no route {route!r} in alerts.yaml; there are {known}"])
    sent = []
    for name, _, url in named:
        told = Message("test: model-refresh reaches you here", "Nothing happened; this is a test.")
        outcome = by(message_task(spec, url, told, severity))
        record = SentAlert(
            kind="test",
            route=name,
            severity=severity,
            sentence=told.title,
            delivered=outcome.delivered,
            failure=outcome.failure,
            passing=outcome.passing,
        )
        sent.append(store.alerts.add(record).record)
    return sent


def _sent(  # noqa: PLR0913  (what goes where, and who sends)
    store: Store, spec: AlertsSpec, name: str, *, url: str, due: Letter, by: Send
) -> SentAlert:
    """Send one message and record what became of it.

    That it can be recorded is tried before: a full disk would have it sent again and again. Raises
    StoreWriteError then.
    """
    told = message(due)
    record = SentAlert(
        route=name,
        severity=due.severity,
        told=tuple(alert.key for alert in due.alerts),
        resolved=due.over,
        sentence=told.title,
        delivered=False,
    )
    replace_file(store.alerts.folder / NEXT, record.canonical().encode())
    outcome = by(message_task(spec, url, told, due.severity))
    became = outcome.model_dump(include={"delivered", "failure", "passing"})
    return store.alerts.add(record.model_copy(update=became)).record


@contextmanager
def _alone(store: Store) -> Iterator[bool]:
    """Whether no other process of this machine is telling; the lock ends with its holder."""
    folder = store.alerts.folder
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
