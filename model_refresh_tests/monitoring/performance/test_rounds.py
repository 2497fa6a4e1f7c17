"""The round that looks for matured labels: each batch once, and a fleet of 1,000 in 2 seconds."""

import dataclasses
import datetime as dt
import time
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.performance.rounds import MOST, Looks, Round, grading_round
from model_refresh.pipeline.aftercare import grade_matured
from model_refresh.records import Scores
from model_refresh.storage import Store
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab, clock

FLEET = 1_000
FRAMES = 4


def round_of(lab: Lab, seen: Looks, now: dt.datetime) -> Round:
    return grading_round([lab.model], Store(lab.home), seen, now)


def test_each_batch_is_asked_for_once_when_its_labels_have_matured(scored: Lab) -> None:
    first, second = scored.day(FIRST), scored.day(SECOND)
    early = round_of(scored, Looks(), first)
    assert early.due == []
    on_time = round_of(scored, early.looks, second)
    assert [each.as_of for each in on_time.due] == [first]
    assert on_time.due[0].request.startswith("visits|2024-01-25|grade|")
    assert round_of(scored, on_time.looks, second).due == []
    following = round_of(scored, on_time.looks, scored.day(SECOND + 1))
    assert [each.as_of for each in following.due] == [second]
    grade_matured(scored.model, scored.store, scored.day(SECOND + 1))
    done = round_of(scored, following.looks, scored.day(SECOND + 1))
    assert done.due == []
    assert done.looks.models["visits"].asked == ()


def test_a_cursor_that_nobody_wrote_starts_anew(scored: Lab) -> None:
    assert Looks.parse_cursor("{") == Looks() == Looks.parse_cursor(None)
    found = round_of(scored, Looks(), scored.day(SECOND + 1))
    assert Looks.parse_cursor(found.looks.canonical()) == found.looks


def test_a_store_that_cannot_be_read_is_told_and_stops_no_other(scored: Lab) -> None:
    now = scored.day(SECOND + 1)
    scored.store.scores(scored.day(FIRST)).path(1).write_text("{}")
    other = dataclasses.replace(
        scored.model, spec=scored.model.spec.model_copy(update={"name": "other"})
    )
    found = grading_round([scored.model, other], Store(scored.home), Looks(), now)
    assert list(found.looks.models) == ["other"]
    assert "can't be read" in found.troubles[0]


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
            models, store, looks, scored.day(FRAMES - 1) + dt.timedelta(hours=hours)
        )
        looks = Looks.parse_cursor(found.looks.canonical())
        took.append(time.process_time() - begun)
        assert found.due == []
        assert len(looks.models) == FLEET
    assert max(took) <= 2.0
    matured = grading_round(models[:MOST], store, looks, scored.day(FRAMES))
    assert len(matured.due) == MOST
