"""What is allowed and probably not meant: said by `check`, and never an error."""

import datetime as dt
import zoneinfo

from model_refresh.config.cron import parse_cron
from model_refresh.config.model import Model
from model_refresh.splits import Cadence

_A_YEAR = 366


def warnings(model: Model) -> tuple[str, ...]:
    """One sentence each, with what to do about it."""
    found = (_early_schedule(model), _short_search(model), _missing_constant(model))
    return tuple(sentence for sentence in found if sentence is not None)


def _early_schedule(model: Model) -> str | None:
    """The schedule's day, read in its own zone, has no frame yet in UTC."""
    schedule, cadence = model.spec.schedule, model.cadence
    if cadence.next(cadence.start) - cadence.start < dt.timedelta(days=1):
        return None
    zone = zoneinfo.ZoneInfo(schedule.timezone)
    for local in parse_cron(schedule.cron).fires(cadence.start.date(), _A_YEAR):
        as_meant = cadence.floor(local.replace(tzinfo=dt.UTC))
        in_utc = local.replace(tzinfo=zone).astimezone(dt.UTC)
        if (as_found := cadence.floor(in_utc)) != as_meant:
            return (
                f"schedule.cron {schedule.cron!r} fires at {local:%a %Y-%m-%d %H:%M} in "
                f"{schedule.timezone}, which is {in_utc:%a %H:%M} UTC: it takes the frame of "
                f"{_key(cadence, as_found)}, not of {_key(cadence, as_meant)}; choose a later hour"
            )
    return None


def _key(cadence: Cadence, instant: dt.datetime | None) -> str:
    return "no date yet" if instant is None else cadence.key(instant)
