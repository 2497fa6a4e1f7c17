"""What asks for a refresh now, as a plan tells it."""

import datetime as dt
from pathlib import Path

from model_refresh.monitoring.plan import reasons_now
from model_refresh.monitoring.reasons import make_reason
from model_refresh.pipeline.alone import record_reason
from model_refresh_tests.factories import AS_OF, make_model, make_purchases
from model_refresh_tests.monitoring.worlds import DAY, crown, end, move, state_at, store_of

WEEK = 7 * DAY


def test_a_drift_that_was_asked_for_lately_asks_no_more(tmp_path: Path) -> None:
    """The sensor waits until the labels of the frame that it asked for have matured, 28 days."""
    rows = make_purchases(customers=2)
    model = make_model(tmp_path, purchases=rows, schedule={"cron": "0 6 1 1 *"})
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    asked = []
    for week in range(6):
        as_of = AS_OF + week * WEEK
        move(store, as_of)
        now = as_of + dt.timedelta(hours=9)
        for reason in reasons_now(state_at(model, now), as_of):
            asked.append((week, reason.kind))
            record_reason(store, reason)
            end(store, as_of)
    assert asked == [(0, "drift"), (4, "drift")]


def test_another_kind_of_reason_does_not_silence_a_drift(tmp_path: Path) -> None:
    model = make_model(tmp_path, purchases=make_purchases(customers=2))
    store = store_of(model)
    crown(store, AS_OF - 2 * WEEK)
    move(store, AS_OF)
    other = make_reason(model, "schedule", AS_OF - WEEK, sentence="scheduled", cause="a tick")
    record_reason(store, other)
    now = AS_OF + dt.timedelta(hours=6)
    assert "drift" in {reason.kind for reason in reasons_now(state_at(model, now), AS_OF)}
