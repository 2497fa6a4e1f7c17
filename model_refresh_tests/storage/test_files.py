"""Files appear whole or not at all."""

import errno
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model_refresh.errors import CorruptError, NotStored, StoreWriteError
from model_refresh.storage.files import (
    new_draft,
    publish_file,
    publish_folder,
    read_regular,
    sweep,
    temporary_prefix,
)


def fail_fsync(patch: pytest.MonkeyPatch, failing: int) -> list[int]:
    """Let the n-th fsync from now on, and no other, fail with EIO; the list of calls."""
    calls: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    patch.setattr(os, "fsync", fsync)
    return calls


def test_a_file_is_published_once_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    assert publish_file(path, b"first")
    assert not publish_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


def test_a_folder_is_published_once(tmp_path: Path) -> None:
    for content, expected in ((b"first", True), (b"second", False)):
        draft = new_draft(tmp_path)
        (draft / "rows").write_bytes(content)
        assert publish_folder(draft, tmp_path / "thing") is expected
    assert (tmp_path / "thing" / "rows").read_bytes() == b"first"


@pytest.mark.parametrize("call", ["write", "fsync", "link", "mkdir"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_publishes_nothing_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    calls = []

    def fail(*args: object, **kwargs: object) -> int:
        calls.append(args)
        raise OSError(code, os.strerror(code))

    path = tmp_path / "champion" / "00000001.json"
    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(StoreWriteError, match=r"champion.*Nothing was published") as caught:
            publish_file(path, b"x" * 10)
    assert caught.value.transient
    assert len(calls) == 1, "an fsync that failed is never tried again"
    assert not path.exists()


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_folder_of_which_anything_is_not_flushed_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """The file, the draft, and after the rename the folder that holds it."""
    draft = new_draft(tmp_path / "versions")
    (draft / "model.txt").write_bytes(b"tree")
    calls = fail_fsync(monkeypatch, failing)
    said = "Nothing was published" if failing < 3 else "does not confirm that it will last"
    with pytest.raises(StoreWriteError, match=said) as caught:
        publish_folder(draft, tmp_path / "versions" / "v1")
    assert caught.value.transient
    assert len(calls) == failing, "an fsync that failed is never tried again"
    assert (tmp_path / "versions" / "v1").exists() is (failing == 3)


def test_a_name_that_the_disk_does_not_confirm_is_said_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    with monkeypatch.context() as broken:
        fail_fsync(broken, 2)
        with pytest.raises(StoreWriteError, match="does not confirm that it will last"):
            publish_file(path, b"first")
    assert not publish_file(path, b"second")
    assert path.read_bytes() == b"first"


def test_a_full_disk_leaves_nothing_at_the_final_path(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    path = tmp_path / "a.json"
    real = os.open

    def open_full(name: str, flags: int, mode: int = 0o777) -> int:
        return real(full if flags & os.O_CREAT else name, flags & ~os.O_CREAT & ~os.O_EXCL, mode)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_full)
        with pytest.raises(StoreWriteError, match="No space left"):
            publish_file(path, b"some bytes")
    assert not path.exists()


@pytest.mark.parametrize("make", ["folder", "link", "pipe"])
def test_what_replaces_a_file_is_corruption(tmp_path: Path, make: str) -> None:
    path = tmp_path / "a"
    if make == "folder":
        path.mkdir()
    elif make == "link":
        path.symlink_to("/etc/hostname")
    else:
        os.mkfifo(path)
    with pytest.raises(CorruptError, match="not a regular file"):
        read_regular(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotStored, match=r"gone\.json is missing"):
        read_regular(tmp_path / "gone.json")


def _leave_a_draft(root: str) -> None:
    new_draft(Path(root) / "versions")


def test_a_sweep_removes_drafts_of_dead_processes_only(tmp_path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(
        target=_leave_a_draft, args=(str(tmp_path),)
    )
    other.start()
    other.join()
    mine = new_draft(tmp_path / "versions")
    assert len(list((tmp_path / "versions").iterdir())) == 2
    assert sweep(tmp_path) == 1
    assert list((tmp_path / "versions").iterdir()) == [mine]


def test_a_sweep_is_not_deceived_by_a_process_that_nobody_collects(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    draft = tmp_path / temporary_prefix().replace(f"-{os.getpid()}-", f"-{dead.pid}-x")
    draft.mkdir()
    assert sweep(tmp_path) == 1
    dead.wait()


@pytest.mark.parametrize(
    "name",
    [f"{temporary_prefix()}x", ".tmp-elsewhere-1-x", ".tmp-odd"],
    ids=["of this process", "of another host", "of nobody"],
)
@pytest.mark.parametrize(("days", "swept"), [(6, 0), (8, 1)])
def test_a_sweep_removes_what_lies_for_a_week_whoever_left_it(
    tmp_path: Path, name: str, days: int, swept: int
) -> None:
    (tmp_path / name).mkdir()
    left = time.time() - days * 86_400
    os.utime(tmp_path / name, (left, left))
    assert sweep(tmp_path) == swept
