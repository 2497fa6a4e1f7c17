"""The law of time holds for any cadence, horizon, maturity and sizes."""

import datetime as dt
from itertools import islice, pairwise
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from model_refresh.splits import Cadence, Every, Sizes, first_refresh, matured, plan_frames

MINUTE = dt.timedelta(minutes=1)

cadences = st.builds(
    Cadence,
    every=st.sampled_from(get_args(Every)),
    start=st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2090, 1, 1)).map(  # noqa: DTZ001
        lambda t: t.replace(day=min(t.day, 28), second=0, microsecond=0, tzinfo=dt.UTC)
    ),
)
lengths = st.integers(0, 100 * 24 * 60).map(lambda minutes: minutes * MINUTE)


@st.composite
def all_sizes(draw: st.DrawFn) -> Sizes:
    window = draw(st.integers(1, 12))
    return Sizes(
        horizon=draw(lengths) + MINUTE,
        maturity=draw(lengths),
        window=window,
        min_frames=draw(st.integers(1, window)),
        holdout=draw(st.integers(1, 4)),
        validation=draw(st.integers(1, window)),
    )


@given(cadences, st.integers(0, 100 * 366 * 24 * 60))
def test_the_frames_tile_the_time_line(cadence: Cadence, minutes: int) -> None:
    now = cadence.start + minutes * MINUTE
    frame = cadence.floor(now)
    assert frame is not None
    after = cadence.next(frame)
    assert frame <= now < after
    assert cadence.previous(after) == frame == cadence.ceiling(frame)
    assert cadence.next(now) == after == cadence.move(frame, 1)
    assert cadence.contains(frame)
    assert cadence.contains(now) == (frame == now)


@given(cadences)
def test_there_is_no_frame_before_the_start(cadence: Cadence) -> None:
    before = cadence.start - MINUTE
    assert cadence.floor(before) is None
    assert cadence.previous(cadence.start) is None
    assert cadence.count(before) == 0
    assert list(cadence.instants(before)) == []
    assert cadence.next(before) == cadence.start


@given(cadences, st.integers(0, 3000))
def test_a_key_names_its_frame_and_no_other(cadence: Cadence, number: int) -> None:
    instant = cadence.move(cadence.start, number)
    key = cadence.key(instant)
    assert cadence.parse(key) == instant == cadence.parse(instant.isoformat())
    assert dt.datetime.strptime(key, cadence.fmt)  # noqa: DTZ007
    assert key < cadence.key(cadence.next(instant))


@given(cadences, st.integers(0, 300))
def test_the_newest_frames_are_counted_and_come_first(cadence: Cadence, number: int) -> None:
    until = cadence.move(cadence.start, number)
    frames = list(cadence.instants(until))
    assert len(frames) == cadence.count(until) == number + 1
    assert frames == sorted(frames, reverse=True)
    assert (frames[0], frames[-1]) == (until, cadence.start)


@given(st.sampled_from(get_args(Every)), st.integers(1, 28), st.integers(0, 2000))
def test_every_step_is_one_length_or_one_month(every: Every, day: int, number: int) -> None:
    cadence = Cadence(every, dt.datetime(1996, 2, day, 5, 30, tzinfo=dt.UTC))
    first = cadence.move(cadence.start, number)
    second = cadence.next(first)
    if every == "1mo":
        assert (second.day, second.time()) == (first.day, first.time())
        assert (second.year * 12 + second.month) - (first.year * 12 + first.month) == 1
    else:
        hours = int(every[:-1]) * (24 if every.endswith("d") else 1)
        assert second - first == dt.timedelta(hours=hours)


@given(cadences, all_sizes(), st.integers(0, 40))
def test_nothing_is_learned_that_was_unknown_when_it_is_judged(
    cadence: Cadence, sizes: Sizes, later: int
) -> None:
    as_of = cadence.move(first_refresh(cadence, sizes), later)
    plan = plan_frames(as_of, cadence=cadence, sizes=sizes)
    known = {
        part: max(getattr(plan, part)) + sizes.horizon + sizes.maturity
        for part in ("tuning", "validation", "trial", "holdout", "final")
    }
    assert known["tuning"] <= min(plan.validation)
    assert max(known["trial"], known["tuning"], known["validation"]) <= min(plan.holdout)
    assert max(known.values()) <= as_of


@given(cadences, all_sizes(), st.integers(0, 40))
def test_each_part_is_the_newest_run_of_frames_that_may_serve(
    cadence: Cadence, sizes: Sizes, later: int
) -> None:
    as_of = cadence.move(first_refresh(cadence, sizes), later)
    plan = plan_frames(as_of, cadence=cadence, sizes=sizes)
    by = {"final": as_of, "holdout": as_of, "trial": plan.holdout[0], "tuning": plan.validation[0]}
    for part, instant in by.items():
        frames = getattr(plan, part)
        newest = list(islice(matured(cadence, instant, sizes), len(frames)))
        assert list(frames) == newest[::-1]
        assert all(cadence.next(a) == b for a, b in pairwise(frames))
    assert plan.validation == plan.trial[-sizes.validation :]
    assert (len(plan.holdout), len(plan.validation)) == (sizes.holdout, sizes.validation)
    for part in ("tuning", "trial", "final"):
        assert sizes.min_frames <= len(getattr(plan, part)) <= sizes.window
        short = len(getattr(plan, part)) < sizes.window
        assert short == any(note.startswith(part) for note in plan.notes)


@given(cadences, all_sizes())
def test_the_first_refresh_is_the_first_that_has_all_its_frames(
    cadence: Cadence, sizes: Sizes
) -> None:
    before = cadence.previous(first_refresh(cadence, sizes))
    assert before is not None
    holdout = list(islice(matured(cadence, before, sizes), sizes.holdout))
    trial = list(matured(cadence, holdout[-1], sizes)) if len(holdout) == sizes.holdout else []
    judged = trial[: sizes.validation]
    tuning = matured(cadence, judged[-1], sizes) if len(judged) == sizes.validation else iter(())
    assert len(list(tuning)) < sizes.min_frames
