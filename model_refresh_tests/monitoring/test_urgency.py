"""The order of the rows is by what needs a person, whatever order they came in."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from model_refresh.monitoring.urgency import (
    NEEDS_PERSON,
    STATES,
    by_urgency,
    states_in_order,
    totals,
)
from model_refresh.records import FleetRow
from model_refresh_tests.report.fleet.factories import make_row


def names(rows: list[FleetRow]) -> list[str]:
    return [row.name for row in rows]


def test_what_needs_a_person_stands_before_what_does_not() -> None:
    assert STATES[: len(NEEDS_PERSON)] == tuple(each for each in STATES if each in NEEDS_PERSON)
    assert STATES[-1] == "fresh"


@given(st.permutations([make_row(state=state, name=state) for state in STATES]))
def test_rows_come_in_the_order_of_their_states(rows: list[FleetRow]) -> None:
    assert names(by_urgency(rows)) == list(STATES)


def test_of_one_state_the_older_champion_comes_first_and_then_the_name() -> None:
    rows = [
        make_row(name="b", age=10.0, max_age=100.0),
        make_row(name="a", age=10.0, max_age=100.0),
        make_row(name="old", age=99.0, max_age=100.0),
        make_row(name="none", age=None),
    ]
    for order in itertools.permutations(rows):
        assert names(by_urgency(order)) == ["old", "a", "b", "none"]


def test_a_row_is_named_by_the_most_urgent_of_its_states() -> None:
    assert states_in_order(["held", "overdue", "rejected"]) == ("rejected", "overdue", "held")
    assert states_in_order([]) == ("fresh",)


def test_totals_count_people_and_hours() -> None:
    rows = [
        make_row(state="failed", week_cpu_seconds=1_800.0),
        make_row(state="held", week_cpu_seconds=5_400.0),
        make_row(state="fresh", week_cpu_seconds=0.0),
    ]
    found = totals(rows)
    assert (found.models, found.need_person, found.fresh) == (3, 1, 1)
    assert found.week_cpu_hours == 2.0
    assert found.sentence.startswith("3 models: 1 needs a person, 1 fresh; 2 CPU hours")
