"""Where a peer runs: a virtual environment of its own, made once, below the cache."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

THREADS = 2


class NotInstalled(Exception):
    """The environment can't be made; the message is the installer's own last line."""


@dataclass(frozen=True)
class Environment:
    """Packages at pinned versions; without any, the interpreter that runs the benchmark."""

    packages: tuple[str, ...] = ()

    def python(self, cache: Path) -> Path:
        """Its interpreter; the environment is made first where it isn't there yet.

        Raises NotInstalled.
        """
        if not self.packages:
            return Path(sys.executable)
        digest = hashlib.sha256("\n".join((*self.packages, sys.version)).encode()).hexdigest()
        home = cache / "environments" / digest[:12]
        python = home / "bin" / "python"
        if (home / "installed").is_file():
            return python
        shutil.rmtree(home, ignore_errors=True)
        self._install(home, python)
        (home / "installed").write_text("\n".join(self.packages), encoding="utf-8")
        return python

    def _install(self, home: Path, python: Path) -> None:
        commands: tuple[list[str | Path], ...] = (
            [sys.executable, "-m", "venv", home],
            [python, "-m", "pip", "install", "--quiet", *self.packages],
        )
        for command in commands:
            done = subprocess.run(
                command, env=surroundings(), capture_output=True, text=True, check=False
            )
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
                raise NotInstalled(said[-1])


def surroundings() -> Mapping[str, str]:
    """The variables of a peer's process: two threads, and compiled bytecode is kept.

    OpenMP's threads sleep while they wait. By default they spin, which on a machine that does
    something else too makes LightGBM take five times its seconds, of CPU as of the wall clock.
    """
    ours = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**kept, **dict.fromkeys(pools, str(THREADS)), "OMP_WAIT_POLICY": "passive"}
