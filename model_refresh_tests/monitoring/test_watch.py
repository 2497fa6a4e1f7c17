"""The round of all sources: within its time, and whatever a source does."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.errors import DataError, ModelRefreshError
from model_refresh.monitoring import watch as watching
from model_refresh.monitoring.news import News, NewsRound, Seen
from model_refresh.monitoring.sources import SourceState
from model_refresh.monitoring.watch import Watch
from model_refresh.storage import Store
from model_refresh_tests.factories import make_model
from model_refresh_tests.monitoring.worlds import BUG, state_at
from model_refresh_tests.waiting import wait_until

NOW = dt.datetime(1998, 3, 4, tzinfo=dt.UTC)
STATE = SourceState(files="a" * 64)
NAMES = ("anna", "bert", "cleo")

Look = Callable[[Model, dt.datetime], SourceState]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    folder = tmp_path_factory.mktemp("watched")
    return [make_model(folder, name=name) for name in NAMES]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Look], None]:
    """Put another look at a source in place."""

    def put(look: Look) -> None:
        monkeypatch.setattr(watching, "look_at_source", look)

    return put


def over(watch: Watch, models: list[Model], seen: Seen) -> News:
    """One round over all sources."""
    return NewsRound(watch, NOW).over(models, Store(models[0].folder.parent / "home"), seen)


@pytest.mark.parametrize(
    "error",
    [
        DataError("the query gives no date"),
        PermissionError(13, "Permission denied", "/data"),
        OSError(116, "Stale file handle"),
        TimeoutError(110, "Connection timed out"),
        ValueError("Nanosecond timestamp is not safely convertible"),
        OverflowError("date value out of range"),
        MemoryError(),
    ],
)
def test_whatever_a_source_raises_is_told_and_the_others_are_looked_at(
    models: list[Model], looks: Callable[[Look], None], error: Exception
) -> None:
    def look(model: Model, now: dt.datetime) -> SourceState:
        if model.name == "bert":
            raise error
        return STATE

    looks(look)
    found = over(Watch(), models, Seen())
    assert set(found.seen.sources) == {"anna", "cleo"}
    (trouble,) = found.notes
    assert trouble.startswith("bert: ")
    assert str(error) in trouble
    assert found.sentence == trouble


def test_a_source_that_hangs_is_left_alone_and_its_late_answer_counts(
    models: list[Model], looks: Callable[[Look], None]
) -> None:
    answered = threading.Event()
    begun = []

    def look(model: Model, now: dt.datetime) -> SourceState:
        begun.append(model.name)
        if model.name == "anna":
            answered.wait(10)
        return STATE

    looks(look)
    watch = Watch(look_seconds=0.2)
    seen = Seen()
    for _ in range(2):
        started = time.monotonic()
        found = over(watch, models, seen)
        assert time.monotonic() - started < 5
        assert set(found.seen.sources) == {"bert", "cleo"}
        assert found.notes == [
            "anna: the source gave no answer within 0.2 s: see whether its disk answers, or make "
            "its files cheaper to ask"
        ]
        seen = found.seen
    assert begun.count("anna") == 1
    answered.set()
    wait_until(lambda: set(over(watch, models, seen).seen.sources) == set(NAMES))
    assert begun.count("anna") == 1


def test_no_round_waits_again_for_a_source_that_hangs(
    models: list[Model], looks: Callable[[Look], None]
) -> None:
    answered = threading.Event()

    def look(model: Model, now: dt.datetime) -> SourceState:
        if model.name != "cleo":
            answered.wait(30)
        return STATE

    looks(look)
    watch = Watch(look_seconds=0.1)
    seen = over(watch, models, Seen()).seen
    watch.look_seconds = 30.0
    started = time.monotonic()
    found = over(watch, models, seen)
    assert time.monotonic() - started < 15.0
    assert set(found.seen.sources) == {"cleo"}
    answered.set()


def test_a_round_that_runs_out_of_time_is_gone_on_with_by_the_next_one(
    models: list[Model], looks: Callable[[Look], None]
) -> None:
    begun: list[str] = []

    def look(model: Model, now: dt.datetime) -> SourceState:
        begun.append(model.name)
        time.sleep(0.05)
        return STATE

    looks(look)
    watch = Watch(round_seconds=0.0)
    seen = Seen()
    for _ in range(4):
        seen = over(watch, models, seen).seen
    assert begun == ["anna", "bert", "cleo", "anna"]


def test_every_model_has_its_turn_beginning_after_the_last_one(models: list[Model]) -> None:
    def turn(after: str) -> list[str]:
        return [model.name for model in Watch().in_time(models[::-1], after=after)]

    assert turn("") == ["anna", "bert", "cleo"]
    assert turn("anna") == ["bert", "cleo", "anna"]
    assert turn("bea") == ["bert", "cleo", "anna"]
    assert turn("cleo") == ["anna", "bert", "cleo"]


def test_slow_sources_leave_the_later_ones_to_the_next_round(
    tmp_path: Path, looks: Callable[[Look], None]
) -> None:
    """Of frames that are to be scored, too: the first models do not use up every round."""
    ready = []
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
        ready.append(make_model(tmp_path, name=name, ready="ready.sql"))
    begun: list[str] = []

    def look(model: Model, now: dt.datetime) -> SourceState:
        begun.append(model.name)
        return STATE

    looks(look)
    watch = Watch(round_seconds=0.0)
    states = [state_at(model, NOW) for model in ready]
    for _ in range(4):
        assert watch.ready(states).states == []
    assert begun == ["anna", "bert", "cleo", "anna"]


def test_a_bug_in_one_look_leaves_the_others_ready(tmp_path: Path) -> None:
    class Odd(Watch):
        def look(self, model: Model, now: dt.datetime) -> SourceState:
            if model.name == "anna":
                raise BUG
            return super().look(model, now)

    states = []
    for name in ("anna", "bert"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ready.sql").write_text("SELECT TIMESTAMP '2100-01-01'")
        states.append(state_at(make_model(tmp_path, name=name, ready="ready.sql"), NOW))
    found = Odd().ready(states)
    assert [state.model.name for state in found.states] == ["bert"]
    assert found.notes == [f"anna: RuntimeError: {BUG}"]


def test_a_query_that_takes_too_long_is_named(
    tmp_path: Path, looks: Callable[[Look], None]
) -> None:
    (tmp_path / "repurchase").mkdir()
    (tmp_path / "repurchase" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    model = make_model(tmp_path, ready="ready.sql")
    hang = threading.Event()

    def look(model: Model, now: dt.datetime) -> SourceState:
        hang.wait(10)
        return STATE

    looks(look)
    with pytest.raises(ModelRefreshError, match=r"ready\.sql"):
        Watch(look_seconds=0.05).look(model, NOW)
    hang.set()


def test_what_is_seen_survives_from_tick_to_tick() -> None:
    seen = Seen(last="anna", sources={"anna": SourceState(files="a" * 64, watermark=NOW)})
    assert Seen.parse_cursor(seen.canonical()) == seen
    assert Seen.parse_cursor(None) == Seen()
