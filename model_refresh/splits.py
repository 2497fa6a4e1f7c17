"""The law of time: which instants have a frame, and which frames serve what in a refresh.

Everything is UTC and plain arithmetic: no clock and no zone rules, so daylight saving and leap
days are no matter. Windows are half open and tile the time line.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, cast, get_args

from model_refresh.errors import DataError, NotDue
from model_refresh.records import FoldPlan, FramePlan

Every = Literal["1h", "2h", "3h", "4h", "6h", "8h", "12h", "1d", "7d", "1mo"]
"""How often there is a frame: what a cron line can say."""

_UNITS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
_STEPS = {
    every: int(every[:-1]) * _UNITS[every[-1]] for every in get_args(Every) if every[-1] in _UNITS
}
_MOMENT = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Cadence:
    """The instants that have a frame: `start`, and from there one every `every`, for ever.

    `every` is one of `Every`; `start` is aware, on a whole minute, for `1mo` on day 1 to 28.
    Raises ValueError for anything else.
    """

    every: str
    start: dt.datetime

    def __post_init__(self) -> None:
        if self.every not in get_args(Every):
            raise ValueError(f"every is {self.every!r}; accepted: {', '.join(get_args(Every))}")
        if self.start.tzinfo is None:
            raise ValueError(f"start {self.start} has no zone; give it one, such as UTC")
        object.__setattr__(self, "start", self.start.astimezone(dt.UTC))
        if self.start.second or self.start.microsecond:
            raise ValueError(f"start {self.start.isoformat()} is not on a whole minute")
        if self._monthly and self.start.day > 28:
            raise ValueError(
                f"start {self.start:%Y-%m-%d} is on day {self.start.day}; a monthly start is on "
                "day 1 to 28, which every month has"
            )

    @property
    def fmt(self) -> str:
        """The strftime format of keys: a date, with hour and minute below a day."""
        return "%Y-%m-%dT%H:%M" if self._below_a_day else "%Y-%m-%d"

    @property
    def cron(self) -> str:
        """The cron line, to be read in UTC, that fires at exactly these instants."""
        minute, hour = self.start.minute, self.start.hour
        if self._below_a_day:
            step = self._step // _UNITS["h"]
            hours = ",".join(str(each) for each in range(hour % step, 24, step))
            return f"{minute} {'*' if step == 1 else hours} * * *"
        if self.every == "7d":
            return f"{minute} {hour} * * {self.start.isoweekday() % 7}"
        return f"{minute} {hour} {self.start.day if self._monthly else '*'} * *"

    def contains(self, instant: dt.datetime) -> bool:
        """Whether there is a frame at this instant."""
        return self.floor(instant) == instant

    def floor(self, now: dt.datetime) -> dt.datetime | None:
        """The newest frame's instant that is not after now; None before `start`."""
        index = self._index(now)
        return None if index < 0 else self._at(index)

    def next(self, instant: dt.datetime) -> dt.datetime:
        """The first frame's instant after this one."""
        return self._at(max(self._index(instant) + 1, 0))

    def previous(self, instant: dt.datetime) -> dt.datetime | None:
        """The last frame's instant before this one; None where there is none."""
        return self.floor(instant - _MOMENT)

    def ceiling(self, instant: dt.datetime) -> dt.datetime:
        """The first frame's instant that is not before this one."""
        return self.next(instant - _MOMENT)

    def count(self, until: dt.datetime) -> int:
        """How many frames there are up to and including `until`."""
        return max(self._index(until) + 1, 0)

    def instants(self, until: dt.datetime) -> Iterator[dt.datetime]:
        """The frames' instants up to and including `until`, newest first."""
        return (self._at(index) for index in range(self._index(until), -1, -1))

    def move(self, instant: dt.datetime, frames: int) -> dt.datetime:
        """The instant that many frames later than a frame's instant, earlier where negative."""
        return self._at(self._index(instant) + frames)

    def key(self, instant: dt.datetime) -> str:
        """The partition key: `1998-03-02`, below a day `1998-03-02T12:00`."""
        return instant.astimezone(dt.UTC).strftime(self.fmt)

    def parse(self, text: str) -> dt.datetime:
        """The frame's instant that a key or an ISO instant with zone names.

        Raises DataError with the nearest instants where there is no such frame.
        """
        try:
            instant = dt.datetime.fromisoformat(text)
            if instant.tzinfo is None:
                return self.require(self._from_key(text, instant))
            return self.require(instant.astimezone(dt.UTC))
        except (ValueError, OverflowError):
            raise DataError(
                f"{text!r} is no frame's instant: give a key such as {self.key(self.start)}, or "
                f"an ISO instant with zone such as {self.start.isoformat()}",
                check="as_of",
            ) from None

    def require(self, instant: dt.datetime) -> dt.datetime:
        """The instant itself; raises DataError naming its neighbours where it has no frame."""
        if self.contains(instant):
            return instant
        before, after = self.previous(instant), self.next(instant)
        near = f"the first is {self.key(after)}"
        if before is not None:
            near = f"the nearest are {self.key(before)} and {self.key(after)}"
        raise DataError(
            f"there is no frame at {instant:%Y-%m-%dT%H:%M} UTC "
            f"(every {self.every} from {self.start:%Y-%m-%dT%H:%M}): {near}",
            check="as_of",
        )

    @property
    def _monthly(self) -> bool:
        return self.every not in _STEPS

    @property
    def _below_a_day(self) -> bool:
        return not self._monthly and self._step < _UNITS["d"]

    @property
    def _step(self) -> dt.timedelta:
        return _STEPS[cast(Every, self.every)]

    def _from_key(self, text: str, naive: dt.datetime) -> dt.datetime:
        instant = naive.replace(tzinfo=dt.UTC)
        if len(text) > len("1998-03-02") or self._below_a_day:
            return instant
        return instant.replace(hour=self.start.hour, minute=self.start.minute)

    def _index(self, instant: dt.datetime) -> int:
        """The number of the newest frame not after the instant; `start` is 0."""
        if not self._monthly:
            return (instant - self.start) // self._step
        utc = instant.astimezone(dt.UTC)
        months = (utc.year - self.start.year) * 12 + utc.month - self.start.month
        return months - (self._at(months) > utc)

    def _at(self, index: int) -> dt.datetime:
        if not self._monthly:
            return self.start + index * self._step
        years, month = divmod(self.start.month - 1 + index, 12)
        return self.start.replace(year=self.start.year + years, month=month + 1)


@dataclass(frozen=True)
class Sizes:
    """How long labels take, and how many frames serve what.

    `holdout` and `validation` need all their frames. Training takes `window` frames where there
    are as many; `min_frames` bounds each of its three windows (tuning fits, trial, final) from
    below. The tuning fits' window is the oldest, so it decides. `folds` is how many blocks of
    validation frames there are at most, one before the other; the newest must be there.
    """

    horizon: dt.timedelta
    maturity: dt.timedelta
    window: int
    min_frames: int
    holdout: int
    validation: int
    folds: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.min_frames <= self.window or not 1 <= self.validation <= self.window:
            raise ValueError(
                f"min_frames {self.min_frames} and validation {self.validation}; accepted: 1 to "
                f"window, {self.window}"
            )
        if self.holdout < 1 or self.horizon <= dt.timedelta(0) or self.maturity < dt.timedelta(0):
            raise ValueError("holdout and horizon are above 0, maturity is not below 0")

    @property
    def gap(self) -> dt.timedelta:
        """From a frame's as_of until its labels have matured: the embargo."""
        return self.horizon + self.maturity


def matured(cadence: Cadence, by: dt.datetime, sizes: Sizes) -> Iterator[dt.datetime]:
    """M(by): the frames whose labels have matured by then, newest first."""
    return cadence.instants(by - sizes.gap)


def plan_frames(as_of: dt.datetime, *, cadence: Cadence, sizes: Sizes) -> FramePlan:
    """Which frames serve what in the refresh at as_of, each part oldest first.

    Raises NotDue with the first possible date while there are too few frames, and DataError where
    as_of is no instant of the cadence.
    """
    first = first_refresh(cadence, sizes)
    if cadence.require(as_of) < first:
        raise NotDue(
            f"no refresh on {cadence.key(as_of)}: the first possible one is on "
            f"{cadence.key(first)}, when {sizes.min_frames} tuning, {sizes.validation} validation "
            f"and {sizes.holdout} holdout frames from {cadence.key(cadence.start)} on have matured "
            "one after the other"
        )
    holdout = _newest(sizes.holdout, matured(cadence, as_of, sizes))
    trial = _newest(sizes.window, matured(cadence, holdout[0], sizes))
    newest, *older = reversed(plan_folds(trial, cadence=cadence, sizes=sizes))
    parts = {
        "tuning": newest.tuning,
        "trial": trial,
        "final": _newest(sizes.window, matured(cadence, as_of, sizes)),
    }
    return FramePlan(
        as_of=as_of,
        validation=newest.validation,
        earlier=tuple(older[::-1]),
        holdout=holdout,
        notes=tuple(
            f"{part} has {len(frames)} of {sizes.window} frames: there are none before "
            f"{cadence.key(cadence.start)}"
            for part, frames in parts.items()
            if len(frames) < sizes.window
        ),
        **parts,
    )


def plan_folds(
    trial: tuple[dt.datetime, ...], *, cadence: Cadence, sizes: Sizes
) -> tuple[FoldPlan, ...]:
    """The folds of a trial window, oldest first: blocks of its frames, each with its own past.

    A fold's past is what had matured at its oldest validation frame: that gap is the embargo. Older
    folds are left out from the first on that has too short a past.
    """
    found: list[FoldPlan] = []
    for end in range(len(trial), sizes.validation - 1, -sizes.validation):
        block = trial[end - sizes.validation : end]
        past = _newest(sizes.window, matured(cadence, block[0], sizes))
        if found and (len(found) == sizes.folds or len(past) < sizes.min_frames):
            break
        found.append(FoldPlan(tuning=past, validation=block))
    return tuple(reversed(found))


def first_refresh(cadence: Cadence, sizes: Sizes) -> dt.datetime:
    """The first as_of on which every part of the plan has the frames that it needs."""
    reached = cadence.start
    for needed in (sizes.min_frames, sizes.validation, sizes.holdout):
        newest = cadence.move(reached, needed - 1)
        reached = cadence.ceiling(newest + sizes.gap)
    return reached


def _newest(number: int, newest_first: Iterator[dt.datetime]) -> tuple[dt.datetime, ...]:
    """Up to `number` instants, oldest first."""
    return tuple(islice(newest_first, number))[::-1]
