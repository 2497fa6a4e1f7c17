"""A store with two champions, which many commands look at."""

from pathlib import Path

import pytest

from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab, copy_lab


@pytest.fixture(scope="session")
def promoted_twice(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The refreshed lab after the refresh of its second day."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("twice"))
    assert lab.refresh(SECOND).decision == "promote"
    return lab


@pytest.fixture
def twice(promoted_twice: Lab, tmp_path: Path) -> Lab:
    """A copy of the lab that was promoted twice."""
    return copy_lab(promoted_twice, tmp_path)
