"""The table of frames in the design, to the date, and what the cadence says of odd instants."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.errors import DataError, NotDue
from model_refresh.records import FoldPlan, FramePlan
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


def spans(plan: FramePlan) -> list[str]:
    """Newest fold first: what is learned from, and what judges."""
    return [
        f"{each.tuning[0]:%m-%d}..{each.tuning[-1]:%m-%d} {len(each.tuning)} | "
        + " ".join(f"{t:%m-%d}" for t in each.validation)
        for each in reversed(plan.folds)
    ]


@pytest.mark.parametrize(
    ("horizon", "validation", "expected"),
    [
        (28, 1, ["10-20..12-08 8 | 01-05", "10-13..12-01 8 | 12-29", "10-06..11-24 8 | 12-22"]),
        (28, 2, ["10-13..12-01 8 | 12-29 01-05", "09-29..11-17 8 | 12-15 12-22",
                 "09-15..11-03 8 | 12-01 12-08"]),
        (7, 1, ["12-22..02-09 8 | 02-16", "12-15..02-02 8 | 02-09", "12-08..01-26 8 | 02-02"]),
        (7, 2, ["12-15..02-02 8 | 02-09 02-16", "12-01..01-19 8 | 01-26 02-02",
                "11-17..01-05 8 | 01-12 01-19"]),
    ],
)  # fmt: skip
def test_three_folds_for_1998_03_02_are_kept_to_the_date(
    horizon: int, validation: int, expected: list[str]
) -> None:
    several = replace(sizes(horizon, validation=validation), folds=3)
    plan = plan_frames(day("1998-03-02"), cadence=WEEKLY, sizes=several)
    assert spans(plan) == expected
    newest = plan_frames(
        day("1998-03-02"), cadence=WEEKLY, sizes=sizes(horizon, validation=validation)
    )
    assert plan == newest.model_copy(update={"earlier": plan.earlier}), "the newest is as ever"
    assert newest.earlier == ()


def test_no_more_blocks_than_the_trial_window_holds_are_folds() -> None:
    plan = plan_frames(
        day("1998-03-02"), cadence=WEEKLY, sizes=replace(sizes(7, window=5, validation=2), folds=9)
    )
    assert [len(each.validation) for each in plan.folds] == [2, 2]
    assert {t for each in plan.folds for t in each.validation} <= set(plan.trial)


def test_older_folds_with_too_short_a_past_are_left_out() -> None:
    # 03-03 is the first frame; on 06-16 holdout is 05-19, trial 03-03..04-21
    plans = {
        fewest: plan_frames(
            day("1997-06-16"), cadence=WEEKLY, sizes=replace(sizes(min_frames=fewest), folds=9)
        )
        for fewest in (1, 2, 3)
    }
    assert spans(plans[1]) == [
        "03-03..03-24 4 | 04-21",
        "03-03..03-17 3 | 04-14",
        "03-03..03-10 2 | 04-07",
        "03-03..03-03 1 | 03-31",
    ]
    assert spans(plans[2]) == spans(plans[1])[:3]
    assert spans(plans[3]) == spans(plans[1])[:2]


@st.composite
def plans(draw: st.DrawFn) -> tuple[Sizes, FramePlan]:
    """The plan of any refresh of any declaration."""
    window = draw(st.integers(1, 9))
    asked = Sizes(
        horizon=dt.timedelta(days=draw(st.integers(1, 60))),
        maturity=dt.timedelta(days=draw(st.integers(0, 20))),
        window=window,
        min_frames=draw(st.integers(1, window)),
        holdout=draw(st.integers(1, 3)),
        validation=draw(st.integers(1, window)),
        folds=draw(st.integers(1, 12)),
    )
    cadence = Cadence(draw(st.sampled_from(["1d", "7d", "1mo"])), WEEKLY.start)
    as_of = cadence.move(first_refresh(cadence, asked), draw(st.integers(0, 120)))
    return asked, plan_frames(as_of, cadence=cadence, sizes=asked)


@given(plans())
def test_no_fold_learns_what_was_not_known_when_its_validation_began(
    planned: tuple[Sizes, FramePlan],
) -> None:
    asked, plan = planned
    judged = [t for each in plan.folds for t in each.validation]
    assert judged == sorted(set(judged)), "blocks don't overlap, oldest first"
    assert judged == list(plan.trial)[-len(judged) :]
    for each in plan.folds:
        assert len(each.validation) == asked.validation
        assert asked.min_frames <= len(each.tuning) <= asked.window
        assert max(each.tuning) + asked.gap <= min(each.validation)
    assert 1 <= len(plan.folds) <= asked.folds
    assert max(judged) + asked.gap <= plan.holdout[0]
    assert plan.folds[-1] == FoldPlan(tuning=plan.tuning, validation=plan.validation)
