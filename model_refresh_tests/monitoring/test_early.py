"""Drift, decay and staleness: which ask for a refresh, once, and when again."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.reasons import decayed, drifted, priority, stale, wants_wide_search
from model_refresh_tests.factories import AS_OF, make_model, make_purchases
from model_refresh_tests.monitoring.worlds import (
    DAY,
    begin,
    crown,
    grade,
    move,
    state_at,
    store_of,
)

NOW = AS_OF + dt.timedelta(hours=9)
WEEK = 7 * DAY


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return make_purchases(customers=2)


@pytest.fixture
def model(tmp_path: Path, rows: pl.DataFrame) -> Model:
    """Weekly frames whose labels take 28 days; decay is answered by a refresh."""
    return make_model(tmp_path, purchases=rows, on_decay="refresh")


def test_drift_of_the_newest_frame_asks_for_a_wide_refresh_of_it(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    assert drifted(state_at(model, NOW)) is None, "nothing was measured"
    move(store, AS_OF)
    reason = drifted(state_at(model, NOW))
    assert reason is not None
    assert (reason.kind, reason.as_of) == ("drift", AS_OF)
    assert reason.sentence == "frame 1998-03-02: drift: psi of spend 0.31 is above 0.2"
    assert reason.request == "repurchase|1998-03-02|drift|1998-03-02"
    assert reason.wants_wide_search


def test_nothing_begins_before_the_data_of_its_frame_are_expected(model: Model) -> None:
    """The schedule ticks at six: a champion that is old at midnight waits until then."""
    store, six = store_of(model), AS_OF + dt.timedelta(hours=6)
    crown(store, AS_OF - 22 * WEEK)
    move(store, AS_OF)
    grade(store, AS_OF - 4 * WEEK, remedy="refresh")
    for ask in (drifted, decayed, stale):
        assert ask(state_at(model, AS_OF + dt.timedelta(seconds=30))) is None
        assert ask(state_at(model, six - dt.timedelta(seconds=1))) is None
        assert ask(state_at(model, six)) is not None


def test_a_line_of_monitoring_that_cannot_be_read_says_nothing_of_how_wide_to_search(
    model: Model,
) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    grade(store, AS_OF - 4 * WEEK, remedy="refresh")
    store.performances(AS_OF - 4 * WEEK).path(1).write_text("{")
    assert not wants_wide_search(state_at(model, NOW))


def test_a_frame_within_its_limits_asks_for_nothing(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    move(store, AS_OF - WEEK)
    move(store, AS_OF, found=False)
    assert drifted(state_at(model, NOW)) is None
    assert not wants_wide_search(state_at(model, NOW))


def test_drift_against_a_former_champion_is_past(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    move(store, AS_OF)
    crown(store, AS_OF, version="b")
    assert drifted(state_at(model, NOW)) is None
    assert not wants_wide_search(state_at(model, NOW))


def test_where_the_frame_was_refreshed_already_the_next_refresh_searches_wide(
    model: Model,
) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    move(store, AS_OF)
    begin(store, AS_OF)
    assert drifted(state_at(model, NOW)) is None
    assert wants_wide_search(state_at(model, NOW))


def test_drift_that_lasts_asks_again_when_there_are_labels_of_it(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    asked = AS_OF - 3 * WEEK
    for weeks in range(3):
        as_of = AS_OF + weeks * WEEK
        move(store, as_of)
        reason = drifted(state_at(model, as_of + DAY), asked=asked)
        assert (reason is not None) == (as_of >= asked + 4 * WEEK)


def test_drift_is_no_reason_where_the_model_says_so(tmp_path: Path, rows: pl.DataFrame) -> None:
    model = make_model(tmp_path, purchases=rows, triggers={"drift": False})
    crown(store_of(model), AS_OF - 2 * WEEK)
    move(store_of(model), AS_OF)
    assert drifted(state_at(model, NOW)) is None


def test_before_the_first_possible_refresh_nothing_is_asked_for(model: Model) -> None:
    store, early = store_of(model), dt.datetime(1997, 3, 10, tzinfo=dt.UTC)
    crown(store, early)
    move(store, early)
    grade(store, early, remedy="refresh")
    assert drifted(state_at(model, early + DAY)) is None
    assert decayed(state_at(model, early + DAY)) is None


def test_decay_that_a_refresh_answers_asks_for_one(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 8 * WEEK)
    grade(store, AS_OF - 4 * WEEK, remedy=None)
    assert decayed(state_at(model, NOW)) is None
    grade(store, AS_OF - 3 * WEEK, remedy="refresh")
    reason = decayed(state_at(model, NOW))
    assert reason is not None
    assert reason.sentence == "batch 1998-02-09: log loss 0.4 against 0.3 promised"
    assert reason.request == "repurchase|1998-03-02|decay|1998-02-09"
    assert wants_wide_search(state_at(model, NOW))
    assert decayed(state_at(model, NOW), asked=AS_OF - WEEK) is None
    crown(store, AS_OF, version="b")
    assert decayed(state_at(model, NOW)) is None, "another champion since"


def test_decay_that_a_person_answers_asks_for_none(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 8 * WEEK)
    grade(store, AS_OF - 3 * WEEK, remedy="alert")
    assert decayed(state_at(model, NOW)) is None


def test_a_rollback_that_does_not_come_about_is_answered_by_a_refresh(model: Model) -> None:
    graded_at = NOW - dt.timedelta(minutes=2)
    store = store_of(model, graded_at)
    crown(store, AS_OF - 8 * WEEK)
    grade(store, AS_OF - 3 * WEEK, remedy="rollback")
    assert decayed(state_at(model, NOW)) is None, "it may be under way"
    reason = decayed(state_at(model, NOW + dt.timedelta(minutes=10)))
    assert reason is not None


def test_a_champion_older_than_its_budget_asks_once_in_a_quarter_of_it(model: Model) -> None:
    """4 x (28 + 7) days by default, so every 35 days."""
    store = store_of(model)
    crown(store, AS_OF - 20 * WEEK)
    assert stale(state_at(model, AS_OF)) is None, "140 days are allowed"
    reason = stale(state_at(model, NOW))
    assert reason is not None
    assert reason.sentence == "the champion is 140 days old and past champion.max_age, 140 days"
    assert reason.request == "repurchase|1998-03-02|staleness|entry 1"
    assert not reason.wants_wide_search
    begin(store, AS_OF)
    for weeks in range(1, 5):
        assert stale(state_at(model, NOW + weeks * WEEK)) is None
    assert stale(state_at(model, NOW + 5 * WEEK)) is not None
    assert stale(state_at(model, NOW + 5 * WEEK), asked=AS_OF + WEEK) is None


def test_a_champion_that_was_brought_back_is_as_old_as_its_own_refresh(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 30 * WEEK, version="a")
    crown(store, AS_OF - 2 * WEEK, version="b")
    assert state_at(model, AS_OF).age == 2 * WEEK
    crown(store, AS_OF - 2 * WEEK, version="a", kind="rollback")
    assert state_at(model, AS_OF).age == 30 * WEEK
    assert stale(state_at(model, NOW)) is not None


def test_without_a_champion_nothing_is_stale(model: Model) -> None:
    assert stale(state_at(model, NOW)) is None
    assert state_at(model, NOW).age is None


def test_staleness_is_no_reason_where_the_model_says_so(tmp_path: Path, rows: pl.DataFrame) -> None:
    model = make_model(tmp_path, purchases=rows, staleness=False)
    crown(store_of(model), AS_OF - 30 * WEEK)
    assert stale(state_at(model, NOW)) is None
    assert state_at(model, NOW).is_overdue


@pytest.mark.parametrize(
    ("declared", "weeks", "place"), [(0, 0, 0), (0, 3, 3), (-2, 3, -1997), (5, 2000, 5053)]
)
def test_who_has_waited_longest_comes_first_among_those_of_one_priority(
    tmp_path: Path, rows: pl.DataFrame, declared: int, weeks: int, place: int
) -> None:
    model = make_model(tmp_path, purchases=rows, priority=declared)
    begin(store_of(model), max(AS_OF - weeks * WEEK, model.cadence.start - WEEK))
    assert priority(state_at(model, NOW)) == place
