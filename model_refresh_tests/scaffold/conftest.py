"""Guesses that several tests look at, and how thoroughly they are tried."""

from collections.abc import Iterator

import pytest

from model_refresh_tests.scaffold.tables import Guess, purchases, subscribers, written


@pytest.fixture(scope="package")
def few_frames() -> Iterator[pytest.MonkeyPatch]:
    """Queries are tried at a few frames instead of eight: which ones matters to no test here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model_refresh.scaffold.trial._MOST_FRAMES", 3)
        yield patch


@pytest.fixture(autouse=True)
def frames_tried(request: pytest.FixtureRequest) -> None:
    """As few as that, but for a soak, which tries them all."""
    if request.node.get_closest_marker("soak") is None:
        request.getfixturevalue("few_frames")


@pytest.fixture(scope="package")
def bought(few_frames: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Guess:
    """What is made of purchases."""
    return written(tmp_path_factory.mktemp("bought"), purchases())


@pytest.fixture(scope="package")
def subscribed(few_frames: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Guess:
    """What is made of subscribers."""
    return written(tmp_path_factory.mktemp("subscribed"), subscribers())
