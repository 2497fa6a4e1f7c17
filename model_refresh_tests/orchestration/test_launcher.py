"""Workers are processes of their own: asked for their health, ended as a group, found again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from model_refresh.orchestration.launcher import ProcessRunLauncher
from model_refresh.orchestration.tags import IMPLICIT_JOB, MODEL_TAG, WORKER_TAG
from model_refresh.orchestration.workers import (
    LAUNCHING,
    worker_of,
    worker_state,
)
from model_refresh.processes import Fingerprint
from model_refresh_tests.orchestration.homes import make_home
from model_refresh_tests.waiting import wait_until

STAND_IN = """#!{python}
import os, signal, subprocess, sys, time
child = subprocess.Popen([{python!r}, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
print("only", os.environ.get("MODEL_REFRESH_ONLY"), os.environ["OMP_WAIT_POLICY"], flush=True)
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
"""What stands in for Python where a run is launched: a worker with a process of its own."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(make_home(tmp_path)) as instance:
        yield instance
        for run in instance.get_runs():
            launcher_of(instance).kill(run)
        launcher_of(instance).join(timeout=10)


def launcher_of(instance: dg.DagsterInstance) -> ProcessRunLauncher:
    assert isinstance(instance.run_launcher, ProcessRunLauncher)
    return instance.run_launcher


def launch(
    instance: dg.DagsterInstance, folder: Path, *, stubborn: bool = False, **tags: str
) -> dg.DagsterRun:
    """A run whose worker is the stand-in, as soon as that is ready."""
    python = folder / "python"
    python.write_text(STAND_IN.format(python=sys.executable, stubborn=stubborn))
    python.chmod(0o700)
    origin = JobPythonOrigin(
        job_name=IMPLICIT_JOB,
        repository_origin=RepositoryPythonOrigin(
            executable_path=str(python), code_pointer=ModuleCodePointer("nowhere", "repository")
        ),
    )
    run = instance.add_run(
        dg.DagsterRun(
            job_name=IMPLICIT_JOB,
            status=dg.DagsterRunStatus.STARTED,
            job_code_origin=origin,
            tags={MODEL_TAG: "anna", **tags},
        )
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    log = launcher_of(instance).log_of(run.run_id)
    wait_until(lambda: "ready" in log.read_text())
    return again(instance, run)


def again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    """The run as it is stored now."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def child_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Fingerprint:
    """The process that the worker started."""
    words = launcher_of(instance).log_of(run.run_id).read_text().split()
    found = Fingerprint.of(int(words[words.index("child") + 1]))
    assert found is not None
    return found


def living(run: dg.DagsterRun) -> Fingerprint:
    worker = worker_of(run)
    assert worker is not None and worker.is_alive
    return worker


def test_a_worker_leads_a_group_of_its_own_and_is_known_by_its_tag(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    assert run.tags[WORKER_TAG] == worker.text
    assert os.getsid(worker.pid) == os.getpgid(worker.pid) == worker.pid
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_worker_loads_the_only_model_that_it_needs_and_its_threads_wait_patiently(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    assert "only anna passive" in launcher_of(instance).log_of(run.run_id).read_text()


def test_a_killed_worker_is_noticed_and_what_it_started_ends_with_it(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker, child = living(run), child_of(instance, run)
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_alive)
    assert child.is_alive, "an orphan that would go on writing"
    health = instance.run_launcher.check_run_worker_health(run)
    assert health.status == WorkerStatus.NOT_FOUND
    assert health.msg is not None and "is gone" in health.msg and "ready" in health.msg
    wait_until(lambda: not child.is_alive)


def test_a_run_to_end_ends_by_itself_where_it_can(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    assert instance.run_launcher.terminate(run.run_id)
    wait_until(lambda: not worker.is_alive, seconds=0.9)
    assert again(instance, run).status == dg.DagsterRunStatus.CANCELING


def test_one_that_does_not_is_killed_with_its_group_after_the_grace(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path, stubborn=True)
    worker, child = living(run), child_of(instance, run)
    begun = time.monotonic()
    assert instance.run_launcher.terminate(run.run_id)
    wait_until(lambda: not worker.is_alive and not child.is_alive)
    assert time.monotonic() - begun >= 0.9


def test_a_run_without_a_worker_is_canceled_at_once(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    worker.kill_group()
    wait_until(lambda: not worker.is_alive)
    assert instance.run_launcher.terminate(run.run_id)
    assert again(instance, run).status == dg.DagsterRunStatus.CANCELED
    assert not instance.run_launcher.terminate(run.run_id)


def test_a_launcher_that_died_before_it_could_tag_left_a_worker_that_is_found(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    instance.add_run_tags(run.run_id, {WORKER_TAG: LAUNCHING})
    assert living(again(instance, run)) == worker
    worker.kill_group()
    wait_until(lambda: not worker.is_alive)
    assert worker_state(again(instance, run)) == "none"


def test_who_reads_a_log_is_not_taken_for_the_worker_that_writes_it(
    instance: dg.DagsterInstance,
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name=IMPLICIT_JOB, tags={WORKER_TAG: LAUNCHING}))
    log = launcher_of(instance).log_of(run.run_id)
    log.touch()
    with subprocess.Popen(["tail", "-f", log], start_new_session=True) as reader:
        try:
            wait_until(lambda: Fingerprint.of(reader.pid) is not None)
            assert worker_state(run) == "none"
            assert not launcher_of(instance).kill(run)
            assert reader.poll() is None
        finally:
            reader.kill()


@pytest.mark.parametrize("part", ["boot", "start"])
def test_another_process_of_the_same_number_is_neither_taken_for_it_nor_killed(
    instance: dg.DagsterInstance, tmp_path: Path, part: str
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    other = (
        Fingerprint("another-boot", worker.pid, worker.start)
        if part == "boot"
        else Fingerprint(worker.boot, worker.pid, str(int(worker.start) - 1))
    )
    instance.add_run_tags(run.run_id, {WORKER_TAG: other.text})
    health = instance.run_launcher.check_run_worker_health(again(instance, run))
    assert health.status == WorkerStatus.NOT_FOUND
    assert worker.is_alive
    worker.kill_group()


def test_nothing_is_said_against_a_run_that_was_launched_elsewhere(
    instance: dg.DagsterInstance,
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="any", status=dg.DagsterRunStatus.STARTED))
    assert worker_state(run) == "unknown"
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_worker_that_can_not_be_started_leaves_no_trace_of_one(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        launch_without_python(instance, tmp_path)
    (run,) = instance.get_runs()
    assert worker_state(run) == "none"


def launch_without_python(instance: dg.DagsterInstance, folder: Path) -> None:
    origin = JobPythonOrigin(
        job_name=IMPLICIT_JOB,
        repository_origin=RepositoryPythonOrigin(
            executable_path=str(folder / "gone"), code_pointer=ModuleCodePointer("nowhere", "r")
        ),
    )
    run = instance.add_run(dg.DagsterRun(job_name=IMPLICIT_JOB, job_code_origin=origin))
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))


def test_old_logs_of_workers_are_removed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    launcher = launcher_of(instance)
    old, new = launcher.log_of("old"), launcher.log_of("new")
    for log in (old, new):
        log.touch()
    os.utime(old, (0, 0))
    with pytest.raises(FileNotFoundError):
        launch_without_python(instance, tmp_path)
    (run,) = instance.get_runs()
    assert {path.stem for path in new.parent.iterdir()} == {"new", run.run_id}


def test_a_log_that_another_sweeper_removes_meanwhile_does_not_stop_a_launch(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Daemon and webserver may launch at one time, each with a launcher of its own."""
    launcher = launcher_of(instance)
    listed = [launcher.log_of("gone")]
    monkeypatch.setattr(type(listed[0]), "glob", lambda *_: listed)
    run = launch(instance, tmp_path)
    assert living(run)


def test_the_last_words_of_a_worker_are_the_end_of_its_log(instance: dg.DagsterInstance) -> None:
    launcher = launcher_of(instance)
    run = instance.add_run(dg.DagsterRun(job_name=IMPLICIT_JOB))
    assert launcher.get_run_worker_debug_info(run) == ""
    with launcher.log_of(run.run_id).open("wb") as log:
        log.truncate(2**36)  # of holes: whoever reads it all finds no room for it
        log.seek(0, os.SEEK_END)
        log.write(b"\n" * 3000 + b"Killed\n")
    assert launcher.get_run_worker_debug_info(run) == "; its last words: Killed"


def test_children_that_have_ended_are_taken_from_the_process_table_by_themselves(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = launch(instance, tmp_path)
    worker = living(run)
    worker.kill_group()
    wait_until(lambda: not Path(f"/proc/{worker.pid}").exists())
