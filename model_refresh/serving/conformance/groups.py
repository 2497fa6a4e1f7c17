"""A command in a process group of its own, with a deadline; nothing of it outlives the call."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST_TOLD = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, None where it was too late; and what it wrote."""

    code: int | None
    told: str


def run_group(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], seconds: float
) -> Ended:
    """Run a command to its end, or kill it and what it started at the deadline."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = os.fstat(output.fileno()).st_size
        told = os.pread(output.fileno(), _MOST_TOLD, max(0, size - _MOST_TOLD))
    return Ended(code, told.decode(errors="replace"))
