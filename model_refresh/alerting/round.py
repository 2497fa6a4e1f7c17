"""One round of telling: to each address what it is to be told now, and the log of it.

Each message is recorded right after it was sent: a process that dies in between repeats that one.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from model_refresh.alerting.declared import AlertsSpec
from model_refresh.alerting.due import Letter, Observed, letter
from model_refresh.alerting.sending import Send, message_task, send
from model_refresh.alerting.text import Message, message
from model_refresh.alerting.told import histories
from model_refresh.errors import ConfigError
from model_refresh.records import Alert, AlertSeverity, SentAlert
from model_refresh.storage import Store
from model_refresh.storage.files import replace_file

NEXT = "next.json"
"""The message that is being sent."""


def tell(  # noqa: PLR0913  (what is known and when, and who sends)
    store: Store,
    spec: AlertsSpec,
    alerts: Sequence[Alert],
    *,
    observed: Observed,
    now: dt.datetime,
    by: Send = send,
) -> list[SentAlert]:
    """Send what is due and record it; the addresses that fail come last, so they delay no other.

    Nothing is sent where another process is at it: that one tells.
    """
    if not spec.routes:
        return []
    with _alone(store) as is_alone:
        if not is_alone:
            return []
        known = histories(store.alerts)
        sent = []
        for name, route, url in sorted(spec.addresses(), key=lambda each: known[each[0]].failures):
            due = letter(route, alerts, history=known[name], observed=observed, now=now)
            if due is None:
                continue
            sent.append(_sent(store, spec, name, url=url, due=due, by=by))
        return sent


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
