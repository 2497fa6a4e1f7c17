"""What the tests are given: this folder's formula and golden rows, and its server at work."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.folder.suite.client import Client
from model_refresh.serving.folder.suite.policy import Expected, expected
from model_refresh.serving.folder.suite.started import started

FOLDER = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def folder() -> Path:
    """The generated folder."""
    return FOLDER


@pytest.fixture(scope="session")
def formula(folder: Path) -> Formula:
    """How its version scores."""
    return Formula.decode((folder / "formula.json").read_bytes())


@pytest.fixture(scope="session")
def scoring(formula: Formula) -> Scoring:
    """The formula at work."""
    return formula.ready()


@pytest.fixture(scope="session")
def golden(folder: Path) -> Golden:
    """Rows with the scores that a batch gives them."""
    return Golden.decode((folder / "golden.json").read_bytes())


@pytest.fixture(scope="session")
def settings(folder: Path) -> Settings:
    """The limits on requests."""
    return msgspec.json.decode((folder / "settings.json").read_bytes(), type=Settings)


@pytest.fixture(scope="session")
def asked(golden: Golden, scoring: Scoring, settings: Settings) -> Expected:
    """What must become of the golden rows over HTTP."""
    return expected(golden, scoring, settings)


@pytest.fixture(scope="session")
def url(folder: Path) -> Iterator[str]:
    """Where this folder's server listens, for as long as the tests run."""
    with started(folder) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A connection of its own for each test."""
    client = Client(url)
    yield client
    client.close()
