"""A disk that is full or fails: the refresh stops with one line, and the champion stays."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_refresh.errors import StoreWriteError
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.faults.world import (
    champions,
    command,
    drafts,
    problems,
    recorded,
    run,
    small,
)
from model_refresh_tests.lab import NAME, Lab

LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv[1:] = sys.argv[2:]
runpy.run_module("model_refresh", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("limit", "place", "reached"),
    [
        (3_000, "rows.parquet", []),
        (4_000, "dataset/00000001.json", []),
        (16_000, "visits/versions", ["dataset"]),
    ],
    ids=["DuckDB", "record", "LightGBM"],
)
def test_a_disk_that_is_full_stops_a_refresh_and_leaves_nothing_half_written(
    tmp_path: Path, limit: int, place: str, reached: list[str]
) -> None:
    lightgbm = [{"algorithm": "lightgbm", "rounds": 100}]
    lab = small(tmp_path).again(
        {"training.window": 1, "training.min_frames": 1, "training.candidates": lightgbm}
    )
    refresh = command(lab, "refresh", NAME, "--as-of", stamp(lab.day(FIRST)))
    ended = run([sys.executable, "-c", LIMITED, str(limit), *refresh[2:]])
    *progress, line = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert len(progress) >= len(reached), "and how far the tuning has come, where there is time"
    assert "File too large" in line
    assert place in line
    assert "run" in line.rpartition(";")[2], "it says what to do"
    assert recorded(lab, FIRST) == reached
    assert champions(lab) == []
    assert lab.store.versions() == []
    assert problems(lab) == []
    assert drafts(lab) == []


@pytest.fixture(params=[16, 64])
def little_room(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab's store on a disk with so many KiB left."""
    kept = lab.home.with_name("kept")
    lab.home.rename(kept)
    lab.home.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(lab.home)]).returncode:
        pytest.skip("needs the right to mount")
    try:
        shutil.copytree(kept, lab.home, dirs_exist_ok=True)
        used = shutil.disk_usage(lab.home).used // 1024
        run(["mount", "-o", f"remount,size={used + request.param}k", str(lab.home)])
        yield lab
    finally:
        run(["umount", str(lab.home)])


def test_a_full_disk_leaves_the_champion_and_more_room_is_enough(little_room: Lab) -> None:
    lab, before = little_room, champions(little_room)
    with pytest.raises(StoreWriteError, match="No space left on device"):
        lab.refresh(SECOND + 1)
    assert champions(lab) == before
    assert problems(lab) == []
    assert drafts(lab) == []
    assert run(["mount", "-o", "remount,size=20m", str(lab.home)]).returncode == 0
    assert lab.refresh(SECOND + 1).entry == 2
    assert problems(lab) == []


def test_an_fsync_that_fails_stops_a_refresh_and_running_it_again_is_enough(
    tmp_path: Path, strace: list[str]
) -> None:
    lab = small(tmp_path)
    refresh = command(lab, "refresh", NAME, "--as-of", stamp(lab.day(FIRST)))
    inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=40"]
    ended = run([*strace, *inject, sys.executable, *refresh])
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "Input/output error" in line
    assert "run the step again" in line
    assert problems(lab) == []
    assert drafts(lab) == []
    assert lab.refresh(FIRST).decision == "promote"
    assert problems(lab) == []
