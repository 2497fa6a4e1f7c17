"""A scorer's own server, started on loopback at a free port, and ended whatever happens."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

_ADDRESS = re.compile(rb" at (http://\S+)")
_MOST_LOG = 1 << 16
_POLL_SECONDS = 0.02
_END_SECONDS = 5.0


class NotStarted(RuntimeError):
    """The server ended, or told no address in time; the text has the last that it wrote."""


@contextlib.contextmanager
def started(
    folder: Path,
    *,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> Iterator[str]:
    """The address of this folder's `python -m scorer`; its whole process group ends on the way out.

    Raises NotStarted where it doesn't listen within `seconds`.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [python, "-m", "scorer", "--port", "0"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield _address(process, log, seconds)
        finally:
            _end(process)


def _address(process: "subprocess.Popen[bytes]", log: IO[bytes], seconds: float) -> str:
    until = time.monotonic() + seconds
    while True:
        is_over = process.poll() is not None
        told = os.pread(log.fileno(), _MOST_LOG, 0)
        if found := _ADDRESS.search(told):
            return found[1].decode()
        if is_over or time.monotonic() > until:
            last = told.decode(errors="replace").strip().splitlines()[-1:] or ["nothing was told"]
            what = f"ended with {process.returncode}" if is_over else f"no address in {seconds:g} s"
            raise NotStarted(f"the scorer did not start: {what}: {last[0]}")
        time.sleep(_POLL_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, a while to answer what has begun, and SIGKILL for whatever is left of the group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
