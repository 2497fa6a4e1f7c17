"""Which frames are scored without a refresh, and from when on."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.batches import (
    PATIENCE,
    Runs,
    Uptime,
    batches_due,
    scored_from,
    scoring_due,
    unscored,
)
from model_refresh.monitoring.orders import give_order
from model_refresh.monitoring.watch import Watch
from model_refresh.records import Order
from model_refresh.storage import Store
from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.factories import make_model, make_purchases
from model_refresh_tests.monitoring.worlds import (
    BUG,
    DAY,
    STALE,
    begin,
    crown,
    publish,
    state_at,
    store_of,
    unreadable,
)

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
TUESDAY = MONDAY + DAY
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return make_purchases(customers=2)


@pytest.fixture
def daily(tmp_path: Path, rows: pl.DataFrame) -> Model:
    """Frames at every midnight, a refresh on Mondays at 6, and a champion."""
    return crowned(tmp_path, rows)


def crowned(folder: Path, rows: pl.DataFrame, **overrides: object) -> Model:
    model = make_model(
        folder,
        **{"purchases": rows, "every": "1d", "horizon": "7d", **overrides},  # type: ignore[arg-type]
    )
    crown(store_of(model), MONDAY - 14 * DAY)
    return model


def from_when(model: Model, as_of: dt.datetime, runs: Runs = Runs()) -> dt.datetime:  # noqa: B008
    return scored_from(state_at(model, as_of), as_of, runs)


def test_a_frame_without_a_refresh_is_scored_at_the_time_of_day_of_the_schedule(
    daily: Model,
) -> None:
    due = TUESDAY + 6 * HOUR
    assert from_when(daily, TUESDAY) == due
    assert scoring_due(state_at(daily, due - dt.timedelta(seconds=1)), Runs()) is None
    assert scoring_due(state_at(daily, due), Runs()) == TUESDAY


def test_a_frame_whose_refresh_is_to_come_waits_for_it_a_while(daily: Model) -> None:
    assert from_when(daily, MONDAY) == MONDAY + 6 * HOUR + PATIENCE


def test_nothing_is_scored_twice_or_while_a_run_is_under_way_or_without_a_champion(
    daily: Model, tmp_path: Path, rows: pl.DataFrame
) -> None:
    noon = TUESDAY + 12 * HOUR
    assert scoring_due(state_at(daily, noon), Runs(is_under_way=True)) is None
    publish(store_of(daily), TUESDAY)
    assert scoring_due(state_at(daily, noon), Runs()) is None
    fresh = make_model(tmp_path, name="fresh", purchases=rows, every="1d")
    assert scoring_due(state_at(fresh, noon), Runs()) is None
    late = make_model(tmp_path, name="late", purchases=rows, every="1d")
    crown(store_of(late), TUESDAY + DAY)
    assert scoring_due(state_at(late, noon), Runs()) is None, "it counts from tomorrow on"


def test_a_batch_does_not_overtake_a_refresh_by_hand(daily: Model) -> None:
    noon = TUESDAY + 12 * HOUR
    with lease(store_of(daily), holder=Holder.here("ann's refresh")):
        assert scoring_due(state_at(daily, noon), Runs()) is None
    assert scoring_due(state_at(daily, noon), Runs()) == TUESDAY


def test_after_a_time_without_dagster_a_batch_waits_for_the_refresh_that_catches_up(
    daily: Model,
) -> None:
    """Monday's tick was missed: it is up again on Wednesday."""
    up = MONDAY + 60 * HOUR
    for as_of in (MONDAY, MONDAY + 2 * DAY):
        assert from_when(daily, as_of, Runs(since=up)) == up + PATIENCE
    stopped = Runs(since=up, is_scheduled=False)
    assert from_when(daily, MONDAY, stopped) == MONDAY + 6 * HOUR
    begin(store_of(daily), MONDAY)
    assert from_when(daily, MONDAY + 2 * DAY, Runs(since=up)) == MONDAY + 54 * HOUR


def test_up_again_is_the_first_round_after_a_while_without_any() -> None:
    up = Uptime()
    minutes = (0, 1, 2, 60, 61, 59)
    since = []
    for minute in minutes:
        up = Uptime.parse_cursor(up.at(MONDAY + dt.timedelta(minutes=minute)).canonical())
        since.append(up.since)
    starts = [MONDAY + dt.timedelta(minutes=each) for each in (0, 0, 0, 60, 60, 59)]
    assert since == starts
    assert Uptime.parse_cursor("{") == Uptime.parse_cursor(None) == Uptime()


@pytest.mark.parametrize("why", ["held", "skipped", "stopped"])
def test_a_frame_does_not_wait_for_a_refresh_that_will_not_come(daily: Model, why: str) -> None:
    orders = {
        "held": Order(kind="hold", who="ann", reason="a test"),
        "skipped": Order(kind="skip", as_of=MONDAY, who="ann", reason="a test"),
    }
    if why in orders:
        give_order(store_of(daily, MONDAY), orders[why])
    runs = Runs(is_scheduled=why != "stopped")
    assert from_when(daily, MONDAY, runs) == MONDAY + 6 * HOUR


@pytest.mark.parametrize("kind", ["hold", "skip"])
def test_a_frame_is_scored_from_when_a_person_said_that_its_refresh_will_not_come(
    tmp_path: Path, rows: pl.DataFrame, kind: str
) -> None:
    """Not from a time before that, at which nobody could know."""
    model = crowned(tmp_path, rows, every="7d", schedule={"cron": "0 6 * * WED"})
    said = MONDAY + 20 * HOUR
    order = Order.model_validate({"kind": kind, "who": "ann", "reason": "a test"})
    as_of = MONDAY if kind == "skip" else None
    give_order(store_of(model, said), order.model_copy(update={"as_of": as_of}))
    assert from_when(model, MONDAY) == said
    assert from_when(model, MONDAY - 7 * DAY) == MONDAY - 5 * DAY + 6 * HOUR + PATIENCE


def test_a_source_that_starts_refreshes_is_waited_for_until_half_of_the_time_has_gone(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    model = crowned(tmp_path, rows, ready="ready.sql", new_data=True)
    assert from_when(model, TUESDAY) == TUESDAY + 12 * HOUR
    begin(store_of(model), TUESDAY)
    assert from_when(model, TUESDAY) == TUESDAY + 6 * HOUR


@pytest.mark.parametrize(
    ("every", "cron", "as_of", "due"),
    [
        ("1h", "10 6 * * MON", TUESDAY + 9 * HOUR, "1998-03-03T09:10"),
        ("7d", "0 6 1 * *", MONDAY + 7 * DAY, "1998-03-09T06:00"),
        ("1d", "30 23 * * MON", TUESDAY, "1998-03-03T23:30"),
        ("7d", "0 6 * * WED", MONDAY, "1998-03-04T06:10"),
    ],
)
def test_other_cadences(
    tmp_path: Path, rows: pl.DataFrame, *, every: str, cron: str, as_of: dt.datetime, due: str
) -> None:
    model = crowned(tmp_path, rows, every=every, schedule={"cron": cron})
    assert from_when(model, as_of) == dt.datetime.fromisoformat(f"{due}+00:00")


def test_a_store_that_cannot_be_read_is_told_and_stops_no_other(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    models = [crowned(tmp_path, rows, name=name) for name in ("anna", "bert")]
    store_of(models[0]).champion.path(1).write_text("{")
    found = unscored(models, Store(tmp_path / "home"), TUESDAY)
    assert [state.model.name for state in found.states] == ["bert"]
    assert len(found.troubles) == 1
    assert found.troubles[0].startswith("anna: ")


def test_an_order_that_cannot_be_read_is_told_and_stops_no_other(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    models = [crowned(tmp_path, rows, name=name) for name in ("anna", "bert")]
    give_order(store_of(models[0]), Order(kind="release", who="ann", reason=""))
    store_of(models[0]).orders.path(1).write_text("{")
    found = unscored(models, Store(tmp_path / "home"), TUESDAY + 12 * HOUR)
    due = batches_due(found, {name: Runs() for name in ("anna", "bert")}, Watch())
    assert [state.model.name for state in due.states] == ["bert"]
    assert [trouble.split(": ")[0] for trouble in due.troubles] == ["anna"]


@pytest.mark.parametrize("error", [STALE, BUG])
def test_whatever_the_look_at_a_model_raises_is_told_and_stops_no_other(
    tmp_path: Path, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    models = [crowned(tmp_path, rows, name=name) for name in ("anna", "bert")]
    later = unscored(models, Store(tmp_path / "home"), TUESDAY + 12 * HOUR)
    unreadable(monkeypatch, "anna", error)
    due = batches_due(later, {name: Runs() for name in ("anna", "bert")}, Watch())
    assert [state.model.name for state in due.states] == ["bert"]
    assert due.troubles == [f"anna: {type(error).__name__}: {error}"]
    found = unscored(models, Store(tmp_path / "home"), TUESDAY)
    assert [state.model.name for state in found.states] == ["bert"]
    assert [trouble.split(": ")[0] for trouble in found.troubles] == ["anna"]
