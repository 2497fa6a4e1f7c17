"""The machine that the month runs on: Dagster's code server and daemon, by the moved clock."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from clock import MovedClock
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@dataclass
class Host:
    """What a service manager would keep running; workers are the launcher's."""

    folder: Path
    clock: MovedClock
    extra: dict[str, str] = field(default_factory=dict)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _port: int = 0

    @property
    def fleet(self) -> Path:
        """The folder of models."""
        return self.folder / "fleet"

    @property
    def home(self) -> Path:
        """The store."""
        return self.folder / "store"

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this machine is started with."""
        return {
            **os.environ,
            **self.clock.environment,
            **self.extra,
            "MODEL_REFRESH_FLEET": str(self.fleet),
            "MODEL_REFRESH_HOME": str(self.home),
            "DAGSTER_HOME": str(self.dagster),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    @property
    def dagster(self) -> Path:
        """Dagster's own folder."""
        return self.folder / "dagster"

    def start(self) -> None:
        """Start code server and daemon, and wait until the server answers."""
        self._port = self._port or _free_port()
        workspace = self.folder / "workspace.yaml"
        server = {"host": "127.0.0.1", "port": self._port, "location_name": "model_refresh"}
        with workspace.open("w") as file:
            YAML().dump({"load_from": [{"grpc_server": server}]}, file)
        self._run(
            "dagster", "api", "grpc", "-m", "model_refresh.definitions", "-d", str(ROOT),
            "-h", "127.0.0.1", "-p", str(self._port), "--location-name", "model_refresh",
        )  # fmt: skip
        _wait_for(self._port)
        self._run("dagster-daemon", "run", "-w", str(workspace))

    def stop(self) -> None:
        """End both in good order."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=60)
        self._kill_all()

    def crash(self) -> None:
        """End everything that runs by this clock at once, workers and their children too."""
        self._kill_all()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of `model-refresh`, as a person would type it on this machine."""
        return subprocess.run(
            [str(BIN / "model-refresh"), *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [str(BIN / program), *arguments],
                    cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
                )
            )  # fmt: skip

    def _kill_all(self) -> None:
        mark = f"MOVED_CLOCK={self.clock.offset}".encode()
        while found := [pid for pid in _processes() if mark in _environment(pid)]:
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self._running:
                process.poll()
            time.sleep(0.05)
        for process in self._running:
            process.wait()
        self._running.clear()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"the code server did not answer within {seconds:g} s")
        time.sleep(0.2)
