"""Which runs are ended, and which are started once more: rules over what is."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.monitoring.recovery import (
    CRASH_RETRIES,
    CRASHES,
    END_GRACE,
    LAUNCH_GRACE,
    RETRY_WITHIN,
    TRANSIENT_WAITS,
    RunFacts,
    ending,
    to_start_again,
)

NOW = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
GATE = "STEP_FAILURE"


def run(name: str = "first", **changes: Any) -> RunFacts:
    """A refresh that has just crashed."""
    facts = RunFacts(
        id=name,
        root=name,
        status="failed",
        worker="gone",
        changed_at=NOW - SECOND,
        created_at=NOW - 60 * SECOND,
        subject="churn|refresh",
        as_of="2026-03-02",
    )
    return replace(facts, **changes)


@pytest.mark.parametrize(
    ("status", "worker", "age", "end"),
    [
        ("started", "alive", 10**6 * SECOND, None),
        ("started", "unknown", 10**6 * SECOND, None),
        ("started", "gone", SECOND, "failed"),
        ("started", "none", SECOND, "failed"),
        ("starting", "alive", 10**6 * SECOND, None),
        ("starting", "gone", SECOND, "failed"),
        ("starting", "none", LAUNCH_GRACE, None),
        ("starting", "none", LAUNCH_GRACE + SECOND, "failed"),
        ("starting", "unknown", LAUNCH_GRACE, None),
        ("starting", "unknown", LAUNCH_GRACE + SECOND, "failed"),
        ("canceling", "alive", END_GRACE, None),
        ("canceling", "alive", END_GRACE + SECOND, "canceled"),
        ("canceling", "gone", SECOND, "canceled"),
        ("waiting", "none", 10**6 * SECOND, None),
        ("done", "gone", SECOND, None),
        ("failed", "gone", 10**6 * SECOND, None),
        ("done", "alive", END_GRACE, None),
    ],
)
def test_a_run_is_ended_where_it_can_not_go_on(
    status: Any, worker: Any, age: dt.timedelta, end: str | None
) -> None:
    found = ending(run(status=status, worker=worker, changed_at=NOW - age), NOW)
    assert (found and found.status) == end


@pytest.mark.parametrize("status", ["done", "failed", "canceled"])
def test_a_worker_that_outlives_its_run_is_ended_without_another_word_of_the_run(
    status: Any,
) -> None:
    late = run(status=status, worker="alive", changed_at=NOW - END_GRACE - SECOND)
    found = ending(late, NOW)
    assert found is not None and found.status is None


@pytest.mark.parametrize("failure", sorted(CRASHES))
def test_a_crash_is_started_once_more(failure: str) -> None:
    crashed = run(failure=failure)
    assert to_start_again([crashed], NOW) == [crashed]


@pytest.mark.parametrize("failure", [GATE, "JOB_INITIALIZATION_FAILURE"])
def test_what_failed_in_a_step_or_before_any_is_not(failure: str) -> None:
    assert to_start_again([run(failure=failure)], NOW) == []


def test_a_crash_of_the_second_start_is_the_end_of_it() -> None:
    assert CRASH_RETRIES == 1
    again = run("again", root="first", created_at=NOW)
    assert to_start_again([run(), again], NOW) == []


@pytest.mark.parametrize("status", ["waiting", "starting", "started", "done", "canceled"])
def test_one_that_was_started_again_is_not_once_more(status: Any) -> None:
    again = run("again", root="first", status=status, created_at=NOW)
    assert to_start_again([run(), again], NOW) == []


@pytest.mark.parametrize(
    ("later", "covers"),
    [
        ({"status": "done"}, True),
        ({"status": "waiting"}, True),
        ({"status": "failed", "failure": GATE}, True),
        ({"status": "done", "as_of": "2026-03-09"}, True),
        ({"status": "done", "as_of": "2026-02-23"}, False),
        ({"status": "done", "subject": "churn|score"}, False),
        ({"status": "canceled"}, False),
        ({"status": "failed"}, False),
        ({"status": "done", "created_at": NOW - 120 * SECOND}, False),
    ],
)
def test_a_later_run_of_the_same_frame_or_a_newer_one_covers_it(
    later: dict[str, Any], covers: bool
) -> None:
    other = run("other", **{"created_at": NOW, **later})
    again = to_start_again([run(), other], NOW)
    assert (run() not in again) is covers


def starts(count: int, **last: Any) -> list[RunFacts]:
    """A run and its repetitions, an hour from one to the next; all met transient faults."""
    hour = dt.timedelta(hours=1)
    names = ["first", *[f"again-{number}" for number in range(1, count)]]
    chain = [
        run(name, root="first", failure=GATE, may_pass=True, created_at=NOW - (count - number) * hour)
        for number, name in enumerate(names)
    ]  # fmt: skip
    return [*chain[:-1], replace(chain[-1], **last)]


@pytest.mark.parametrize(("count", "wait"), list(enumerate(TRANSIENT_WAITS, start=1)))
def test_what_a_transient_fault_ended_is_started_again_after_a_wait_that_grows(
    count: int, wait: dt.timedelta
) -> None:
    chain = starts(count, changed_at=NOW - wait)
    assert to_start_again(chain, NOW) == [chain[-1]]
    assert to_start_again(starts(count, changed_at=NOW - wait + SECOND), NOW) == []


def test_the_waits_grow_over_hours_and_end_within_a_day() -> None:
    assert sorted(TRANSIENT_WAITS) == list(TRANSIENT_WAITS)
    assert dt.timedelta(hours=6) < sum(TRANSIENT_WAITS, dt.timedelta()) < RETRY_WITHIN


def test_a_fault_that_does_not_pass_is_given_up() -> None:
    last = starts(len(TRANSIENT_WAITS) + 1, changed_at=NOW - TRANSIENT_WAITS[-1])
    assert to_start_again(last, NOW) == []


@pytest.mark.parametrize(
    ("last", "is_owed"),
    [
        ({"failure": "", "may_pass": False}, True),
        ({"failure": GATE, "may_pass": False}, False),
        ({"status": "done"}, False),
        ({"status": "waiting"}, False),
        ({"status": "canceled"}, False),
    ],
)
def test_the_newest_start_says_whether_another_is_owed(last: dict[str, Any], is_owed: bool) -> None:
    chain = starts(3, changed_at=NOW - TRANSIENT_WAITS[-1], **last)
    assert to_start_again(chain, NOW) == ([chain[-1]] if is_owed else [])


def test_a_newer_frame_takes_over_from_one_that_waits_for_its_fault_to_pass() -> None:
    (older,) = starts(1, changed_at=NOW - TRANSIENT_WAITS[0])
    newer = replace(older, id="newer", root="newer", as_of="2026-03-09", created_at=NOW - SECOND)
    assert to_start_again([older, newer], NOW) == [newer]


def test_a_crash_that_was_noted_long_ago_is_past_mending() -> None:
    assert to_start_again([run(changed_at=NOW - RETRY_WITHIN - SECOND)], NOW) == []


def test_what_came_first_is_started_first() -> None:
    early = run("b", subject="a|refresh", created_at=NOW - 90 * SECOND)
    late = run("a", subject="b|refresh", created_at=NOW - 30 * SECOND)
    assert to_start_again([late, early], NOW) == [early, late]


facts = st.builds(
    run,
    name=st.sampled_from("abcdef"),
    status=st.sampled_from(["waiting", "starting", "started", "done", "failed", "canceled"]),
    failure=st.sampled_from(["", GATE]),
    may_pass=st.booleans(),
    changed_at=st.sampled_from([NOW - SECOND, NOW - TRANSIENT_WAITS[-1]]),
    subject=st.sampled_from(["x|refresh", "y|refresh"]),
    as_of=st.sampled_from(["2026-03-02", "2026-03-09"]),
    created_at=st.integers(1, 9).map(lambda age: NOW - age * SECOND),
)


@given(st.lists(facts, unique_by=lambda each: each.id))
def test_whatever_happened_each_is_started_at_most_once_and_nothing_is_owed_afterwards(
    runs: list[RunFacts],
) -> None:
    owed = to_start_again(runs, NOW)
    again = [
        run(f"again-{each.id}", root=each.root, subject=each.subject, as_of=each.as_of,
            status="waiting", created_at=NOW)
        for each in owed
    ]  # fmt: skip
    assert len({each.root for each in owed}) == len(owed)
    assert to_start_again([*runs, *again], NOW) == []
