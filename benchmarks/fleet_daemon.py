"""A fleet refreshed end to end by the real daemon, unattended, and where the time went.

Nothing is started but `dagster-daemon run`, with the shipped dagster.yaml and workspace.yaml: the
schedules of all models fire at one and the same minute, the queue lets two runs in at a time, and
each refresh is followed by its scoring. It ends when every model has a batch.
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from model_refresh.orchestration.workers import EXECUTE
from model_refresh.processes import leaders_of
from model_refresh.storage import Store

ROOT = Path(__file__).parents[1]
SELECTION_TAG = "model_refresh/selection"
SLOTS = 2
"""`max_concurrent_runs` of the shipped dagster.yaml."""
_FORGOTTEN = {"PYTHONDONTWRITEBYTECODE", "MODEL_REFRESH_ONLY"}


@dataclass(frozen=True)
class Run:
    """One run: when its worker was launched, when it ended, and seconds inside its steps."""

    selection: str
    succeeded: bool
    launched: float
    ended: float
    inside: float

    @property
    def outside(self) -> float:
        """Seconds that its place in the queue was taken and no step of ours ran."""
        return self.ended - self.launched - self.inside


def environment(fleet: Path, home: Path, instance: Path) -> dict[str, str]:
    """What the daemon, and every process below it, is told."""
    kept = {name: value for name, value in os.environ.items() if name not in _FORGOTTEN}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    places = {"MODEL_REFRESH_FLEET": fleet, "MODEL_REFRESH_HOME": home, "DAGSTER_HOME": instance}
    return {**kept, "PATH": path, **{name: str(place) for name, place in places.items()}}


def refresh_all(names: Sequence[str], settings: dict[str, str], *, minutes: float) -> float:
    """Run the daemon until every model has scores; seconds that it took, or all that it had."""
    instance = Path(settings["DAGSTER_HOME"])
    instance.mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", instance)
    store = Store(Path(settings["MODEL_REFRESH_HOME"]))
    begun = time.monotonic()
    with (instance / "daemon.log").open("w") as log:
        daemon = subprocess.Popen(
            [Path(sys.executable).with_name("dagster-daemon"), "run"],
            cwd=ROOT,
            env=settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(names, store, daemon, until=begun + minutes * 60)
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(60)
            for worker in leaders_of(EXECUTE, str(instance)):  # they outlive it
                worker.kill_group()
    return time.monotonic() - begun


def runs_of(settings: dict[str, str]) -> list[Run]:
    """Every run that has ended, in the order of their ends."""
    os.environ["DAGSTER_HOME"] = settings["DAGSTER_HOME"]
    with dg.DagsterInstance.get() as instance:
        found = [_run(instance, record) for record in instance.get_run_records()]
    return sorted((run for run in found if run is not None), key=lambda run: run.ended)


def report(runs: Sequence[Run], models: int, seconds: float) -> None:
    """Print what was done, how long it took, and how much of that was spent outside of steps."""
    if not runs:
        sys.exit("no run has ended in that time: see the daemon's log, which --keep keeps")
    ended = max(run.ended for run in runs)
    wall = ended - min(run.launched for run in runs)
    inside = sum(run.inside for run in runs)
    failed = sum(not run.succeeded for run in runs)
    print(f"{models} models: {len(runs)} runs, {failed} failed")
    print(
        f"wall from the first launch to the last end {wall / 60:.1f} min (daemon {seconds:.0f} s)"
    )
    for selection in ("refresh", "score"):
        some = [run for run in runs if run.selection == selection]
        if some:
            inside_each, outside = (
                _median([r.inside for r in some]),
                _median([r.outside for r in some]),
            )
            print(
                f"{selection:8} {len(some):4} runs: inside steps {inside_each}, outside {outside} "
                "s a run (median [tenth, ninetieth])"
            )
    share = 1 - inside / (SLOTS * wall)
    print(
        f"{SLOTS} places x {wall:.0f} s = {SLOTS * wall:.0f} s, inside steps {inside:.0f} s: "
        f"{share:.0%} of it outside computing, {(SLOTS * wall - inside) / models:.1f} s a model"
    )
    print(f"at this pace 300 models take {wall / models * 300 / 60:.0f} min")


def _median(values: Sequence[float]) -> str:
    ordered = sorted(values)
    tenth, ninetieth = (ordered[int(len(ordered) * at)] for at in (0.1, 0.9))
    return f"{statistics.median(ordered):.1f} [{tenth:.1f}, {ninetieth:.1f}]"


def _wait(
    names: Sequence[str], store: Store, daemon: subprocess.Popen[bytes], *, until: float
) -> None:
    done = 0
    while done < len(names) and time.monotonic() < until:
        if daemon.poll() is not None:
            sys.exit(f"the daemon ended with {daemon.returncode}")
        time.sleep(5)
        now = sum(bool(store.model(name).scored()) for name in names)
        if now // 10 > done // 10:
            print(f"  {now} of {len(names)} models have scores", flush=True)
        done = now
    time.sleep(15)  # the last runs end after their batch is out


def _run(instance: dg.DagsterInstance, record: dg.RunRecord) -> Run | None:
    run = record.dagster_run
    events = [entry for entry in instance.all_logs(run.run_id) if entry.is_dagster_event]
    times: dict[tuple[str, str | None], float] = {}
    for entry in events:
        times[entry.get_dagster_event().event_type_value, entry.step_key] = entry.timestamp
    launched = times.get(("PIPELINE_STARTING", None))
    if record.end_time is None or launched is None:
        return None
    ends = ("STEP_SUCCESS", "STEP_FAILURE")
    inside = sum(
        at - times["STEP_START", step]
        for (kind, step), at in times.items()
        if kind in ends and ("STEP_START", step) in times
    )
    succeeded = run.status == dg.DagsterRunStatus.SUCCESS
    selection = run.tags.get(SELECTION_TAG, "other")
    return Run(selection, succeeded, launched, record.end_time, inside)
