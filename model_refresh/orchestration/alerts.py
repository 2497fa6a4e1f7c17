"""The sensor `alerts`: tells people what needs them; see docs/how-to/alerts.md.

Sending goes on in a thread when it takes longer than a tick should: a mail server that doesn't
answer holds up no other sensor, and what was not recorded as sent is sent by a later tick.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread

import dagster as dg

from model_refresh.config.alerts import read_alerts
from model_refresh.config.model import Model
from model_refresh.monitoring.alerts import FleetAlerts, Known, open_alerts
from model_refresh.monitoring.alerts.life import leave_sign
from model_refresh.monitoring.overview import Memo
from model_refresh.orchestration.failures import (
    Failures,
    started_schedules,
    stopped_schedules,
    under_way,
)
from model_refresh.orchestration.resources import StoreResource
from model_refresh.pipeline.alerts import Told, tell_fleet
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

_TICK_SECONDS = 10.0
"""How long a tick waits for its messages."""


def alerts_sensor(
    models: Sequence[Model], problems: Sequence[str], *, fleet: Path
) -> dg.SensorDefinition:
    """Tells by `alerts.yaml` what is open; without that file it is only logged."""
    post, memo = Post(), Memo()
    names = None if problems else {model.name for model in models}

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what needs them, by the routes of alerts.yaml.",
    )
    def sensor(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.SensorResult:
        now, declared = utc_now(), read_alerts(fleet, environment=os.environ)
        failures = Failures.parse_cursor(context.cursor).after(context.instance, names, now)
        known = Known(
            grace=declared.spec.grace_time,
            failures=failures.by_model,
            under_way=under_way(context.instance, now),
            stopped=stopped_schedules(context.instance),
            started=started_schedules(context.instance),
            memo=memo,
        )
        everything = Store(Path(store.home))
        told = [*problems, *declared.told]
        found = open_alerts(models, told, store=everything, now=now, known=known)
        leave_sign(everything, known, now)
        answer = post.round(lambda: tell_fleet(everything, declared.spec, found, now=now))
        return dg.SensorResult(skip_reason=said(found, answer), cursor=failures.canonical())

    return sensor


def said(found: FleetAlerts, answer: Told | None) -> str:
    """What a tick came to, the first alerts in full."""
    if answer is None:
        sent = "messages of an earlier tick are still under way"
    else:
        arrived = f"{sum(each.delivered for each in answer.sent)} messages sent"
        sent = "; ".join([arrived, *answer.troubles])
    alerts = [alert for alert in found.alerts if alert.severity != "info"]
    first = "; ".join(f"{a.model or 'the fleet'}: {a.sentence}" for a in alerts[:3])
    return f"{len(alerts)} alerts are open, {sent}{f': {first}' if first else ''}"[:1000]


class Post:
    """Sends one round at a time; who asks waits a little, and a later round brings the rest."""

    def __init__(self, *, seconds: float = _TICK_SECONDS) -> None:
        self._seconds = seconds
        self._under_way: Future[Told] | None = None

    def round(self, work: Callable[[], Told]) -> Told | None:
        """What a round came to; None while it, or an earlier one, goes on."""
        if self._under_way is None:
            self._under_way = Future()
            Thread(target=_finish, args=(self._under_way, work), daemon=True).start()
        wait([self._under_way], timeout=self._seconds)
        if not self._under_way.done():
            return None
        done, self._under_way = self._under_way, None
        return done.result()


def _finish(future: Future[Told], work: Callable[[], Told]) -> None:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - goes to the tick that waits for it
        future.set_exception(error)
