"""A round over the fleet: each cause asks once, and nobody stops another."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.due import not_held
from model_refresh.monitoring.orders import give_order
from model_refresh.monitoring.rounds import (
    Asked,
    Due,
    Watcher,
    decay_watcher,
    drift_watcher,
    staleness_watcher,
)
from model_refresh.records import Order
from model_refresh.storage import Store
from model_refresh.storage.log import Log
from model_refresh_tests.factories import AS_OF, make_model, make_purchases
from model_refresh_tests.monitoring.worlds import (
    BUG,
    DAY,
    STALE,
    crown,
    grade,
    move,
    store_of,
    unreadable,
)

NOW = AS_OF + dt.timedelta(hours=9)
WEEK = 7 * DAY
NAMES = ("anna", "bert", "cleo")


@pytest.fixture
def models(tmp_path: Path) -> list[Model]:
    rows = make_purchases(customers=2)
    models = [make_model(tmp_path, name=name, purchases=rows, on_decay="refresh") for name in NAMES]
    for model in models:
        crown(store_of(model), AS_OF - 22 * WEEK)
    return models


@pytest.fixture
def ask(models: list[Model], tmp_path: Path) -> Callable[..., Due]:
    def asked(watcher: Watcher, asked: Asked | None = None, now: dt.datetime = NOW) -> Due:
        store = Store(tmp_path / "home")
        return watcher.round(models, store, asked=asked or Asked(), now=now)

    return asked


def names(due: Due) -> list[str]:
    return [each.model.name for each in due.refreshes]


def test_every_watcher_finds_its_own_cause(models: list[Model], ask: Callable[..., Due]) -> None:
    move(store_of(models[0]), AS_OF)
    grade(store_of(models[1]), AS_OF - 4 * WEEK, remedy="refresh")
    assert names(ask(drift_watcher())) == ["anna"]
    assert names(ask(decay_watcher())) == ["bert"]
    assert names(ask(staleness_watcher())) == list(NAMES)
    crown(store_of(models[2]), AS_OF)
    assert names(ask(staleness_watcher())) == ["anna", "bert"]


def test_a_cause_asks_once_and_again_when_its_frame_has_labels(
    models: list[Model], ask: Callable[..., Due]
) -> None:
    watcher, cursor = drift_watcher(), Asked()
    asked = []
    for week in range(6):
        now = NOW + week * WEEK
        move(store_of(models[0]), AS_OF + week * WEEK)
        for _ in range(2):
            due = ask(watcher, cursor, now)
            cursor = Asked.parse_cursor(due.asked.canonical())
            asked += [week] * len(due.refreshes)
    assert asked == [0, 4]


def test_a_drift_that_ends_and_comes_again_is_another_one(
    models: list[Model], ask: Callable[..., Due]
) -> None:
    watcher, cursor = drift_watcher(), Asked()
    for week, (found, asks) in enumerate([(True, 1), (False, 0), (True, 1)]):
        move(store_of(models[0]), AS_OF + week * WEEK, found=found)
        due = ask(watcher, cursor, NOW + week * WEEK)
        cursor = due.asked
        assert len(due.refreshes) == asks


def test_what_has_nothing_to_say_is_not_read_again(
    models: list[Model], ask: Callable[..., Due], monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in models:
        move(store_of(model), AS_OF, found=False)
    watcher, read = drift_watcher(), []
    line = Log.line

    def counting(log: Log, number: int) -> object:  # type: ignore[type-arg]
        read.append(log.folder.parent.name)
        return line(log, number)

    monkeypatch.setattr(Log, "line", counting)
    ask(watcher)
    assert read.count("drift") == 3
    read.clear()
    ask(watcher)
    assert read == []
    move(store_of(models[1]), AS_OF)
    assert names(ask(watcher)) == ["bert"]


def test_a_held_model_is_told_and_asks_when_it_is_released(
    models: list[Model], ask: Callable[..., Due], tmp_path: Path
) -> None:
    move(store_of(models[0]), AS_OF)
    give_order(store_of(models[0]), Order(kind="hold", who="ann", reason="a test"))
    watcher = drift_watcher()
    due = ask(watcher)
    assert due.refreshes == []
    assert due.sentence.startswith("anna is held by ann since ")
    free = not_held(models, Store(tmp_path / "home"), NOW)
    assert [state.model.name for state in free.states] == ["bert", "cleo"]
    assert free.notes == due.notes
    give_order(store_of(models[0]), Order(kind="release", who="ann", reason=""))
    assert names(ask(watcher, due.asked)) == ["anna"]


def test_a_store_that_cannot_be_read_is_told_and_stops_no_other(
    models: list[Model], ask: Callable[..., Due]
) -> None:
    store_of(models[0]).champion.path(1).write_text("{")
    due = ask(staleness_watcher())
    assert names(due) == ["bert", "cleo"]
    assert due.sentence.startswith("anna: ")


@pytest.mark.parametrize("error", [STALE, BUG])
def test_whatever_the_look_at_a_model_raises_is_told_and_stops_no_other(
    models: list[Model],
    ask: Callable[..., Due],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    unreadable(monkeypatch, "anna", error)
    due = ask(staleness_watcher())
    assert names(due) == ["bert", "cleo"]
    assert due.sentence == f"anna: {type(error).__name__}: {error}"
    free = not_held(models, Store(tmp_path / "home"), NOW)
    assert [state.model.name for state in free.states] == ["bert", "cleo"]
    assert free.notes == due.notes


def test_a_source_that_has_not_reached_the_frame_is_waited_for(tmp_path: Path) -> None:
    """Not given up either: the frame is asked for as soon as the data are there."""
    rows, watcher, cursor = make_purchases(customers=2), staleness_watcher(), Asked()
    (tmp_path / "repurchase").mkdir()
    ready = tmp_path / "repurchase" / "ready.sql"
    for day, asks in ((1, 0), (2, 1), (2, 0)):
        ready.write_text(f"SELECT TIMESTAMP '1998-03-0{day}'")
        model = make_model(tmp_path, purchases=rows, ready="ready.sql")
        if not cursor.frames and day == 1:
            crown(store_of(model), AS_OF - 22 * WEEK)
        due = watcher.round([model], Store(tmp_path / "home"), asked=cursor, now=NOW)
        cursor = due.asked
        assert len(due.refreshes) == asks


def test_a_round_that_finds_nothing_says_so(ask: Callable[..., Due]) -> None:
    assert ask(drift_watcher()).sentence == "no model is due"


@pytest.mark.parametrize("cursor", [None, "", "{", '{"frames": 1}', "2026-01-01"])
def test_a_cursor_that_is_not_ours_begins_anew(cursor: str | None) -> None:
    assert Asked.parse_cursor(cursor) == Asked()
