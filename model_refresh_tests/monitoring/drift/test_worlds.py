"""A small part of the soak: worlds without drift raise no alarm, planted shifts do."""

import pytest

from model_refresh.config.operation import DriftLimits
from model_refresh_tests.monitoring.drift.worlds import PLANTED, WORLDS, Stage, World

SMALL = [world for world in WORLDS if world.rows <= 1000]
UNTRAINED = DriftLimits(classifier=None)


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_frames_of_the_same_law_raise_no_alarm(world: World) -> None:
    stage = Stage.of(world, seed=41)
    assert [stage.alarms(frame, UNTRAINED) for frame in stage.later] == [[]] * len(stage.later)


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_shift_is_found(kind: str) -> None:
    stage = Stage.of(WORLDS[2], seed=42, later=1)
    found = stage.alarms(PLANTED[kind](stage, stage.later[0]), DriftLimits())
    assert found
    if kind == "correlation turned":
        assert found == ["classifier"]


def test_a_feature_that_the_champion_ignores_starts_nothing() -> None:
    stage = Stage.of(WORLDS[3], seed=43, later=1)
    moved = PLANTED["20 points more missing"](stage, stage.later[0])
    others = dict.fromkeys(("x0", "x2", "x3", "x4", "x5"), 0.2)
    assert stage.alarms(moved, UNTRAINED)
    assert stage.alarms(moved, UNTRAINED, weights=others) == []
