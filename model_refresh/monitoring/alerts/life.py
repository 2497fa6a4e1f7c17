"""The sign of life that Dagster's sensor leaves at each tick, and what its absence says.

The watchdog reads it from outside: what Dagster knew last, and that it has stopped looking.
"""

import contextlib
import datetime as dt
from pathlib import Path

from pydantic import Field

from model_refresh.errors import CorruptError, NotStored
from model_refresh.monitoring.alerts.known import Known
from model_refresh.monitoring.lateness import GRACE
from model_refresh.records import Alert, Instant, Record, RunFailure
from model_refresh.storage import Store
from model_refresh.storage.files import read_regular, replace_file

FILE = "alive.json"
SILENCE = dt.timedelta(minutes=15)
"""How long the sensor, whose tick comes each minute, may be silent."""


class SignOfLife(Record):
    """What the sensor knew at its last tick."""

    at: Instant
    failures: tuple[RunFailure, ...] = ()
    under_way: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    started: dict[str, Instant] = Field({}, description="model -> since when its schedule is on")
    grace_seconds: float = Field(GRACE.total_seconds(), description="of alerts.yaml, at that tick")

    def is_fresh(self, now: dt.datetime) -> bool:
        """Whether the sensor still looks."""
        return now - self.at <= SILENCE

    def known(self, grace: dt.timedelta | None, now: dt.datetime) -> Known:
        """What may be taken from it: of one that is old, not that a run is under way."""
        return Known(
            grace=dt.timedelta(seconds=self.grace_seconds) if grace is None else grace,
            failures={(each.model, each.selection): each for each in self.failures},
            under_way=frozenset(self.under_way if self.is_fresh(now) else ()),
            stopped=frozenset(self.stopped),
            started=self.started,
        )


def leave_sign(store: Store, known: Known, now: dt.datetime) -> None:
    """Say that the sensor looked, and what it knew."""
    sign = SignOfLife(
        at=now,
        failures=tuple(known.failures.values()),
        under_way=tuple(sorted(known.under_way)),
        stopped=tuple(sorted(known.stopped)),
        started=dict(known.started),
        grace_seconds=known.grace.total_seconds(),
    )
    file = _file(store)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, sign.canonical().encode())


def last_sign(store: Store) -> SignOfLife | None:
    """The newest sign; None where no sensor ever looked at this store.

    Raises CorruptError where it can't be read: then nobody knows whether the sensor still looks.
    """
    file = _file(store)
    try:
        return SignOfLife.parse(read_regular(file))
    except NotStored:
        return None
    except OSError as error:
        raise CorruptError(f"{file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CorruptError(f"{file} is not what the sensor alerts leaves there") from error


def known_of(store: Store, now: dt.datetime, grace: dt.timedelta | None = None) -> Known:
    """What the sensor knew at its last tick; the grace alone where that isn't known.

    `grace` is that of alerts.yaml as somebody has just read it; None: that of the last tick.
    """
    with contextlib.suppress(CorruptError):
        if (sign := last_sign(store)) is not None:
            return sign.known(grace, now)
    return Known(grace=GRACE if grace is None else grace)


def is_watched(store: Store, now: dt.datetime) -> bool:
    """Whether Dagster's sensor looks after the fleet, as far as it can be told."""
    with contextlib.suppress(CorruptError):
        sign = last_sign(store)
        return sign is not None and sign.is_fresh(now)
    return False


def unwatched(store: Store, now: dt.datetime) -> Alert | None:
    """The alert that Dagster is silent, or that nobody can tell whether it is; or else None."""
    try:
        return silence(last_sign(store), now)
    except CorruptError as error:
        return Alert(
            kind="unreadable",
            severity="critical",
            model=None,
            key=f"unreadable||{FILE}",
            sentence=f"whether Dagster looks after the fleet is not known: {error}",
            works="what is in production stays; a sensor that runs writes it anew each minute",
            command="systemctl status model-refresh-daemon; then model-refresh alerts",
        )


def silence(sign: SignOfLife | None, now: dt.datetime) -> Alert | None:
    """The alert that Dagster no longer looks after the fleet; None where it does, or never did."""
    if sign is None or sign.is_fresh(now):
        return None
    return Alert(
        kind="not_started",
        severity="critical",
        model=None,
        key="not_started||dagster",
        sentence=f"Dagster has not looked after the fleet since {sign.at:%Y-%m-%d %H:%M} UTC: no "
        "schedule and no sensor runs, or the sensor alerts was stopped on its page",
        works="what is in production stays; scores and scorers are as they were",
        command="systemctl status model-refresh-daemon; then model-refresh alerts",
        since=sign.at,
    )


def _file(store: Store) -> Path:
    return store.alerts.folder / FILE
