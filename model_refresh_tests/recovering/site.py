"""A Dagster site of real processes with the shipped dagster.yaml, and an init that restarts them."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from model_refresh.orchestration.workers import worker_of
from model_refresh.processes import Fingerprint
from model_refresh_tests.recovering.definitions import WANTED

ROOT = Path(__file__).parents[2]
RESTART_SECONDS = 1.0
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass
class Site:
    """The folder of a site; `services` are started by `running` and restarted when they end."""

    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarts: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are told by their environment."""
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "MODEL_REFRESH_FLEET": str(self.folder / "fleet"),
            "MODEL_REFRESH_HOME": str(self.folder / "home"),
            WANTED: str(self.folder / "wanted"),
        }

    @contextlib.contextmanager
    def running(self) -> Iterator[dg.DagsterInstance]:
        """The services up, and restarted whenever they end; at the end all that it started is killed."""
        (self.folder / "dagster").mkdir()
        shutil.copy(ROOT / "dagster.yaml", self.folder / "dagster")
        (self.folder / "wanted").touch()
        (self.folder / "workspace.yaml").write_text(
            "load_from:\n  - grpc_server: "
            f"{{host: 127.0.0.1, port: {self.port}, location_name: model_refresh}}\n"
        )
        init = threading.Thread(target=self._restart_for_ever)
        with dg.DagsterInstance.from_config(str(self.folder / "dagster")) as instance:
            self.services = {name: self._start(name) for name in ("code", "daemon")}
            init.start()
            try:
                yield instance
            finally:
                self._stopping.set()
                init.join()
                for service in self.services.values():
                    service.kill()
                    service.wait()
                for worker in self.workers(instance).values():
                    worker.kill_group()

    def want(self, lines: Sequence[str]) -> None:
        """Ask for refreshes, each `model partition`."""
        with (self.folder / "wanted").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def workers(self, instance: dg.DagsterInstance) -> dict[str, Fingerprint]:
        """The living workers of runs that are under way, by run id."""
        runs = instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
        found = {run.run_id: worker_of(run) for run in runs}
        return {run: worker for run, worker in found.items() if worker and worker.is_alive}

    def answers(self) -> bool:
        """Whether the code server answers."""
        try:
            DagsterGrpcClient(host="127.0.0.1", port=self.port).ping("")
        except DagsterUserCodeUnreachableError:
            return False
        return True

    def _restart_for_ever(self) -> None:
        """What systemd does with `Restart=always`, `RestartSec=1` and `KillMode=process`."""
        while not self._stopping.wait(0.1):
            for name, service in list(self.services.items()):
                if service.poll() is not None:
                    time.sleep(RESTART_SECONDS)
                    self.services[name] = self._start(name)
                    self.restarts += 1

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        commands = {
            "code": ["api", "grpc", "-m", "model_refresh_tests.recovering.definitions",
                     "-h", "127.0.0.1", "-p", str(self.port), "--location-name", "model_refresh"],
            "daemon": ["-m", "dagster._daemon", "run", "-w", str(self.folder / "workspace.yaml")],
        }  # fmt: skip
        module = ["-m", "dagster"] if name == "code" else []
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *module, *commands[name]],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
