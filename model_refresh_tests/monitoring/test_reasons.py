"""Is a refresh due, and why."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.reasons import postponed, scheduled
from model_refresh.monitoring.sources import look_at_source
from model_refresh_tests.factories import START, make_model

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
NOW = MONDAY + dt.timedelta(days=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Refreshed on Mondays at 6 in Berlin."""
    schedule = {"cron": "0 6 * * MON", "timezone": "Europe/Berlin"}
    return make_model(tmp_path_factory.mktemp("files"), schedule=schedule)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (MONDAY, MONDAY),
        (MONDAY - dt.timedelta(microseconds=1), MONDAY - dt.timedelta(days=7)),
        (dt.datetime(1998, 3, 2, 6, tzinfo=ZoneInfo("Europe/Berlin")), MONDAY),
        (
            dt.datetime(1998, 3, 2, 6, tzinfo=ZoneInfo("Pacific/Auckland")),  # still Sunday in UTC
            MONDAY - dt.timedelta(days=7),
        ),
        (dt.datetime(1998, 3, 1, 20, tzinfo=ZoneInfo("America/New_York")), MONDAY),
        (START, START),
        (START - dt.timedelta(microseconds=1), None),
    ],
)
def test_a_tick_uses_the_newest_frame_that_is_not_after_now_in_utc(
    model: Model, now: dt.datetime, newest: dt.datetime | None
) -> None:
    reason = scheduled(model, now)
    assert (reason and reason.as_of) == newest


def test_a_tick_of_the_schedule_says_which_schedule(model: Model) -> None:
    reason = scheduled(model, MONDAY)
    assert reason is not None
    assert reason.kind == "schedule"
    assert reason.sentence == "scheduled: 0 6 * * MON Europe/Berlin"


def test_a_tick_before_the_first_possible_refresh_waits_for_it(model: Model) -> None:
    for early in (START - dt.timedelta(days=1), START + dt.timedelta(days=40)):
        waiting = postponed(model, scheduled(model, early), early, look=look_at_source)
        assert waiting == "repurchase: the first refresh is possible on 1997-06-02"
    assert postponed(model, scheduled(model, MONDAY), MONDAY, look=look_at_source) is None


def test_a_tick_before_the_data_leaves_the_refresh_to_the_sensor(tmp_path: Path) -> None:
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text("SELECT TIMESTAMP '1998-03-01'")
    for new_data in (True, False):
        model = make_model(tmp_path, ready="ready.sql", new_data=new_data)
        waiting = postponed(model, scheduled(model, NOW), NOW, look=look_at_source)
        assert waiting is not None
        assert "reached 1998-03-01 00:00 UTC; new_data starts the refresh of 1998-03-02" in waiting


def test_a_tick_asks_once_and_two_ticks_of_a_repeated_hour_ask_twice(model: Model) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = dt.datetime(1998, 10, 25, 2, 30, tzinfo=berlin)
    again = first.replace(fold=1)
    requests = [
        reason.request for now in (first, first, again) if (reason := scheduled(model, now))
    ]
    assert requests[0] == requests[1] != requests[2]
