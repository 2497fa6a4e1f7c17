"""What is allowed and probably not meant: said by `check`, and never an error."""

import datetime as dt
import math
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache

from model_refresh.config.cron import parse_cron
from model_refresh.config.model import Model
from model_refresh.config.values import format_duration
from model_refresh.gates import NonInferior, Superior
from model_refresh.gates.slices import Slices
from model_refresh.gates.stability import Stability
from model_refresh.gates.twin_agreement import TwinAgreement
from model_refresh.metrics.intervals import MIN_GROUPS
from model_refresh.splits import Cadence

_A_YEAR = 366


def warnings(model: Model) -> tuple[str, ...]:
    """One sentence each, with what to do about it."""
    fires = _fires(model)
    found = (_early(model, fires), _few_groups(model), _no_first(model))
    return tuple(sentence for sentence in found if sentence is not None)


@dataclass(frozen=True)
class _Fire:
    """A tick of the schedule: as its wall clock shows it, and the frame that it takes."""

    local: dt.datetime
    utc: dt.datetime
    frame: dt.datetime


def _fires(model: Model) -> list[_Fire]:
    """The ticks in the first year of frames, in order."""
    schedule = model.spec.schedule
    return _fires_of(schedule.cron, schedule.timezone, model.cadence)


@lru_cache(maxsize=256)
def _fires_of(cron: str, timezone: str, cadence: Cadence) -> list[_Fire]:
    zone = zoneinfo.ZoneInfo(timezone)
    fires = []
    for local in parse_cron(cron).fires(cadence.start.date(), _A_YEAR):
        utc = local.replace(tzinfo=zone).astimezone(dt.UTC)
        if (frame := cadence.floor(utc)) is not None:
            fires.append(_Fire(local, utc, frame))
    return fires


def _early(model: Model, fires: list[_Fire]) -> str | None:
    """The schedule's day, read in its own zone, has no frame yet in UTC."""
    schedule, cadence = model.spec.schedule, model.cadence
    if _below_a_day(cadence):
        return None
    for fire in fires:
        meant = cadence.floor(fire.local.replace(tzinfo=dt.UTC))
        if meant is not None and meant > fire.frame:
            return (
                f"schedule.cron {schedule.cron!r} fires on {fire.local:%a %Y-%m-%d %H:%M} in "
                f"{schedule.timezone}, which is {fire.utc:%a %H:%M} UTC: it takes the frame of "
                f"{cadence.key(fire.frame)}, not that of {cadence.key(meant)}; choose a later hour"
            )
    return None


def _few_groups(model: Model) -> str | None:
    """Events are grouped by their day; with few days nothing can be judged, so nobody promoted."""
    spec, cadence = model.spec, model.cadence
    if spec.frame.rows != "event" or spec.comparison.group is not None:
        return None
    every, enough = cadence.next(cadence.start) - cadence.start, dt.timedelta(days=MIN_GROUPS)
    covered = spec.training.holdout * every
    if covered >= enough:
        return None
    return (
        f"the holdout covers {format_duration(covered)} of events, and rows of one day are one "
        f"group: {MIN_GROUPS} groups are needed to judge anything; set training.holdout to "
        f"{math.ceil(enough / every)}, or name another comparison.group"
    )


def _no_first(model: Model) -> str | None:
    """Gates that only compare with an incumbent let no first champion pass."""
    comparing = (NonInferior, Superior, Slices, Stability, TwinAgreement)
    if not all(isinstance(gate, comparing) for gate in model.spec.gates):
        return None
    return (
        "all gates compare with an incumbent: while there is none, nobody is promoted; list "
        "beats_constant too, or promote the first champion by hand"
    )


def _below_a_day(cadence: Cadence) -> bool:
    return cadence.next(cadence.start) - cadence.start < dt.timedelta(days=1)
