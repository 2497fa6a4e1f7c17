"""hold, release, skip: what is kept, what is said, and what other commands say of it."""

import datetime as dt

import pytest

from model_refresh.monitoring.orders import give_order
from model_refresh.records import Order
from model_refresh.storage import Store
from model_refresh_tests.cli.terminal import WHO, day, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

UNTIL_RELEASED = f"model-refresh release {NAME} lets refreshes start again"


def test_a_hold_is_kept_and_told_by_champion_history_and_plan(lab: Lab) -> None:
    said = run(lab, "hold", NAME, "--reason", "the feed moves house")
    assert said.code == 0
    assert said.out.startswith(f"{NAME} is held by {WHO} since ")
    assert said.out.endswith(f" UTC: the feed moves house; {UNTIL_RELEASED}\n")
    for command in ("champion", "history", "plan"):
        assert said.out.strip() in run(lab, command, NAME).out
    assert run(lab, "champion", NAME, "--json").json["hold"]["reason"] == "the feed moves house"
    assert run(lab, "history", NAME, "--json").json[-1]["decision"] == "hold"


def test_a_release_takes_it_back_and_says_what_it_was(lab: Lab) -> None:
    run(lab, "hold", NAME, "--reason", "the feed moves house")
    said = run(lab, "release", NAME)
    assert said.out == (
        f"{NAME} is released: refreshes start by themselves; it was held by {WHO}: "
        "the feed moves house\n"
    )
    assert "is held" not in run(lab, "champion", NAME).out
    assert run(lab, "champion", NAME, "--json").json["hold"] is None
    kinds = [line.record.kind for line in lab.store.orders.lines()]
    assert kinds == ["hold", "release"]


def test_a_hold_may_end_by_itself_but_not_in_the_past(lab: Lab) -> None:
    told = run(lab, "hold", NAME, "--until", "2099-01-01", "--reason", "a test", "--json").json
    assert told["until"] == "2099-01-01T00:00:00Z"
    assert told["kind"] == "hold"
    past = run(lab, "hold", NAME, "--until", "2024-01-26", "--reason", "a test")
    assert past.code == 2


def test_a_frame_is_skipped_also_one_of_the_future(lab: Lab) -> None:
    said = run(lab, "skip", NAME, "--as-of", "2099-01-01", "--reason", "no labels then")
    assert said.out == (
        f"{NAME}: the refresh of 2099-01-01 is skipped by {WHO}: no labels then; model-refresh "
        f"refresh {NAME} --as-of 2099-01-01 starts it all the same, and model-refresh release "
        f"{NAME} takes every skip back\n"
    )
    last = lab.store.orders.last()
    assert last is not None
    assert last.record.as_of == dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    wrong = run(lab, "skip", NAME, "--as-of", "soon", "--reason", "a test")
    assert wrong.code == 1
    assert "'soon' is no frame's instant" in wrong.last_line


@pytest.mark.parametrize("command", ["hold", "skip"])
def test_an_order_needs_its_reason(lab: Lab, command: str) -> None:
    frame = ["--as-of", day(lab, SECOND)] if command == "skip" else []
    assert run(lab, command, NAME, *frame).code == 2
    assert run(lab, command, NAME, *frame, "--reason", " ").code == 2
    assert lab.store.orders.lines() == []


def test_a_release_names_the_skips_that_it_takes_back(lab: Lab) -> None:
    run(lab, "skip", NAME, "--as-of", "2098-01-01", "--reason", "an older one")
    run(lab, "release", NAME)
    for frame in ("2099-01-02", "2099-01-01", "2099-01-02"):
        run(lab, "skip", NAME, "--as-of", frame, "--reason", "no labels then")
    said = run(lab, "release", NAME).out
    assert said.endswith("start by themselves; no longer skipped: 2099-01-01, 2099-01-02\n")
    again = run(lab, "release", NAME).out
    assert again.endswith("start by themselves, as they did: it was neither held nor skipped\n")


def test_a_release_tells_of_the_refresh_that_was_left_out(lab: Lab) -> None:
    daily = lab.again({"schedule": {"cron": "0 0 * * *", "timezone": "UTC"}})
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    store = Store(daily.home, lambda: before).model(NAME)
    give_order(store, Order(kind="hold", who="ann", reason="a test"))
    said = run(daily, "release", NAME).out
    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    assert f"; the refresh of {today} was left out meanwhile: model-refresh refresh {NAME} " in said


def test_a_skip_of_a_frame_that_newer_ones_have_followed_says_so(lab: Lab) -> None:
    said = run(lab, "skip", NAME, "--as-of", day(lab, SECOND + 2), "--reason", "long past").out
    assert "; it would not have started by itself: that of 20" in said


def test_a_skip_of_a_frame_whose_refresh_has_begun_says_so(lab: Lab) -> None:
    said = run(lab, "skip", NAME, "--as-of", day(lab, FIRST), "--reason", "too late")
    assert said.code == 0
    assert said.out.endswith(
        "; that refresh has begun already, and is only not repeated by itself\n"
    )


def test_the_end_of_a_hold_needs_a_zone_and_no_frame(lab: Lab) -> None:
    told = run(lab, "hold", NAME, "--until", "2099-12-05T10:00Z", "--reason", "a test", "--json")
    assert told.json["until"] == "2099-12-05T10:00:00Z"
    for wrong in ("2099-12-05T10:00", "soon"):
        refused = run(lab, "hold", NAME, "--until", wrong, "--reason", "a test")
        assert refused.code == 1
        assert f"'{wrong}' is no instant; accepted: a date such as" in refused.last_line
        assert "with its zone such as" in refused.last_line
