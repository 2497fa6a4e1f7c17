"""The table of frames in the design, to the date, and what the cadence says of odd instants."""

import datetime as dt

import pytest

from model_refresh.errors import DataError, NotDue
from model_refresh.splits import Cadence, Sizes, first_refresh, plan_frames

WEEKLY = Cadence("7d", dt.datetime(1997, 3, 3, tzinfo=dt.UTC))


def day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def sizes(horizon: int = 28, **overrides: int) -> Sizes:
    declared = {"window": 8, "min_frames": 2, "holdout": 1, "validation": 1} | overrides
    return Sizes(horizon=dt.timedelta(days=horizon), maturity=dt.timedelta(0), **declared)


@pytest.mark.parametrize(
    ("horizon", "part", "first", "last", "frames"),
    [
        (28, "tuning", "1997-10-20", "1997-12-08", 8),
        (28, "validation", "1998-01-05", "1998-01-05", 1),
        (28, "trial", "1997-11-17", "1998-01-05", 8),
        (28, "holdout", "1998-02-02", "1998-02-02", 1),
        (28, "final", "1997-12-15", "1998-02-02", 8),
        (7, "tuning", "1997-12-22", "1998-02-09", 8),
        (7, "validation", "1998-02-16", "1998-02-16", 1),
        (7, "trial", "1997-12-29", "1998-02-16", 8),
        (7, "holdout", "1998-02-23", "1998-02-23", 1),
        (7, "final", "1998-01-05", "1998-02-23", 8),
    ],
)
def test_the_table_of_frames_for_1998_03_02_is_kept_to_the_date(
    horizon: int, part: str, first: str, last: str, frames: int
) -> None:
    plan = plan_frames(day("1998-03-02"), cadence=WEEKLY, sizes=sizes(horizon))
    found = getattr(plan, part)
    assert (found[0], found[-1], len(found)) == (day(first), day(last), frames)
    assert plan.notes == ()


def test_maturity_moves_every_part_back_as_a_longer_horizon_does() -> None:
    slow = Sizes(dt.timedelta(days=21), dt.timedelta(days=7), 8, 2, 1, 1)
    as_of = day("1998-03-02")
    assert plan_frames(as_of, cadence=WEEKLY, sizes=slow) == plan_frames(
        as_of, cadence=WEEKLY, sizes=sizes(28)
    )


def test_fewer_frames_than_the_window_are_used_and_said() -> None:
    plan = plan_frames(day("1997-06-02"), cadence=WEEKLY, sizes=sizes())
    assert [f"{t:%m-%d}" for t in plan.tuning] == ["03-03", "03-10"]
    assert plan.notes == (
        "tuning has 2 of 8 frames: there are none before 1997-03-03",
        "trial has 6 of 8 frames: there are none before 1997-03-03",
    )


def test_too_few_frames_are_not_due_until_the_date_that_is_said() -> None:
    first = first_refresh(WEEKLY, sizes())
    assert first == day("1997-06-02")
    plan_frames(first, cadence=WEEKLY, sizes=sizes())
    with pytest.raises(
        NotDue, match=r"no refresh on 1997-05-26.*first possible one is on 1997-06-02"
    ):
        plan_frames(day("1997-05-26"), cadence=WEEKLY, sizes=sizes())


def test_every_holdout_and_validation_frame_is_needed() -> None:
    several = sizes(7, holdout=3, validation=2, min_frames=1)
    first = first_refresh(WEEKLY, several)
    plan = plan_frames(first, cadence=WEEKLY, sizes=several)
    assert (len(plan.tuning), len(plan.validation), len(plan.holdout)) == (1, 2, 3)
    with pytest.raises(NotDue):
        plan_frames(WEEKLY.move(first, -1), cadence=WEEKLY, sizes=several)


def test_no_plan_is_made_between_two_frames() -> None:
    with pytest.raises(DataError, match="nearest are 1998-03-02 and 1998-03-09"):
        plan_frames(day("1998-03-03"), cadence=WEEKLY, sizes=sizes())


@pytest.mark.parametrize(
    ("every", "start", "cron"),
    [
        ("1h", "1997-03-03T00:30", "30 * * * *"),
        ("8h", "1997-03-03T17:00", "0 1,9,17 * * *"),
        ("12h", "1997-03-03T12:15", "15 0,12 * * *"),
        ("1d", "1997-03-03T06:05", "5 6 * * *"),
        ("7d", "1997-03-02", "0 0 * * 0"),
        ("7d", "1997-03-03", "0 0 * * 1"),
        ("1mo", "1997-03-28T23:59", "59 23 28 * *"),
    ],
)
def test_the_cron_line_is_computed_from_the_start(every: str, start: str, cron: str) -> None:
    assert Cadence(every, day(start)).cron == cron


@pytest.mark.parametrize(
    ("every", "start", "says"),
    [
        ("2d", day("1997-03-03"), "accepted: 1h, 2h"),
        ("1d", dt.datetime(1997, 3, 3), "no zone"),  # noqa: DTZ001
        ("1d", day("1997-03-03T00:00:30"), "whole minute"),
        ("1mo", day("1997-03-29"), "day 1 to 28"),
    ],
)
def test_a_cadence_that_cron_can_not_say_is_refused(
    every: str, start: dt.datetime, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Cadence(every, start)


def test_a_start_in_another_zone_is_taken_as_utc() -> None:
    auckland = dt.timezone(dt.timedelta(hours=13))
    assert Cadence("1d", dt.datetime(1997, 3, 3, 13, tzinfo=auckland)).start == day("1997-03-03")


@pytest.mark.parametrize(
    ("every", "text", "instant"),
    [
        ("7d", "1998-03-02", "1998-03-02T06:00"),
        ("7d", "1998-03-02T06:00:00Z", "1998-03-02T06:00"),
        ("7d", "1998-03-02T19:00:00+13:00", "1998-03-02T06:00"),
        ("12h", "1998-03-02T18:00", "1998-03-02T18:00"),
        ("1mo", "1998-03-03", "1998-03-03T06:00"),
    ],
)
def test_a_key_or_an_instant_with_zone_names_a_frame(every: str, text: str, instant: str) -> None:
    assert Cadence(every, day("1997-03-03T06:00")).parse(text) == day(instant)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1998-03-03", "nearest are 1998-03-02 and 1998-03-09"),
        ("1990-01-01", "the first is 1997-03-03"),
        ("1998-03-02T12:00", "nearest are 1998-03-02 and 1998-03-09"),
        ("yesterday", "give a key such as 1997-03-03"),
        ("1998-02-30", "give a key such as 1997-03-03"),
        ("9999-12-31T23:59:59-14:00", "give a key such as 1997-03-03"),
        ("9999-12-31", "give a key such as 1997-03-03"),
    ],
)
def test_what_is_no_frame_is_refused_with_its_neighbours(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as refusal:
        WEEKLY.parse(text)
    assert text[:4] in str(refusal.value)
