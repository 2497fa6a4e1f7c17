"""Leaves its own number in `result`, then does as the job's text says; it is ready for another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from model_refresh.errors import FitError
from model_refresh.isolation import child_main
from model_refresh.messages import tell_parent

_held: list[bytearray] = []


def run(job: Path) -> None:
    text = job.read_text()
    tell_parent(text)
    (job.parent / "result").write_text(str(os.getpid()))
    act: dict[str, Callable[[], object]] = {
        "works": work,
        "takes": lambda: bytearray(200_000_000),
        "leaks": lambda: _held.append(bytearray(200_000_000)),
        "leaks a little": lambda: _held.append(bytearray(100_000_000)),
        "needs too much": lambda: bytearray(600_000_000),
        "needs much": lambda: bytearray(410_000_000),
        "crashes once": crash_once,
        "leaves": lambda: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]),
        "writes": lambda: sys.stderr.write("a warning of no consequence\n"),
        "hangs": lambda: time.sleep(60),
        "silent": lambda: sys.exit(3),
        "fails": fail,
        "pid": lambda: None,
    }
    act[text]()


def work() -> None:
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass


def crash_once() -> None:
    if _held:
        os.kill(os.getpid(), signal.SIGSEGV)


def fail() -> None:
    raise FitError("as told")


if __name__ == "__main__":
    child_main(run, again=True)
