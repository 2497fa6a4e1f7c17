"""The server that the tests of sinks share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_refresh_tests.sinks.postgres import Server, program, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A real PostgreSQL; tests that need it are skipped where none is installed."""
    if program("initdb") is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    # pytest's own folders are closed to the user that the server runs as
    with (
        tempfile.TemporaryDirectory(prefix="model-refresh-postgres-", dir="/tmp") as folder,
        running(Path(folder)) as server,
    ):
        yield server
