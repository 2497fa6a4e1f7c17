"""Folders that are named by instants: the newest are found without reading all the others."""

import datetime as dt
import os
import time
from itertools import islice
from pathlib import Path

import pytest

from model_refresh.storage.instants import instants_back, instants_in, stamp

DAY = dt.timedelta(days=1)
FIRST = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if what was changed last had been changed some time ago."""
    true = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() + 10_000_000_000)


def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which folders are listed from now on."""
    found: list[str] = []
    true = os.listdir

    def listdir(folder: Path) -> list[str]:
        found.append(folder.name)
        return true(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    return found


def fill(folder: Path, frames: int) -> None:
    for number in range(frames):
        (folder / stamp(FIRST + number * DAY)).mkdir(parents=True)


@pytest.mark.parametrize("frames", [0, 1, 15, 16, 17, 60])
@pytest.mark.usefixtures("settled")
def test_newest_first_is_oldest_first_turned_round(tmp_path: Path, frames: int) -> None:
    fill(tmp_path, frames)
    (tmp_path / stamp(FIRST.replace(hour=12))).mkdir()
    for stray in ("lost+found", "2026-13-99", ".hidden", "20260302"):
        (tmp_path / stray).mkdir()
    for _ in range(2):
        assert list(instants_back(tmp_path)) == list(instants_in(tmp_path))[::-1]
    assert list(instants_back(tmp_path / "gone")) == []


def test_none_is_after_the_instant_that_is_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, 40)
    noon = FIRST + 30 * DAY + DAY / 2
    for until in (FIRST - DAY, FIRST, FIRST + 30 * DAY, noon, noon.replace(second=7)):
        expected = [each for each in instants_in(tmp_path) if each <= until][::-1]
        assert list(instants_back(tmp_path, until)) == expected


@pytest.mark.usefixtures("settled")
def test_a_folder_is_listed_again_only_where_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 40)
    seen = listings(monkeypatch)
    newest = [FIRST + number * DAY for number in (39, 38)]
    for _ in range(3):
        assert list(islice(instants_back(tmp_path), 2)) == newest
        assert next(instants_back(tmp_path, FIRST + 3 * DAY)) == FIRST + 3 * DAY
    assert len(seen) == 2
    (tmp_path / stamp(FIRST + 40 * DAY)).mkdir()
    assert next(instants_back(tmp_path)) == FIRST + 40 * DAY
    (tmp_path / stamp(FIRST + 40 * DAY)).rename(tmp_path / "aside")
    assert next(instants_back(tmp_path)) == newest[0]
    assert len(seen) == 4


def test_a_folder_that_changed_a_moment_ago_is_not_taken_for_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 3)
    seen = listings(monkeypatch)
    assert next(instants_back(tmp_path)) == next(instants_back(tmp_path)) == FIRST + 2 * DAY
    assert len(seen) == 2
