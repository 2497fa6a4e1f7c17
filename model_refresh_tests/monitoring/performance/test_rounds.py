"""The round that looks for matured labels: each batch once, and a fleet of 1,000 in 2 seconds."""

import dataclasses
import datetime as dt
import time
from pathlib import Path

import pytest

from model_refresh import pipeline
from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.monitoring.performance.looks import ungraded
from model_refresh.monitoring.performance.rounds import (
    MOST,
    SOURCE_EVERY,
    GradingRound,
    Looks,
    Sources,
    grading_round,
)
from model_refresh.pipeline.aftercare import grade_matured
from model_refresh.records import Scores
from model_refresh.refresh.override import override
from model_refresh.storage import Line, Log, Store
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab, clock
from model_refresh_tests.monitoring.worlds import BUG, unreadable

FLEET = 1_000
FRAMES = 4
LOADED = dt.timedelta(hours=6)
"""After midnight, when the schedule ticks."""


def silent(model: Model) -> dt.datetime | None:
    raise AssertionError(model.name)


SILENT = Sources(silent)
"""Sources that must not be asked."""


def round_of(lab: Lab, seen: Looks, now: dt.datetime, *, sources: Sources = SILENT) -> GradingRound:
    return grading_round([lab.model], Store(lab.home), seen, now=now, sources=sources)


def renamed(lab: Lab, name: str, **changes: object) -> Model:
    spec = lab.model.spec.model_copy(update={"name": name})
    return dataclasses.replace(lab.model, spec=spec, **changes)  # type: ignore[arg-type]


def test_each_batch_is_asked_for_once_when_its_labels_have_matured(scored: Lab) -> None:
    first, second = scored.day(FIRST), scored.day(SECOND)
    due, following = second + LOADED, scored.day(SECOND + 1) + LOADED
    early = round_of(scored, Looks(), due - dt.timedelta(seconds=1))
    assert early.due == []
    on_time = round_of(scored, early.looks, due)
    assert [each.as_of for each in on_time.due] == [first]
    assert on_time.due[0].request.startswith("visits|2024-01-25|grade|")
    assert round_of(scored, on_time.looks, due).due == []
    then = round_of(scored, on_time.looks, following)
    assert [each.as_of for each in then.due] == [second]
    grade_matured(scored.model, scored.store, following)
    done = round_of(scored, then.looks, following)
    assert done.due == []
    assert done.looks.models["visits"].asked == {}


def test_a_graded_frame_that_is_scored_again_is_asked_for_again(scored: Lab) -> None:
    now = scored.day(SECOND + 1) + LOADED
    grade_matured(scored.model, scored.store, now)
    seen = round_of(scored, Looks(), now).looks
    assert round_of(scored, seen, now).due == []
    good = scored.store.champion.line(1).record
    override(scored.store, good.version, as_of=scored.day(SECOND), who="ann", reason="once more")
    pipeline.score(scored.model, scored.store, scored.day(SECOND), again=True)
    found = round_of(scored, seen, now)
    assert [each.as_of for each in found.due] == [scored.day(SECOND)]
    assert round_of(scored, found.looks, now).due == []


def test_a_batch_waits_until_the_source_says_that_its_labels_are_there(scored: Lab) -> None:
    lab = dataclasses.replace(scored, model=renamed(scored, "visits", ready_sql="SELECT 1"))
    now, asked = scored.day(SECOND) + LOADED, list[str]()

    def source(reached: dt.datetime | None) -> Sources:
        def ask(model: Model) -> dt.datetime | None:
            asked.append(model.name)
            return reached

        return Sources(ask)

    short = source(scored.day(SECOND) - dt.timedelta(seconds=1))
    waiting = round_of(lab, Looks(), now, sources=short)
    assert waiting.due == []
    soon = now + SOURCE_EVERY - dt.timedelta(seconds=1)
    assert round_of(lab, waiting.looks, soon, sources=SILENT).due == []
    there = source(scored.day(SECOND))
    found = round_of(lab, waiting.looks, now + SOURCE_EVERY, sources=there)
    assert [each.as_of for each in found.due] == [scored.day(FIRST)]
    assert round_of(lab, found.looks, now + SOURCE_EVERY, sources=SILENT).due == []
    assert asked == ["visits", "visits"]


def test_a_source_without_an_answer_is_told_and_keeps_no_other_model_back(scored: Lab) -> None:
    now, store = scored.day(SECOND) + LOADED, Store(scored.home)
    (scored.home / "other").symlink_to(scored.home / "visits")
    models = [renamed(scored, "other", ready_sql="SELECT 1"), scored.model]

    def lost(model: Model) -> dt.datetime | None:
        message = "no answer within 5 s"
        raise DataError(message)

    found = grading_round(models, store, Looks(), now=now, sources=Sources(lost))
    assert [each.model.name for each in found.due] == ["visits"]
    assert found.troubles == ["other: no answer within 5 s"]
    again = grading_round(models, store, found.looks, now=now, sources=SILENT)
    assert (again.due, again.troubles) == ([], [])


def test_a_round_that_ran_out_of_time_goes_on_in_the_next_one(scored: Lab) -> None:
    now, store, looked = scored.day(SECOND) + LOADED, Store(scored.home), list[str]()
    models = [renamed(scored, name, ready_sql="SELECT 1") for name in ("anna", "bert", "cleo")]
    for model in models:
        (scored.home / model.name).symlink_to(scored.home / "visits")

    def slow(model: Model) -> dt.datetime | None:
        looked.append(model.name)
        return None

    looks = Looks()
    for _ in models:
        time_for_one = Sources(slow, has_time=iter([True, False]).__next__)
        found = grading_round(models, store, looks, now=now, sources=time_for_one)
        looks = Looks.parse_cursor(found.looks.canonical())
    assert looked == ["anna", "bert", "cleo"]
    assert list(looks.models) == looked


def test_of_a_backlog_no_more_is_read_than_a_round_has_room_for(
    backlog: tuple[list[Model], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, store = backlog
    read = list[dt.datetime]()
    last = Log.last

    def counting(log: Log[Scores]) -> Line[Scores] | None:
        line = last(log)
        if line is not None:
            read.append(line.record.as_of)
        return line

    monkeypatch.setattr(Log, "last", counting)
    asked, looks = list[str](), Looks()
    for _ in range(4):
        found = grading_round(models, store, looks, now=clock(), sources=SILENT)
        assert len(found.due) == MOST
        assert len(read) <= MOST
        read.clear()
        looks = Looks.parse_cursor(found.looks.canonical())
        asked += [each.request for each in found.due]
    assert len(set(asked)) == len(asked)
    assert {name.split("|")[0] for name in asked} == {each.name for each in models}


@pytest.fixture
def backlog(scored: Lab, tmp_path: Path) -> tuple[list[Model], Store]:
    """Some models of which no batch of 150 was ever graded."""
    store = Store(tmp_path / "backlog_home", clock)
    line = scored.store.scores(scored.day(FIRST)).last()
    assert line is not None
    file = scored.store.scores(scored.day(FIRST)).path(1)
    models = [renamed(scored, f"model_{number}") for number in range(4)]
    for model in models:
        for day in range(150):
            log = store.model(model.name).scores(scored.day(day))
            log.folder.mkdir(parents=True)
            log.path(1).hardlink_to(file)
    return models, store


def test_frames_of_a_cadence_that_is_declared_no_more_are_not_asked_for(scored: Lab) -> None:
    """Dagster has no such partition: a request for it would stop the tick for all models."""
    rarer = scored.again({"frame.every": "7d", "frame.start": scored.day(SECOND).date()})
    found = round_of(rarer, Looks(), scored.day(SECOND + 30))
    assert [each.as_of for each in found.due] == [scored.day(SECOND)]
    assert ungraded(rarer.model, rarer.store, scored.day(SECOND + 30)) == [scored.day(SECOND)]


def test_a_cursor_that_nobody_wrote_starts_anew(scored: Lab) -> None:
    assert Looks.parse_cursor("{") == Looks() == Looks.parse_cursor(None)
    found = round_of(scored, Looks(), scored.day(SECOND + 1) + LOADED)
    assert Looks.parse_cursor(found.looks.canonical()) == found.looks


def test_a_store_that_cannot_be_read_is_told_and_stops_no_other(scored: Lab) -> None:
    now = scored.day(SECOND + 1) + LOADED
    scored.store.scores(scored.day(FIRST)).path(1).write_text("{}")
    models = [scored.model, renamed(scored, "other")]
    found = grading_round(models, Store(scored.home), Looks(), now=now, sources=SILENT)
    assert list(found.looks.models) == ["other"]
    assert "can't be read" in found.troubles[0]


def test_a_bug_that_one_model_is_enough_for_stops_no_other(
    scored: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = scored.day(SECOND + 1) + LOADED
    other = renamed(scored, "other")
    unreadable(monkeypatch, scored.model.name, BUG)
    found = grading_round(
        [scored.model, other], Store(scored.home), Looks(), now=now, sources=SILENT
    )
    assert list(found.looks.models) == ["other"]
    assert found.troubles == [f"{scored.model.name}: RuntimeError: {BUG}"]


@pytest.fixture
def fleet(scored: Lab, tmp_path: Path) -> tuple[list[Model], Store]:
    """1,000 models with some batches each, the last of which waits for its labels."""
    store = Store(tmp_path / "fleet_home", clock)
    spec, line = scored.model.spec, scored.store.scores(scored.day(FIRST)).last()
    assert line is not None
    template: Scores = line.record
    models = []
    for number in range(FLEET):
        name = f"model_{number:04d}"
        models.append(
            dataclasses.replace(scored.model, spec=spec.model_copy(update={"name": name}))
        )
        kept = store.model(name)
        for day in range(FRAMES):
            kept.scores(scored.day(day)).folder.mkdir(parents=True)
            if day < FRAMES - 1:
                kept.performances(scored.day(day)).folder.mkdir(parents=True)
        as_of = scored.day(FRAMES - 1)
        batch = template.model_copy(update={"as_of": as_of})
        if number < MOST:
            kept.scores(as_of).path(1).hardlink_to(_line(scored, batch))
    return models, store


def _line(lab: Lab, batch: Scores) -> Path:
    """The file of a batch's line."""
    log = Store(lab.home, clock).model("template").scores(batch.as_of)
    log.record_once(batch, key=batch.digest())
    return log.path(1)


def test_a_round_over_a_thousand_models_takes_at_most_two_seconds(
    scored: Lab, fleet: tuple[list[Model], Store]
) -> None:
    models, store = fleet
    took, looks = [], Looks()
    for hours in (0, 1):
        begun = time.process_time()
        found = grading_round(
            models,
            store,
            looks,
            now=scored.day(FRAMES - 1) + dt.timedelta(hours=hours),
            sources=SILENT,
        )
        looks = Looks.parse_cursor(found.looks.canonical())
        took.append(time.process_time() - begun)
        assert found.due == []
        assert len(looks.models) == FLEET
    assert max(took) <= 2.0
    now = scored.day(FRAMES) + LOADED
    matured = grading_round(models[:MOST], store, looks, now=now, sources=SILENT)
    assert len(matured.due) == MOST
