"""A cadence that the data's span allows: from frame to frame, how far to look ahead, since when.

Everything is measured against the law of time: a refresh at the data's end must find its frames.
"""

import datetime as dt
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from model_refresh.config.values import format_duration, parse_duration
from model_refresh.errors import DataError
from model_refresh.scaffold.facts import Table, answers
from model_refresh.scaffold.moments import Moment
from model_refresh.scaffold.roles import Roles, Wishes
from model_refresh.splits import Cadence, Sizes, first_refresh

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MONTH = dt.timedelta(days=31)
WINDOW = 8
_FEWEST_UNITS = 5
_STEPS = {"1h": HOUR, "6h": 6 * HOUR, "1d": DAY, "7d": 7 * DAY, "1mo": MONTH}
_HISTORY = (
    ("1h", HOUR), ("1h", 6 * HOUR), ("6h", DAY), ("1d", DAY), ("1d", 7 * DAY), ("7d", 7 * DAY),
    ("7d", 14 * DAY), ("7d", 28 * DAY), ("1mo", 91 * DAY),
)  # fmt: skip
_RATE_WANTED = 0.15
_WARM_UP = 0.15
_LOOKED_AHEAD = 6
_FEWEST_FRAMES = 12


@dataclass(frozen=True)
class Span:
    """From when to when there are rows, as UTC instants."""

    first: dt.datetime
    last: dt.datetime
    rows: int

    @property
    def length(self) -> dt.timedelta:
        """From the first row to the last."""
        return self.last - self.first


@dataclass(frozen=True)
class Timing:
    """A cadence, a horizon, and the newest refresh that the data allow; `seen` says why."""

    every: str
    start: dt.datetime
    horizon: dt.timedelta
    maturity: dt.timedelta
    newest: dt.datetime
    end: dt.datetime
    seen: str

    @property
    def cadence(self) -> Cadence:
        """Which instants have a frame."""
        return Cadence(every=self.every, start=self.start)

    @property
    def step(self) -> dt.timedelta:
        """From one frame to the next; of a month its longest."""
        return _STEPS.get(self.every) or parse_duration(self.every)

    def sizes(self, *, window: int = WINDOW, holdout: int = 1, validation: int = 1) -> Sizes:
        """How many frames serve what."""
        return Sizes(
            horizon=self.horizon,
            maturity=self.maturity,
            window=window,
            min_frames=min(2, window),
            holdout=holdout,
            validation=validation,
            folds=2,
        )


def find_span(table: Table, moment: Moment, *, only: str = "") -> Span:
    """The first and the last instant of the rows, of all of them. Raises DataError without one."""
    where = f"WHERE {only}" if only else ""
    row = table.ask(
        f"SELECT min({moment.sql}) AS first, max({moment.sql}) AS last, "
        f"count({moment.sql}) AS rows FROM {table.sql} {where}"
    )
    first, last = row["first"], row["last"]
    if not isinstance(first, dt.datetime) or not isinstance(last, dt.datetime):
        raise DataError("no row has both a time and a label", check="time")
    return Span(first.replace(tzinfo=dt.UTC), last.replace(tzinfo=dt.UTC), int(str(row["rows"])))


def last_quiet(table: Table, moment: Moment, step: dt.timedelta) -> dt.timedelta | None:
    """How long before the end of a day its last row comes, at most, in 19 of 20; None: too few.

    Of frames less than a day apart it is asked of hours. Rounded up to a twelfth of an hour or a
    whole one, and no more than half of the time that was asked of.
    """
    unit, length, whole = ("day", DAY, HOUR) if step >= DAY else ("hour", HOUR, HOUR / 12)
    row = table.ask(
        f"SELECT quantile_cont(epoch(until - last), 0.95) AS quiet, count(*) AS units FROM ("
        f"SELECT date_trunc('{unit}', {moment.sql}) + INTERVAL 1 {unit.upper()} AS until, "
        f"max({moment.sql}) AS last FROM {table.sql} GROUP BY ALL) "
        f"WHERE until <= (SELECT max({moment.sql}) FROM {table.sql})"
    )
    if int(str(row["units"])) < _FEWEST_UNITS:
        return None
    quiet = dt.timedelta(seconds=float(str(row["quiet"])))
    return min(-(-quiet // whole) * whole, length / 2)


def find_timing(table: Table, roles: Roles, wishes: Wishes, *, now: dt.datetime) -> Timing:
    """The timing for a table's roles. Raises DataError where the data are too short for any."""
    labelled = f"{roles.label.column.sql} IS NOT NULL" if roles.label else ""
    span = find_span(table, roles.moment, only=labelled if roles.shape == "events" else "")
    fitted = {"history": _of_history, "panel": _of_panel, "events": _of_events}[roles.shape]
    timing = fitted(table, roles, span=span, wishes=wishes)
    return _ending(timing, roles, span=span, now=now)


def _of_history(table: Table, roles: Roles, *, span: Span, wishes: Wishes) -> Timing:
    every, horizon, seen = _looking_ahead(table, roles, span=span, wishes=wishes)
    start = _start(span.first + max(horizon, _WARM_UP * span.length), every)
    return _timing(every, start, horizon=horizon, span=span, seen=seen)


def _looking_ahead(
    table: Table, roles: Roles, *, span: Span, wishes: Wishes
) -> tuple[str, dt.timedelta, str]:
    """The horizon in which neither nearly all nor nearly none come back."""
    wished = parse_duration(wishes.horizon) if wishes.horizon else None
    possible = [
        (every, horizon) for every, horizon in _HISTORY if horizon * _LOOKED_AHEAD <= span.length
    ] or [_HISTORY[0]]
    if roles.moment.is_day:
        possible = [pair for pair in possible if _STEPS[pair[0]] >= DAY] or [("1d", DAY)]
    horizons = {horizon for _, horizon in possible}
    rates = dict(_rates(table, roles, span=span, horizons=horizons))
    every, horizon = min(possible, key=lambda pair: _odds_apart(rates[pair[1]], pair[1]))
    if wished is not None:
        every = next((e for e, h in reversed(possible) if h <= wished), "1d")
        horizon = wished
    rate = rates.get(horizon)
    seen = "" if rate is None else f"{rate:.0%} of keys come back within {format_duration(horizon)}"
    return wishes.every or every, horizon, seen


def _odds_apart(rate: float, horizon: dt.timedelta) -> tuple[float, dt.timedelta]:
    """How far a rate stands from the wanted one; the longer horizon of two that are alike."""
    bounded = min(max(rate, 1e-6), 1 - 1e-6)
    odds = math.log(bounded / (1 - bounded)) - math.log(_RATE_WANTED / (1 - _RATE_WANTED))
    return round(abs(odds), 1), -horizon


def _rates(
    table: Table, roles: Roles, *, span: Span, horizons: set[dt.timedelta]
) -> Iterator[tuple[dt.timedelta, float]]:
    """For each horizon the share of keys known before it that come back in the data's last one."""
    who = ", ".join(c.sql for c in roles.entity)
    known = " AND ".join(f"{c.sql} IS NOT NULL" for c in roles.entity)
    when = roles.moment.sql
    for horizon in sorted(horizons):
        parameters = {"as_of": span.last - horizon}
        select = (
            "SELECT avg((newest >= $as_of)::INTEGER) AS rate FROM ("
            f"SELECT max({when}) AS newest FROM {table.sql} WHERE {known} GROUP BY {who} "
            f"HAVING min({when}) < $as_of)"
        )
        (row,) = answers(table.engine, select, parameters)
        yield horizon, float(str(row["rate"] or 0.0))


def _of_panel(table: Table, roles: Roles, *, span: Span, wishes: Wishes) -> Timing:
    gap, days = _grid(table, roles.moment)
    every = wishes.every or next((e for e, s in _STEPS.items() if gap <= s), "1mo")
    step = _STEPS.get(every) or parse_duration(every)
    if every == "1mo":
        day = min(days) if max(days) <= 28 else 25 if min(days) > 25 else 1
        horizon = dt.timedelta(days=28) if gap <= MONTH else gap + 2 * DAY
        start = _start(span.first, every).replace(day=day)
        maturity = dt.timedelta(days=3) if gap <= MONTH else dt.timedelta()
    else:
        horizon, maturity = max(step, gap), dt.timedelta()
        start = span.first.replace(second=0, microsecond=0)
        start = start if roles.moment.is_day or step < DAY else _start(span.first, every)
    if wishes.horizon:
        horizon, maturity = parse_duration(wishes.horizon), dt.timedelta()
    cadence = Cadence(every=every, start=start)
    start = cadence.ceiling(span.first + max(step, horizon) + dt.timedelta(microseconds=1))
    seen = f"there is a row every {format_gap(gap)}"
    timing = _timing(every, start, horizon=horizon, span=span, seen=seen)
    return replace(timing, maturity=maturity)


def _grid(table: Table, moment: Moment) -> tuple[dt.timedelta, list[int]]:
    """The usual gap between the instants of a panel, and the days of the month that they have."""
    select = f"SELECT DISTINCT {moment.sql} AS met FROM {table.sql} ORDER BY met DESC LIMIT 400"
    found = [row["met"] for row in answers(table.engine, select)]
    instants = sorted(at for at in found if isinstance(at, dt.datetime))
    gaps = [after - before for before, after in pairwise(instants)]
    usual = statistics.median(gap.total_seconds() for gap in gaps)
    return dt.timedelta(seconds=usual), [at.day for at in instants]


def _of_events(table: Table, roles: Roles, *, span: Span, wishes: Wishes) -> Timing:
    every = wishes.every or _event_step(span)
    step = _STEPS.get(every) or parse_duration(every)
    horizon = parse_duration(wishes.horizon) if wishes.horizon else step
    if horizon < step:
        raise DataError(
            f"--horizon {format_duration(horizon)} ends before the rows of a frame have happened, "
            f"which are those of {format_duration(step)} (a frame every {every}): give --horizon "
            f"{format_duration(step)} or more, or a shorter --every",
            check="horizon",
        )
    return _timing(every, _start(span.first, every), horizon=horizon, span=span)


def _event_step(span: Span) -> str:
    """The longest step that leaves enough frames, unless a shorter one has rows enough."""
    possible = [e for e, s in _STEPS.items() if s * _FEWEST_FRAMES <= span.length] or ["1h"]
    wanted = [e for e in possible if _a_frame(span, _STEPS[e]) >= 500 and _STEPS[e] >= 7 * DAY]
    return wanted[0] if wanted else possible[-1]


def _timing(
    every: str, start: dt.datetime, *, horizon: dt.timedelta, span: Span, seen: str = ""
) -> Timing:
    """Its newest refresh is found later."""
    return Timing(every, start, horizon, dt.timedelta(), span.last, span.last, seen)


def _a_frame(span: Span, step: dt.timedelta) -> float:
    return span.rows * (step / max(span.length, step))


def _ending(timing: Timing, roles: Roles, *, span: Span, now: dt.datetime) -> Timing:
    """The same with its newest possible refresh; DataError where there is none."""
    end = span.last + (DAY if roles.moment.is_day and roles.shape != "panel" else dt.timedelta())
    end = min(end, now)
    newest = timing.cadence.floor(end)
    if newest is not None and roles.shape == "events" and timing.cadence.next(newest) > end:
        newest = timing.cadence.previous(newest)
    first = first_refresh(timing.cadence, timing.sizes())
    if newest is None or newest < first:
        raise DataError(
            f"the data go from {span.first:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}; with a frame "
            f"every {timing.every} and labels {format_duration(timing.horizon)} later the first "
            f"refresh needs data until {first:%Y-%m-%d %H:%M}: give a shorter --horizon or "
            "--every, or more data",
            check="time",
        )
    return replace(timing, newest=newest, end=end)


def _start(at: dt.datetime, every: str) -> dt.datetime:
    """The first whole hour, day, Monday or month that is not before an instant."""
    step = _STEPS.get(every) or parse_duration(every)
    unit = "hour" if step < DAY else "day"
    floor = at.replace(minute=0, second=0, microsecond=0)
    floor = floor if unit == "hour" else floor.replace(hour=0)
    ceiling = floor if floor == at else floor + (HOUR if unit == "hour" else DAY)
    if every == "7d":
        return ceiling + (-ceiling.weekday() % 7) * DAY
    if every == "1mo" and ceiling.day > 1:
        return (ceiling.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return ceiling


def format_gap(gap: dt.timedelta) -> str:
    """A length of time in the largest unit that says it well."""
    for unit, name in ((DAY, "days"), (HOUR, "hours")):
        if gap >= unit:
            return f"{gap / unit:g} {name}"
    return f"{gap.total_seconds():g} seconds"
