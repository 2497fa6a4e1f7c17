"""When a source has the data of an instant, and what a look at it tells."""

import datetime as dt
import os
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.sources import data_expected_from, has_reached, look_at_source
from model_refresh_tests.factories import START, make_model

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
NOW = MONDAY + dt.timedelta(days=2)


@pytest.fixture(scope="module")
def ready_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """One whose source says how far it is: to the newest purchase."""
    folder = tmp_path_factory.mktemp("ready")
    (folder / "repurchase").mkdir()
    (folder / "repurchase" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    return make_model(folder, ready="ready.sql")


@pytest.mark.parametrize(
    ("every", "cron", "instant", "expected"),
    [
        ("7d", "0 6 * * MON", MONDAY, "1998-03-02T06:00"),
        ("7d", "0 6 * * WED", MONDAY, "1998-03-02T06:00"),
        ("7d", "0 6 * * MON", MONDAY + dt.timedelta(hours=7), "1998-03-03T06:00"),
        ("1h", "10 6 * * MON", MONDAY + dt.timedelta(hours=9), "1998-03-02T09:10"),
        ("1d", "30 23 * * MON", MONDAY, "1998-03-02T23:30"),
        ("1mo", "0 6 1 * *", MONDAY, "1998-03-02T06:00"),
        ("1d", "0 6,18 * * *", MONDAY, "1998-03-02T06:00"),
        ("1d", "30 * * * *", MONDAY, "1998-03-02T00:30"),
        ("7d", "0 0 * * MON", MONDAY, "1998-03-02T00:00"),
    ],
)
def test_data_are_expected_at_the_time_of_day_of_the_schedule(
    tmp_path: Path, *, every: str, cron: str, instant: dt.datetime, expected: str
) -> None:
    model = make_model(tmp_path, every=every, schedule={"cron": cron})
    assert data_expected_from(model, instant).isoformat() == f"{expected}:00+00:00"


@pytest.mark.parametrize("cron", ["0 6 * * *", "0 6 * * MON", "0 6 1 * *"])
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("1998-03-28", "05:00"),  # 06:00 in Berlin's winter time
        ("1998-03-29", "04:00"),  # the clock was set forward at 01:00 UTC
        ("1998-10-24", "04:00"),
        ("1998-10-25", "05:00"),  # it was set back at 01:00 UTC
        ("1998-10-26", "05:00"),
    ],
)
def test_the_time_of_day_is_that_of_the_schedules_clock_also_where_it_changes(
    tmp_path: Path, *, cron: str, day: str, expected: str
) -> None:
    model = make_model(tmp_path, every="1d", schedule={"cron": cron, "timezone": "Europe/Berlin"})
    midnight = dt.datetime.fromisoformat(f"{day}T00:00+00:00")
    assert data_expected_from(model, midnight).isoformat() == f"{day}T{expected}:00+00:00"


def test_a_source_that_says_how_far_it_is_has_what_it_reached(
    ready_model: Model, tmp_path: Path
) -> None:
    newest = look_at_source(ready_model, NOW).watermark
    assert newest is not None
    assert has_reached(ready_model, newest, NOW)
    assert not has_reached(ready_model, newest + dt.timedelta(seconds=1), NOW)
    assert has_reached(make_model(tmp_path), NOW, NOW), "it can't say"


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
