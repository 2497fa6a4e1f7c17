"""What a tick asks for, and why a refresh is not asked for though there is a reason."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.due import DueRefresh, at_tick, why_not
from model_refresh.monitoring.reasons import make_reason
from model_refresh.monitoring.sources import SourceState, look_at_source
from model_refresh.records import Verdict
from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.factories import AS_OF, make_model, make_purchases
from model_refresh_tests.monitoring.worlds import (
    DAY,
    DIGEST,
    begin,
    crown,
    end,
    move,
    state_at,
    store_of,
)

SIX = AS_OF + dt.timedelta(hours=6)


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return make_purchases(customers=2)


@pytest.fixture
def model(tmp_path: Path, rows: pl.DataFrame) -> Model:
    """Weekly frames, refreshed on Mondays at six."""
    return make_model(tmp_path, purchases=rows)


def ask(model: Model, tick: dt.datetime = SIX) -> DueRefresh | str:
    return at_tick(state_at(model, tick), tick, look=look_at_source)


def test_a_tick_asks_for_the_refresh_of_its_frame(model: Model) -> None:
    due = ask(model)
    assert isinstance(due, DueRefresh)
    assert (due.reason.as_of, due.is_wide) == (AS_OF, False)


def test_a_frame_whose_refresh_has_ended_is_not_refreshed_again(model: Model) -> None:
    begin(store_of(model), AS_OF)
    assert isinstance(ask(model), DueRefresh), "it broke, or was ended: the tick tries again"
    end(store_of(model), AS_OF)
    assert ask(model) == "repurchase: 1998-03-02 is refreshed: retain: not better"
    assert isinstance(ask(model, SIX + 7 * DAY), DueRefresh)


def test_a_frame_whose_challenger_was_rejected_is_not_refreshed_again(model: Model) -> None:
    verdict = Verdict.model_validate(
        {
            "as_of": AS_OF,
            "decision": "reject",
            "sentence": "it is worse",
            "gates": (),
            "comparison": DIGEST,
            "artifact": DIGEST,
            "dataset": DIGEST,
            "champion": None,
            "policy": DIGEST,
            "code": DIGEST,
        }
    )
    store_of(model).verdicts(AS_OF).record_once(verdict, key=verdict.digest())
    assert ask(model) == "repurchase: 1998-03-02 is refreshed: reject: it is worse"


def test_a_refresh_that_is_under_way_elsewhere_is_not_asked_for(model: Model) -> None:
    begin(store_of(model), AS_OF)
    with lease(store_of(model), holder=Holder.here("ann's refresh")):
        told = ask(model)
    assert told == "repurchase: the refresh of 1998-03-02 waits for its turn or is under way"


def test_what_waits_in_the_queue_is_not_asked_for(model: Model) -> None:
    reason = make_reason(model, "staleness", AS_OF, sentence="it is old", cause="entry 1")
    state = state_at(model, SIX)
    assert why_not(state, reason, {(model.name, "1998-03-02")}) is not None
    assert why_not(state, reason, {(model.name, "1998-02-23"), ("anna", "1998-03-02")}) is None


def test_a_damaged_line_of_monitoring_does_not_stop_a_tick(model: Model) -> None:
    store = store_of(model)
    crown(store, AS_OF - 14 * DAY)
    move(store, AS_OF)
    store.drifts(AS_OF).path(1).write_text("{")
    due = ask(model)
    assert isinstance(due, DueRefresh)
    assert not due.is_wide


def test_a_tick_looks_at_the_source_by_the_look_it_is_given(
    tmp_path: Path, rows: pl.DataFrame
) -> None:
    """Which has a deadline: a query that hangs does not hang all schedules."""
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    model = make_model(tmp_path, purchases=rows, ready="ready.sql", new_data=True)

    def look(model: Model, now: dt.datetime) -> SourceState:
        return SourceState(files=DIGEST, watermark=now)

    assert isinstance(at_tick(state_at(model, SIX), SIX, look=look), DueRefresh)
