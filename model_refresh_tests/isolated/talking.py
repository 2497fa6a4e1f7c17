"""Tells its parent things while it works; the job's text says which. Leaves `result` in the end."""

import contextlib
import os
import sys
import time
from pathlib import Path

from model_refresh.isolation import child_main
from model_refresh.messages import tell_parent
from model_refresh.progress import to_parent
from model_refresh_tests.watched import make_progress


def run(job: Path) -> None:
    act = {
        "thrice": thrice,
        "progress": progress,
        "waits": waits,
        "flood": flood,
        "garbage": garbage,
        "endless line": endless_line,
        "stays": stays,
    }
    act[job.read_text()](job.parent)
    (job.parent / "result").touch()


def thrice(folder: Path) -> None:
    for word in ("one", "zwölf", "three"):
        tell_parent(word)


def progress(folder: Path) -> None:
    to_parent(make_progress(trial=1, best=None, seconds_left=60))
    tell_parent("and between them a line that is none")
    to_parent(make_progress())
    to_parent(make_progress(stage="fitting", seconds_left=0))


def waits(folder: Path) -> None:
    tell_parent("here I am")
    while not (folder / "answer").exists():
        time.sleep(0.01)


def flood(folder: Path) -> None:
    for number in range(100_000):
        tell_parent(f"message {number} " + "x" * 100)


def garbage(folder: Path) -> None:
    for _ in range(100):
        write(os.urandom(5000))
    time.sleep(0.5)  # until it has been read
    write(b"\n")
    tell_parent("after all that")


def endless_line(folder: Path) -> None:
    for _ in range(20_000):
        write(b"x" * 4000)


def stays(folder: Path) -> None:
    (folder / "pid").write_text(str(os.getpid()))
    tell_parent("here to stay")
    time.sleep(60)


def write(content: bytes) -> None:
    """Write to the pipe past `tell_parent`, as a library with a stray descriptor might."""
    with contextlib.suppress(BlockingIOError):
        os.write(int(sys.argv[3]), content)


if __name__ == "__main__":
    child_main(run)
