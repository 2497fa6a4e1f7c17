"""Worlds that several tests share; each test gets a copy of its own."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from model_refresh import pipeline
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.override import override
from model_refresh_tests.lab import MANUAL, Lab, copy_lab, make_lab

settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared machine")

FIRST, SECOND = 10, 11
"""Days of the lab: the first is refreshed to its end, the second up to its comparison."""


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with a champion of day 10, and a comparison on day 11 that was not judged yet."""
    lab = make_lab(tmp_path_factory.mktemp("lab"))
    assert lab.refresh(FIRST).decision == "promote"
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record
    algorithms = lab.model.spec.training.candidates
    candidates = [fit_candidate(lab.model, lab.store, dataset, each).record for each in algorithms]
    compare(lab.model, lab.store, dataset, candidates)
    return lab


@pytest.fixture
def lab(refreshed: Lab, tmp_path: Path) -> Lab:
    """A copy of the refreshed lab."""
    return copy_lab(refreshed, tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> Lab:
    """A lab in which nothing has happened yet."""
    return make_lab(tmp_path)


@pytest.fixture(scope="session")
def asked(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The refreshed lab, whose second day waits for approval."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("asked"), MANUAL)
    assert lab.refresh(SECOND).decision == "wait"
    return lab


@pytest.fixture
def manual(asked: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return copy_lab(asked, tmp_path, MANUAL)


@pytest.fixture(scope="session")
def answering(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The refreshed lab, whose second day promoted a champion with a tested scorer."""
    folder = tmp_path_factory.mktemp("answering")
    lab = copy_lab(refreshed, folder, {"deploy": ["batch", "realtime"]})
    assert lab.refresh(SECOND).decision == "promote"
    return lab


@pytest.fixture
def realtime(answering: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return copy_lab(answering, tmp_path, {"deploy": ["batch", "realtime"]})


@pytest.fixture(scope="session")
def overridden(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Day FIRST scored by its champion; day SECOND by the constant, which a person put in."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("overridden"))
    pipeline.score(lab.model, lab.store, lab.day(FIRST))
    constant = lab.store.candidates(lab.day(FIRST), "constant").last()
    assert constant is not None
    assert constant.record.version is not None
    override(
        lab.store,
        constant.record.version,
        as_of=lab.day(SECOND),
        who="ann",
        reason="to see what becomes of it",
    )
    pipeline.score(lab.model, lab.store, lab.day(SECOND))
    return lab


@pytest.fixture
def scored(overridden: Lab, tmp_path: Path) -> Lab:
    """A copy of it, whose policy is to roll back."""
    return copy_lab(overridden, tmp_path, {"champion.on_decay": "rollback"})
