"""The kernel's library: built once, kept in private, never loaded from what others could write.

Each case is a process of its own with a cache and a PATH of its own: a process loads it once.
"""

import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_refresh.scorer.kernel import library

CC = shutil.which("cc")

pytestmark = pytest.mark.skipif(CC is None, reason="this machine has no C compiler")


@dataclass(frozen=True)
class Asked:
    """What a process got, and what it logged."""

    is_there: bool
    is_right: bool
    log: str


@dataclass(frozen=True)
class Place:
    """A cache of its own, and a folder with the only commands on the PATH."""

    cache: Path
    commands: Path

    @property
    def folder(self) -> Path:
        """Where libraries are kept."""
        return self.cache / "model_refresh"

    def kept(self) -> list[Path]:
        """The libraries, and whatever else was left."""
        return sorted(self.folder.iterdir()) if self.folder.exists() else []

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        """A process that asks for the kernel."""
        known = {
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.cache),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "model_refresh_tests.scorer.asked"],
            cwd=Path(__file__).parents[2],
            env=os.environ | known | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, **environment: str) -> Asked:
        """What it got."""
        return answered(self.start(**environment))

    def use(self, script: str) -> None:
        """Put a `cc` before the machine's own."""
        command = self.commands / "cc"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)


def answered(process: "subprocess.Popen[str]") -> Asked:
    out, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    return Asked(**json.loads(out), log=log)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "commands").mkdir()
    return Place(tmp_path / "cache", tmp_path / "commands")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """One in which the library was built."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "commands").mkdir()
    place = Place(folder / "cache", folder / "commands")
    assert place.ask().is_right
    return place


@pytest.fixture
def copied(built: Place, place: Place) -> Place:
    """A copy of it."""
    shutil.copytree(built.cache, place.cache)
    return place


def test_it_is_built_once_and_kept_in_private(copied: Place) -> None:
    (kept,) = copied.kept()
    before = kept.stat()
    assert before.st_mode & 0o777 == 0o600
    assert copied.folder.stat().st_mode & 0o777 == 0o700
    copied.use(f'case "$*" in *--version*) exec {CC} --version;; esac; exit 1')
    assert copied.ask().is_right
    assert kept.stat().st_mtime_ns == before.st_mtime_ns


def test_another_compiler_gets_a_library_of_its_own(copied: Place) -> None:
    copied.use(f'case "$*" in *--version*) echo other;; *) exec {CC} "$@";; esac')
    assert copied.ask().is_right
    assert len(copied.kept()) == 2


@pytest.mark.parametrize("switch", ["off", "OFF"])
def test_the_switch_turns_it_off(copied: Place, switch: str) -> None:
    assert not copied.ask(MODEL_REFRESH_KERNEL=switch).is_there


def test_one_that_is_brought_along_needs_no_compiler(place: Place, tmp_path: Path) -> None:
    kept = tmp_path / "kernel.so"
    assert place.ask(MODEL_REFRESH_KERNEL=str(kept)).is_right
    assert place.kept() == []
    without = place.ask(MODEL_REFRESH_KERNEL=str(kept), PATH=str(place.commands))
    assert without.is_right
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    damaged = place.ask(MODEL_REFRESH_KERNEL=str(kept), PATH=str(place.commands))
    assert not damaged.is_there


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_one_that_is_brought_along_where_others_may_write_is_refused(
    built: Place, tmp_path: Path, mode: int
) -> None:
    """Whole, and of this user: but in such a folder anybody might put another in its place."""
    kept = tmp_path / "kernel.so"
    shutil.copy(built.kept()[0], kept)
    tmp_path.chmod(mode)
    asked = built.ask(MODEL_REFRESH_KERNEL=str(kept))
    assert not asked.is_there
    assert "that no other may write" in asked.log


def test_one_that_is_brought_along_in_a_folder_that_others_may_read_is_used(
    built: Place, tmp_path: Path
) -> None:
    """As in an image: the home of its user."""
    kept = tmp_path / "kernel.so"
    shutil.copy(built.kept()[0], kept)
    tmp_path.chmod(0o755)
    assert built.ask(MODEL_REFRESH_KERNEL=str(kept)).is_right


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors have no names here")
def test_a_library_that_is_swapped_after_it_was_read_is_not_loaded(
    built: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path holds another file, whose load leaves a mark, when the loader is called."""
    kept, mark = tmp_path / "kernel.so", tmp_path / "loaded"
    shutil.copy(built.kept()[0], kept)
    planted, load = planted_library(tmp_path, mark), ctypes.CDLL

    def swapped(name: str) -> ctypes.CDLL:
        kept.unlink()
        kept.write_bytes(planted)
        kept.chmod(0o600)
        return load(name)

    monkeypatch.setattr(ctypes, "CDLL", swapped)
    monkeypatch.setenv("MODEL_REFRESH_KERNEL", str(kept))
    found = library.library()
    assert found is not None
    assert found.trees_row
    assert not mark.exists()


def test_a_compiler_that_failed_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = tmp_path / "called"
    command = tmp_path / "cc"
    command.write_text(f"#!/bin/sh\necho once >> {called}\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MODEL_REFRESH_KERNEL", str(tmp_path / "kernel.so"))
    assert [library.library() for _ in range(3)] == [None] * 3
    assert called.read_text() == "once\n"


def test_without_a_compiler_there_is_none_and_the_log_says_so(place: Place) -> None:
    asked = place.ask(PATH=str(place.commands))
    assert not asked.is_there
    assert "no C compiler" in asked.log
    assert place.kept() == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 1", "failed"),
        ('case "$*" in *--version*) echo 1;; *) echo nonsense >&2; exit 3;; esac', "nonsense"),
        ('case "$*" in *--version*) echo 1;; esac', "could not be built"),  # writes no file
        ("kill -9 $$", "failed"),
    ],
)
def test_a_broken_compiler_leaves_nothing_behind(place: Place, script: str, told: str) -> None:
    place.use(script)
    asked = place.ask()
    assert not asked.is_there
    assert told in asked.log
    assert place.kept() == []


def test_a_compiler_that_makes_something_else_is_noticed(place: Place) -> None:
    out = 'while [ "$1" != -o ]; do shift; done; echo no library > "$2"'
    place.use(f'case "$*" in *--version*) echo 1;; *) {out};; esac')
    asked = place.ask()
    assert not asked.is_there
    assert "can't be loaded" in asked.log


def test_a_kernel_that_sums_wrongly_is_never_used(place: Place) -> None:
    """A compiler that turns one decision round."""
    find = 'for each in "$@"; do case "$each" in *trees.c) main=$each;; esac; done'
    turn = "s/DEFAULT_LEFT ? 0 : 255/DEFAULT_LEFT ? 255 : 0/"
    place.use(f'{find}\n[ -z "$main" ] || sed -i "{turn}" "${{main%.c}}_masks.h"\nexec {CC} "$@"')
    asked = place.ask()
    assert not asked.is_there
    assert "wrong sums" in asked.log


def test_a_compiler_past_its_deadline_is_killed_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\n(sleep 30; touch {tmp_path}/alive) &\nsleep 30\n")
    script.chmod(0o755)
    started = time.monotonic()
    with pytest.raises(library.NoKernel, match="more than 1 s"):
        library.run([str(script)], seconds=1)
    assert time.monotonic() - started < 10
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(script) not in listed.stdout


def test_a_damaged_library_is_never_loaded_but_built_anew(copied: Place) -> None:
    (kept,) = copied.kept()
    whole = kept.read_bytes()
    for damaged in (whole[:5000], whole[:200] + b"\xff" + whole[201:], b"", whole + b"\n"):
        kept.write_bytes(damaged)
        assert copied.ask().is_right
        assert is_sealed(kept)


def test_a_planted_library_is_never_loaded(copied: Place, tmp_path: Path) -> None:
    """One whose bytes are whole, but which others may write, or which lies elsewhere."""
    (kept,) = copied.kept()
    mark = tmp_path / "loaded"
    planted = planted_library(tmp_path, mark)
    for plant in planting(planted, kept):
        plant()
        assert copied.ask().is_right
        assert not mark.exists()
        assert not kept.is_symlink()
        assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused(copied: Place, mode: int) -> None:
    copied.folder.chmod(mode)
    asked = copied.ask()
    assert not asked.is_there
    assert "mode 700" in asked.log


def test_a_link_in_place_of_the_folder_is_refused(copied: Place) -> None:
    copied.folder.rename(copied.cache / "elsewhere")
    copied.folder.symlink_to("elsewhere")
    assert not copied.ask().is_there


def test_a_place_that_cant_be_written_is_no_error(place: Place) -> None:
    place.cache.write_text("a file where a folder should be")
    asked = place.ask()
    assert not asked.is_there
    assert "no place" in asked.log


def test_processes_that_build_at_once_all_get_a_whole_one(place: Place) -> None:
    asked = [answered(each) for each in [place.start() for _ in range(3)]]
    assert [each.is_right for each in asked] == [True] * 3
    (kept,) = place.kept()
    assert is_sealed(kept)


def is_sealed(kept: Path) -> bool:
    data = kept.read_bytes()
    return hashlib.sha256(data[:-32]).digest() == data[-32:]


def planted_library(folder: Path, mark: Path) -> bytes:
    """One that leaves a mark when it is loaded, with the digest at its end."""
    source, made = folder / "planted.c", folder / "planted.so"
    source.write_text(
        "#include <stdio.h>\n__attribute__((constructor)) void mark(void) "
        f'{{ FILE *file = fopen("{mark}", "w"); if (file) fclose(file); }}\n'
    )
    subprocess.run([str(CC), "-shared", "-fPIC", "-o", made, source], check=True)
    data = made.read_bytes()
    return data + hashlib.sha256(data).digest()


def planting(planted: bytes, kept: Path) -> Iterator[Callable[[], None]]:
    def writable() -> None:
        kept.write_bytes(planted)
        kept.chmod(0o666)

    def linked() -> None:
        elsewhere = kept.parent.parent / "planted.so"
        elsewhere.write_bytes(planted)
        elsewhere.chmod(0o600)
        kept.unlink()
        kept.symlink_to(elsewhere)

    yield from (writable, linked)
