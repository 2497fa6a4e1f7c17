"""Is a refresh due, and why."""

import datetime as dt
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.reasons import (
    SourceState,
    look_at_source,
    new_data,
    postponed,
    scheduled,
)
from model_refresh_tests.factories import START, make_model

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
NOW = MONDAY + dt.timedelta(days=2)


def files(name: str) -> SourceState:
    return SourceState(files=name * 64)


def reached(instant: dt.datetime | None, name: str = "a") -> SourceState:
    return SourceState(files=name * 64, watermark=instant)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Refreshed on Mondays at 6 in Berlin; any change of its files is new data."""
    schedule = {"cron": "0 6 * * MON", "timezone": "Europe/Berlin"}
    return make_model(tmp_path_factory.mktemp("files"), schedule=schedule)


@pytest.fixture(scope="module")
def ready_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The same with a watermark: the newest purchase."""
    folder = tmp_path_factory.mktemp("ready")
    (folder / "repurchase").mkdir()
    (folder / "repurchase" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    return make_model(folder, ready="ready.sql")


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
def test_any_trigger_uses_the_newest_frame_that_is_not_after_now_in_utc(
    model: Model, ready_model: Model, now: dt.datetime, newest: dt.datetime | None
) -> None:
    reason = scheduled(model, now)
    assert (reason and reason.as_of) == newest
    by_files = new_data(model, now, seen=files("a"), found=files("b"))
    assert (by_files and by_files.as_of) == newest
    by_watermark = new_data(ready_model, now, seen=reached(None), found=reached(now))
    assert (by_watermark and by_watermark.as_of) == newest


def test_a_tick_of_the_schedule_says_which_schedule(model: Model) -> None:
    reason = scheduled(model, MONDAY)
    assert reason is not None
    assert reason.kind == "schedule"
    assert reason.sentence == "scheduled: 0 6 * * MON Europe/Berlin"


def test_a_tick_before_the_first_possible_refresh_waits_for_it(model: Model) -> None:
    for early in (START - dt.timedelta(days=1), START + dt.timedelta(days=40)):
        waiting = postponed(model, scheduled(model, early), early)
        assert waiting == "repurchase: the first refresh is possible on 1997-06-02"
    assert postponed(model, scheduled(model, MONDAY), MONDAY) is None


def test_a_tick_before_the_data_leaves_the_refresh_to_the_sensor(tmp_path: Path) -> None:
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text("SELECT TIMESTAMP '1998-03-01'")
    watched = make_model(tmp_path, ready="ready.sql", new_data=True)
    waiting = postponed(watched, scheduled(watched, NOW), NOW)
    assert waiting is not None
    assert "has reached 1998-03-01 00:00 UTC; new_data starts the refresh of 1998-03-02" in waiting
    alone = make_model(tmp_path, ready="ready.sql")
    assert postponed(alone, scheduled(alone, NOW), NOW) is None, "nobody else would start it"


def test_a_tick_asks_once_and_two_ticks_of_a_repeated_hour_ask_twice(model: Model) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = dt.datetime(1998, 10, 25, 2, 30, tzinfo=berlin)
    again = first.replace(fold=1)
    requests = [
        reason.request for now in (first, first, again) if (reason := scheduled(model, now))
    ]
    assert requests[0] == requests[1] != requests[2]


def test_the_first_look_at_a_source_only_takes_note_of_it(model: Model, ready_model: Model) -> None:
    assert new_data(model, NOW, seen=None, found=files("a")) is None
    assert new_data(ready_model, NOW, seen=None, found=reached(NOW)) is None


def test_files_that_changed_ask_for_the_newest_frame_once_a_change(model: Model) -> None:
    assert new_data(model, NOW, seen=files("a"), found=files("a")) is None
    changes = [new_data(model, NOW, seen=files("a"), found=files(name)) for name in "bbc"]
    assert {change.as_of for change in changes if change} == {MONDAY}
    assert {change.sentence for change in changes if change} == {"the source's files changed"}
    first, same, other = [change.request for change in changes if change]
    assert first == same != other


@pytest.mark.parametrize(
    ("seen", "found", "as_of"),
    [
        (MONDAY - dt.timedelta(hours=1), MONDAY, MONDAY),
        (MONDAY - dt.timedelta(hours=1), MONDAY + dt.timedelta(hours=9), MONDAY),
        (MONDAY - dt.timedelta(days=9), MONDAY - dt.timedelta(1), MONDAY - dt.timedelta(7)),
        (None, MONDAY, MONDAY),
        (MONDAY, MONDAY + dt.timedelta(days=1), None),  # no frame lies between them
        (MONDAY, MONDAY, None),
        (MONDAY, MONDAY - dt.timedelta(days=9), None),  # a watermark that went back
        (MONDAY, None, None),
        (None, START - dt.timedelta(days=1), None),
    ],
)
def test_a_watermark_asks_for_the_newest_frame_that_it_reached(
    ready_model: Model,
    seen: dt.datetime | None,
    found: dt.datetime | None,
    as_of: dt.datetime | None,
) -> None:
    reason = new_data(ready_model, NOW, seen=reached(seen), found=reached(found))
    assert (reason and reason.as_of) == as_of


def test_a_frame_is_reached_once_however_far_the_watermark_went(ready_model: Model) -> None:
    before = reached(MONDAY - dt.timedelta(hours=1))
    reasons = [
        new_data(ready_model, NOW, seen=before, found=reached(MONDAY + dt.timedelta(hours=hours)))
        for hours in (0, 5)
    ]
    first, later = [reason.request for reason in reasons if reason]
    assert first == later
    assert [reason.sentence for reason in reasons if reason] == [
        "the source has reached 1998-03-02 00:00 UTC",
        "the source has reached 1998-03-02 05:00 UTC",
    ]


def test_where_a_watermark_is_declared_changed_files_alone_are_no_reason(
    ready_model: Model,
) -> None:
    seen, found = reached(MONDAY, "a"), reached(MONDAY, "b")
    assert new_data(ready_model, NOW, seen=seen, found=found) is None
    empty = new_data(ready_model, NOW, seen=reached(None, "a"), found=reached(None, "b"))
    assert empty is None


def test_a_look_tells_every_change_of_the_declared_files(tmp_path: Path) -> None:
    model = make_model(tmp_path, tables={"purchases": "data/*.parquet"})
    data = model.folder / "data" / "purchases.parquet"
    states = [look_at_source(model, NOW)]
    assert look_at_source(model, NOW) == states[0]
    os.utime(data, ns=(1, 1))
    states.append(look_at_source(model, NOW))
    second = data.with_name("more.parquet")
    second.write_bytes(data.read_bytes())
    states.append(look_at_source(model, NOW))
    data.unlink()
    states.append(look_at_source(model, NOW))
    second.unlink()
    states.append(look_at_source(model, NOW))
    assert len({state.files for state in states}) == 5
    assert {state.watermark for state in states} == {None}


def test_a_look_bears_file_names_that_are_no_text(tmp_path: Path) -> None:
    model = make_model(tmp_path, tables={"purchases": "data/*.parquet"})
    before = look_at_source(model, NOW)
    odd = os.fsencode(model.folder / "data") + b"/caf\xe9.parquet"
    Path(os.fsdecode(odd)).write_bytes(b"")
    assert look_at_source(model, NOW) != before


def test_a_look_reads_the_watermark_and_never_sees_further_than_now(ready_model: Model) -> None:
    newest = look_at_source(ready_model, dt.datetime(2030, 1, 1, tzinfo=dt.UTC)).watermark
    assert newest is not None
    assert newest.year == 1998
    assert look_at_source(ready_model, START).watermark == START


def test_a_watermark_ahead_of_the_clock_is_not_missed_when_its_frame_comes(
    ready_model: Model,
) -> None:
    """Told on Sunday that Monday is complete: on Sunday there is nothing to do, on Monday there is."""
    sunday, monday = MONDAY - dt.timedelta(hours=1), MONDAY + dt.timedelta(minutes=1)
    states = [
        look_at_source(ready_model, now) for now in (MONDAY - dt.timedelta(2), sunday, monday)
    ]
    assert new_data(ready_model, sunday, seen=states[0], found=states[1]) is None
    reason = new_data(ready_model, monday, seen=states[1], found=states[2])
    assert reason is not None
    assert reason.as_of == MONDAY
