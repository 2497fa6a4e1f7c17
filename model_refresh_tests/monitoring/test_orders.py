"""Holds, releases and skips: which is in force."""

import datetime as dt
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.orders import barred, give_order
from model_refresh.monitoring.state import is_held
from model_refresh.records import Order
from model_refresh_tests.factories import AS_OF, make_model, make_purchases
from model_refresh_tests.monitoring.worlds import DAY, state_at, store_of

NOW = AS_OF + DAY


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return make_model(tmp_path, purchases=make_purchases(customers=2))


def order(model: Model, kind: str, **fields: dt.datetime) -> None:
    said = {"kind": kind, "who": "ann", "reason": "a test", **fields}
    give_order(store_of(model, AS_OF), Order.model_validate(said))


def test_a_hold_bars_every_refresh_until_it_is_released(model: Model) -> None:
    assert barred(state_at(model, NOW), AS_OF) is None
    order(model, "hold")
    assert is_held(state_at(model, NOW))
    assert barred(state_at(model, NOW), AS_OF) == (
        "repurchase is held by ann since 1998-03-02 00:00 UTC: a test; "
        "model-refresh release repurchase lets refreshes start again"
    )
    order(model, "release")
    assert barred(state_at(model, NOW), AS_OF) is None


def test_a_hold_ends_by_itself_at_its_time(model: Model) -> None:
    order(model, "hold", until=AS_OF + 2 * DAY)
    assert "until 1998-03-04 00:00 UTC: a test" in (barred(state_at(model, NOW), AS_OF) or "")
    assert not is_held(state_at(model, AS_OF + 2 * DAY))
    order(model, "hold", until=AS_OF + 5 * DAY)
    assert is_held(state_at(model, AS_OF + 2 * DAY)), "the newest of its kind counts"


def test_a_skip_leaves_out_one_frame_and_survives_a_hold_but_no_release(model: Model) -> None:
    order(model, "skip", as_of=AS_OF)
    assert "the refresh of 1998-03-02 is skipped by ann" in (
        barred(state_at(model, NOW), AS_OF) or ""
    )
    assert barred(state_at(model, NOW), AS_OF + 7 * DAY) is None
    order(model, "hold", until=AS_OF + dt.timedelta(hours=1))
    assert barred(state_at(model, NOW), AS_OF) is not None
    order(model, "release")
    assert barred(state_at(model, NOW), AS_OF) is None
