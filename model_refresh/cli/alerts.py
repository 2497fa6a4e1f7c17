"""Commands that tell of what needs a person: alerts, and the watchdog outside of Dagster."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from model_refresh.alerting import try_route
from model_refresh.alerting.told import recent
from model_refresh.cli.shared import FLEET, HOME, FleetFolder, Home, Json, plain, print_json, say
from model_refresh.config.alerts import FILE, AlertsReading, read_alerts
from model_refresh.config.fleet import read_fleet
from model_refresh.errors import ConfigError, DataError
from model_refresh.monitoring.alerts import FleetAlerts, open_alerts
from model_refresh.monitoring.alerts.fleet import OVERDUE
from model_refresh.monitoring.alerts.life import is_watched, known_of, unwatched
from model_refresh.pipeline.alerts import tell_fleet
from model_refresh.records import Alert, SentAlert
from model_refresh.storage import Line, Store
from model_refresh.storage.store import utc_now

_SHOWN = 10

Test = Annotated[
    str | None,
    typer.Option("--test", metavar="ROUTE", help="Send a test message by this route, now."),
]


def alerts(
    test: Test = None, json: Json = False, fleet: FleetFolder = FLEET, home: Home = HOME
) -> None:
    """Show what needs a person now, and what was sent lately; nothing is sent."""
    store, declared = Store(home), read_alerts(fleet, environment=os.environ)
    if test is not None:
        _try(store, declared, test, json=json)
        return
    found = _look(store, declared, fleet)
    sent = [line for line, _ in zip(recent(store.alerts), range(_SHOWN), strict=False)]
    if json:
        messages = [{**plain(line.record), "at": line.recorded_at.isoformat()} for line in sent]
        print_json({"open": [plain(alert) for alert in found.alerts], "sent": messages})
        return
    for alert in found.alerts:
        _show(alert)
    say(f"{len(found.alerts)} open" if found.alerts else "nothing needs anybody")
    for line in sent:
        say(_sent(line))
    if declared.is_lost:
        say(f"until {fleet / FILE} is mended nobody is told: {declared.problems[0]}")
    elif not declared.spec.routes:
        say(f"nobody is told: {fleet / FILE} declares no route")
    for warning in declared.spec.warnings:
        say(f"warning: {FILE}: {warning}")


def watchdog(json: Json = False, fleet: FleetFolder = FLEET, home: Home = HOME) -> None:
    """Say and send what should have run and did not; for cron or a timer, outside of Dagster.

    Exits 1 when something is overdue, when something can't be read, so that nobody knows, or when a
    message could not be sent. What can't be read is sent while Dagster's sensor is silent.
    """
    store, declared, now = Store(home), read_alerts(fleet, environment=os.environ), utc_now()
    found = _look(store, declared, fleet)
    late, unread = found.overdue, found.unreadable
    # what the sensor read last may be older: it would say over what is said here, again and again
    sent_here = found.about(OVERDUE if is_watched(store, now) else (*OVERDUE, "unreadable"))
    told = tell_fleet(store, declared.spec, sent_here, now=now, beat=not late and not unread)
    troubles = [*_sentences(unread), *told.troubles]
    if json:
        sent = [plain(each) for each in told.sent]
        print_json({"overdue": [plain(a) for a in late], "sent": sent, "troubles": troubles})
    elif not late and not unread:
        say("everything that was due has begun")
    if late or troubles:
        raise DataError("\n".join([*_sentences(late), *troubles]))


def _sentences(alerts: Sequence[Alert]) -> list[str]:
    return [f"{alert.model or 'the fleet'}: {alert.sentence}" for alert in alerts]


def _look(store: Store, declared: AlertsReading, fleet: Path) -> FleetAlerts:
    """What is open, with what Dagster's sensor knew last where it ever looked."""
    models, problems = read_fleet(fleet, environment=os.environ)
    now = utc_now()
    known = known_of(store, now, declared.spec.grace_time)
    told = [*problems, *declared.told]
    found = open_alerts(models, told, store=store, now=now, known=known)
    silent = unwatched(store, now)
    return found if silent is None else FleetAlerts((silent, *found.alerts), found.observed)


def _try(store: Store, declared: AlertsReading, route: str, *, json: bool) -> None:
    if not declared.spec.routes and declared.problems:
        raise ConfigError(list(declared.problems))
    sent = try_route(store, declared.spec, route)
    if json:
        print_json([plain(each) for each in sent])
    failed = [f"{each.route}: {each.failure}" for each in sent if not each.delivered]
    if not json:
        for each in sent:
            if each.delivered:
                say(f"{each.route}: delivered")
    if failed:
        raise DataError("\n".join(failed))


def _show(alert: Alert) -> None:
    say(f"{alert.severity}: {alert.model or 'the fleet'}: {alert.sentence}")
    say(f"  still works: {alert.works}")
    say(f"  more: {alert.command}")


def _sent(line: Line[SentAlert]) -> str:
    sent = line.record
    how = "sent" if sent.delivered else f"not sent, {sent.failure}"
    return f"{line.recorded_at:%Y-%m-%d %H:%M} UTC {sent.route}: {sent.sentence} ({how})"
