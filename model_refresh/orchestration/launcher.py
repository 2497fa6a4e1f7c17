"""A run launcher whose workers can be asked for their health, and die as a group.

dagster.yaml names it. Each run is worked on by a process of its own, the leader of its own session:
it outlives the daemon that started it, and what it started dies with it. Daemon, webserver and
workers share a machine; where they don't, one of Dagster's own launchers is the one to choose.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

from model_refresh.orchestration.sqlite import be_patient_with_sqlite
from model_refresh.orchestration.tags import WORKER_TAG
from model_refresh.orchestration.workers import (
    EXECUTE,
    LAUNCHING,
    worker_environment,
    worker_of,
    worker_state,
)
from model_refresh.processes import Fingerprint

GONE = "its worker process is gone: killed, out of memory, or the machine went down"
_POLL_SECONDS = 0.1
_TAIL_BYTES = 2000
_DAY_SECONDS = 86400


class ProcessRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches each run in a process group of its own on this machine.

    `grace_seconds` is what a run that is to end has for ending by itself, before its group is
    killed. What a worker prints beside its run's events goes to `$DAGSTER_HOME/workers/<run>.log`,
    which is kept for `keep_days`. Runs that ended more than `keep_run_days` ago are forgotten by
    the sensor `prune`; 0: never.
    """

    def __init__(
        self,
        *,
        grace_seconds: int = 20,
        keep_days: int = 7,
        keep_run_days: int = 0,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        self.grace_seconds = grace_seconds
        self.keep_days = keep_days
        self.keep_run_days = keep_run_days
        self._inst_data = inst_data
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says of this launcher."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """What may stand below `config` in dagster.yaml."""
        return {
            "grace_seconds": dg.Field(int, default_value=20),
            "keep_days": dg.Field(int, default_value=7),
            "keep_run_days": dg.Field(int, default_value=0),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, int]
    ) -> Self:
        """The launcher that dagster.yaml describes."""
        be_patient_with_sqlite()
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's worker, and keep in a tag which process that is."""
        run = context.dagster_run
        command = self._command(run)
        self._sweep_logs()
        self._instance.add_run_tags(run.run_id, {WORKER_TAG: LAUNCHING})
        with self.log_of(run.run_id).open("ab") as log:
            child = subprocess.Popen(
                command,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=worker_environment(run, dict(os.environ)),
            )
        self._children[run.run_id] = child
        threading.Thread(target=self._reap, args=(run.run_id, child), daemon=True).start()
        if worker := Fingerprint.of(child.pid):
            self._instance.add_run_tags(run.run_id, {WORKER_TAG: worker.text})

    def log_of(self, run_id: str) -> Path:
        """Where a worker's own output goes."""
        folder = Path(self._instance.root_directory) / "workers"
        folder.mkdir(exist_ok=True)
        return folder / f"{run_id}.log"

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: Dagster's run monitoring asks for the health of each run that has started."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's worker lives; what is left of the group of one that doesn't is killed.

        Nothing is said against a run that was launched elsewhere.
        """
        if worker_state(run) in ("alive", "unknown"):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self.kill(run)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"{GONE}{self._last_words(run.run_id)}")

    def get_run_worker_debug_info(
        self, run: dg.DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        """The last that the worker printed."""
        return self._last_words(run.run_id) if include_container_logs else None

    def terminate(self, run_id: str) -> bool:
        """Ask a run to end; its group is killed if it is still there after the grace.

        False where it had ended already.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        worker = worker_of(run)
        if worker is None or not worker.is_alive:
            self.kill(run)
            self._instance.report_run_canceled(run, f"The run was to end, and {GONE}.")
            return True
        worker.kill_group(signal.SIGTERM)
        threading.Thread(target=self._kill_after_grace, args=(worker,), daemon=True).start()
        return True

    def kill(self, run: dg.DagsterRun) -> bool:
        """Kill what is left of a run's worker and its group; False where nothing was."""
        worker = worker_of(run)
        return worker is not None and worker.kill_group()

    def join(self, timeout: int = 30) -> None:
        """Wait for the workers that this launcher has started itself."""
        for child in list(self._children.values()):
            child.wait(timeout)

    def _command(self, run: dg.DagsterRun) -> list[str]:
        """Dagster's own command for a run, by the code server's Python, whatever is on the PATH."""
        origin = run.job_code_origin
        if origin is None:
            raise dg.DagsterInvariantViolationError(
                f"run {run.run_id} doesn't say where its job is"
            )
        arguments = ExecuteRunArgs(
            job_origin=origin,
            run_id=run.run_id,
            instance_ref=self._instance.get_ref(),
            set_exit_code_on_failure=True,
        )
        job = serialize_value(arguments)
        return [origin.executable_path, "-m", "dagster", "api", EXECUTE, job]

    def _kill_after_grace(self, worker: Fingerprint) -> None:
        end = time.monotonic() + self.grace_seconds
        while worker.is_alive and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        worker.kill_group()

    def _reap(self, run_id: str, child: subprocess.Popen[bytes]) -> None:
        """Take a child from the process table as soon as it has ended: nobody else does."""
        child.wait()
        self._children.pop(run_id, None)

    def _sweep_logs(self) -> None:
        """Remove logs that are old enough; another launcher may do the same meanwhile."""
        end = time.time() - self.keep_days * _DAY_SECONDS
        for old in self.log_of("any").parent.glob("*.log"):
            with contextlib.suppress(FileNotFoundError):
                if old.stat().st_mtime < end:
                    old.unlink()

    def _last_words(self, run_id: str) -> str:
        """What the end of a worker's log says; nothing where there is none."""
        try:
            with self.log_of(run_id).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = log.read(_TAIL_BYTES).decode(errors="replace").strip()
        except FileNotFoundError:
            return ""
        return f"; its last words: {text}" if text else ""
