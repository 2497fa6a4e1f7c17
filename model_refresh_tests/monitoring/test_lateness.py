"""Which batch is held against a model: the newest that is due, whatever becomes of refreshes."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.alerts import open_alerts
from model_refresh.monitoring.batches import PATIENCE, Runs, scored_from
from model_refresh.monitoring.lateness import GRACE, Patience, lacking, missed
from model_refresh.monitoring.orders import give_order
from model_refresh.monitoring.plan import reasons_now
from model_refresh.records import Order
from model_refresh.storage import Store
from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.factories import make_model, make_purchases
from model_refresh_tests.monitoring.worlds import (
    DAY,
    begin,
    crown,
    end,
    publish,
    state_at,
    store_of,
)

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
TUESDAY = MONDAY + DAY
HOUR = dt.timedelta(hours=1)
EARLY = MONDAY - 14 * DAY
LATER = "0 6 * * WED"
USUAL = Patience()
READY = "SELECT max(bought_at) FROM purchases"


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return make_purchases(customers=2)


@pytest.fixture
def daily(tmp_path: Path, rows: pl.DataFrame) -> Model:
    """Frames at every midnight, a refresh on Mondays at 6; all went well until Monday."""
    return going_well(tmp_path, rows)


def going_well(folder: Path, rows: pl.DataFrame, **overrides: object) -> Model:
    """A model with a champion of two weeks before, refreshed and scored on Monday."""
    declared = {"purchases": rows, "every": "1d", "horizon": "7d", **overrides}
    model = make_model(folder, **declared)  # type: ignore[arg-type]
    os.utime(model.folder / "model.yaml", (EARLY.timestamp(), EARLY.timestamp()))
    crown(store_of(model, EARLY), EARLY)
    begin(store_of(model), MONDAY)
    end(store_of(model, MONDAY + 7 * HOUR), MONDAY)
    publish(store_of(model, MONDAY + 7 * HOUR), MONDAY)
    return model


def lacks(model: Model, now: dt.datetime, patience: Patience = USUAL) -> dt.datetime | None:
    return lacking(state_at(model, now), patience)


@pytest.mark.parametrize("hours", [6, 30, 78, 126])
def test_batches_that_stay_away_between_two_refreshes_are_missed_each_day(
    daily: Model, hours: int
) -> None:
    due = TUESDAY + hours * HOUR + GRACE
    as_of = due.replace(hour=0)
    assert lacks(daily, due - dt.timedelta(seconds=1)) == (None if hours == 6 else as_of - DAY)
    assert lacks(daily, due) == as_of
    publish(store_of(daily), as_of)
    assert lacks(daily, due) is None
    assert missed(state_at(daily, due), USUAL) is None


def test_missing_batches_stay_told_when_the_next_refresh_is_missed_as_well(daily: Model) -> None:
    monday = MONDAY + 7 * DAY
    for hours in (7.9, 8, 8.1, 8.5, 30):
        assert lacks(daily, monday + hours * HOUR) is not None


def test_a_batch_that_is_away_because_its_refresh_is_is_told_once(daily: Model) -> None:
    monday = MONDAY + 7 * DAY
    publish(store_of(daily), monday - DAY)
    assert missed(state_at(daily, monday + 9 * HOUR), USUAL) == (monday + 6 * HOUR, monday)
    assert lacks(daily, monday + 9 * HOUR) is None
    assert lacks(daily, monday + 32 * HOUR) == monday + DAY


@pytest.mark.parametrize("new_data", [False, True])
def test_a_model_without_a_schedule_owes_batches_and_no_refresh(
    tmp_path: Path, rows: pl.DataFrame, *, new_data: bool
) -> None:
    model = going_well(tmp_path, rows, schedule={"active": False}, new_data=new_data)
    now = MONDAY + 7 * DAY + 9 * HOUR
    assert missed(state_at(model, now), USUAL) is None
    assert lacks(model, now) == MONDAY + 7 * DAY
    publish(store_of(model), MONDAY + 7 * DAY)
    assert lacks(model, now) is None


@pytest.mark.parametrize(
    ("every", "cron", "active"),
    [
        ("1d", "0 6 * * MON", True),
        ("1d", "30 23 * * *", True),
        ("1h", "10 6 * * MON", True),
        ("7d", LATER, True),
        ("7d", LATER, False),
        ("1mo", "0 6 5 * *", True),
    ],
)
def test_a_batch_is_missed_the_grace_after_it_would_have_been_made(
    tmp_path: Path, rows: pl.DataFrame, *, every: str, cron: str, active: bool
) -> None:
    start = "1998-01-01" if every == "1mo" else "1997-01-06"
    schedule = {"cron": cron, "active": active}
    model = going_well(tmp_path, rows, every=every, start=start, schedule=schedule)
    as_of = model.cadence.next(MONDAY)
    begin(store_of(model), as_of)
    due = scored_from(state_at(model, as_of), as_of, Runs(is_scheduled=active)) + GRACE
    assert lacks(model, due - dt.timedelta(seconds=1)) is None
    assert lacks(model, due) == as_of


def test_a_source_that_stays_behind_is_missed_once_the_wait_for_it_is_over(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text(READY)
    model = going_well(tmp_path, rows, ready="ready.sql", new_data=True)
    assert lacks(model, TUESDAY + 13.9 * HOUR) is None
    assert lacks(model, TUESDAY + 14 * HOUR) == TUESDAY
    store = Store(tmp_path / "home")
    found = open_alerts([model], [], store=store, now=TUESDAY + 14 * HOUR)
    (alert,) = [each for each in found.alerts if each.kind == "scores_missing"]
    assert (
        "not there; its source may not have reached that frame, or else: is Dag" in alert.sentence
    )


@pytest.mark.parametrize("who", ["Dagster", "ann"])
def test_nothing_is_missed_while_a_run_is_under_way(daily: Model, who: str) -> None:
    noon = TUESDAY + 12 * HOUR
    if who == "Dagster":
        assert lacks(daily, noon, Patience(under_way=frozenset({"repurchase"}))) is None
        return
    with lease(store_of(daily), holder=Holder.here("ann's refresh")):
        assert lacks(daily, noon) is None
    assert lacks(daily, noon) == TUESDAY


def test_the_batch_of_a_refresh_that_took_long_has_the_grace_from_its_end(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    model = going_well(tmp_path, rows, schedule={"cron": "0 6 * * *"})
    begin(store_of(model), TUESDAY)
    end(store_of(model, TUESDAY + 11 * HOUR), TUESDAY)
    assert lacks(model, TUESDAY + 11 * HOUR) is None
    assert lacks(model, TUESDAY + 13 * HOUR) == TUESDAY


def test_the_batch_of_a_first_champion_has_the_grace_from_its_promotion(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    """A person may approve it days after its frame."""
    model = make_model(tmp_path, purchases=rows, every="1d")
    assert lacks(model, TUESDAY + 12 * HOUR) is None, "nobody can score"
    approved = TUESDAY + 15 * HOUR
    crown(store_of(model, approved), MONDAY)
    assert lacks(model, approved + HOUR) is None
    assert lacks(model, approved + GRACE) == TUESDAY
    late = make_model(tmp_path, name="late", purchases=rows, every="1d")
    crown(store_of(late, MONDAY), TUESDAY + DAY)
    assert lacks(late, TUESDAY + 12 * HOUR) is None, "it counts from tomorrow on"


@pytest.mark.parametrize("kind", ["hold", "skip"])
def test_an_order_makes_no_batch_late_at_once(
    tmp_path: Path, rows: pl.DataFrame, kind: str
) -> None:
    """The batch of Monday waits for Wednesday's refresh, until ann says that it won't come."""
    model = going_well(tmp_path, rows, every="7d", schedule={"cron": LATER})
    monday = MONDAY + 7 * DAY
    said = monday + 30 * HOUR
    order = Order(kind="hold", who="ann", reason="a test")
    if kind == "skip":
        order = Order(kind="skip", as_of=monday, who="ann", reason="a test")
    give_order(store_of(model, said), order)
    assert lacks(model, said) is None
    assert lacks(model, said + GRACE) == monday


def test_a_schedule_counts_as_a_person_has_it(tmp_path: Path, rows: pl.DataFrame) -> None:
    model = going_well(tmp_path, rows, every="7d", schedule={"cron": LATER})
    stopped = Patience(stopped=frozenset({"repurchase"}))
    monday = MONDAY + 7 * DAY
    assert (lacks(model, monday + 9 * HOUR), lacks(model, monday + 9 * HOUR, stopped)) == (
        None,
        monday,
    )
    off = going_well(tmp_path / "off", rows, every="7d", schedule={"cron": LATER, "active": False})
    tick = monday + 2 * DAY + 6 * HOUR
    started = Patience(started={"repurchase": tick + HOUR})
    assert lacks(off, tick + GRACE, started) is None
    assert lacks(off, tick + PATIENCE + GRACE, started) == monday
    assert missed(state_at(off, tick + GRACE), started) is None, "it promised no tick of before"
    assert missed(state_at(off, tick + GRACE), Patience(started={"repurchase": tick})) == (
        tick,
        monday,
    )


def test_a_gap_before_a_newer_batch_is_not_held_against_a_model(daily: Model) -> None:
    """Only the newest frame is scored by itself: after a time without power nobody waits."""
    publish(store_of(daily), TUESDAY + 3 * DAY)
    assert lacks(daily, TUESDAY + 3 * DAY + 7 * HOUR) is None


def test_a_batch_that_was_begun_and_not_published_is_none(daily: Model) -> None:
    store_of(daily).scores(TUESDAY).folder.mkdir(parents=True)
    assert lacks(daily, TUESDAY + 12 * HOUR) == TUESDAY


def test_a_refresh_that_a_hold_kept_from_starting_is_not_missed_when_it_ends(daily: Model) -> None:
    """Nothing was to start it, and the one who released the model was told so."""
    tick = MONDAY + 7 * DAY + 6 * HOUR
    state = state_at(daily, tick + 3 * DAY)
    assert missed(state, USUAL) is not None
    held = Order(kind="hold", who="ann", reason="a test")
    give_order(store_of(daily, tick - DAY), held)
    give_order(store_of(daily, tick + 2 * DAY), Order(kind="release", who="ann", reason=""))
    state = state_at(daily, tick + 3 * DAY)
    assert state.was_held(tick) and not state.was_held(tick - 2 * DAY) and state.hold is None
    assert missed(state, USUAL) is None
    assert "schedule" not in {reason.kind for reason in reasons_now(state, MONDAY + 10 * DAY)}
    assert missed(state_at(daily, tick + 10 * DAY), USUAL) is not None, "the next tick is"
