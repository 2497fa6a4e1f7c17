"""What a fleet costs: loading many models, checking them, and refreshing a smaller one unattended.

`load` takes three layouts in turns, each in processes of its own: ours; the bare one, as many
empty assets and checks with the same keys and dependencies; and the naive one, a job and a schedule
a model on top of that. Of each it tells the seconds of `dagster definitions validate` and of the
code server until it answers, and the server's peak memory; then those of `model-refresh check`, and
of one pass of each fleet sensor. `run` lets the real daemon refresh and score every model; see
fleet_daemon.py.

    python benchmarks/fleet.py load [--models 1000] [--repeats 3] [--without-naive]
    python benchmarks/fleet.py run [--models 300] [--minutes 60] [--keep FOLDER]

Wall seconds are worth little on a machine that is busy with other work: the ratios are of layouts
measured in turns, the fastest of all rounds, and CPU seconds stand beside them.
"""

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fleet_daemon
import fleet_world
from dagster._grpc.client import DagsterGrpcClient

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ACCEPTED_SECONDS, ACCEPTED_MIB, ACCEPTED_RATIO = 25, 600, 1.2

SENSORS = """
import json, os, time
import dagster as dg
from model_refresh.definitions import defs
from model_refresh.orchestration.resources import StoreResource

repository = defs.get_repository_def()
resources = {"store": StoreResource(home=os.environ["MODEL_REFRESH_HOME"])}
passes = {}
with dg.DagsterInstance.get() as instance:
    for sensor in repository.sensor_defs:
        cursor = None
        for _ in range(2):  # the first pass opens what later ones find open
            with dg.build_sensor_context(
                instance=instance,
                repository_def=repository,
                resources=resources,
                cursor=cursor,
                sensor_name=sensor.name,
            ) as context:
                begun = time.perf_counter(), time.process_time()
                found = sensor.evaluate_tick(context)
                spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
                cursor = found.cursor
        passes[sensor.name] = spent
print("passes " + json.dumps(passes))
"""


@dataclass(frozen=True)
class Used:
    """Seconds of the clock and of all processes together; a server's peak memory, where asked."""

    wall: float
    cpu: float
    mib: float = 0.0


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(arguments.keep or name)
        if arguments.what == "load":
            measure_load(folder, arguments)
        else:
            measure_run(folder, arguments)


def measure_load(folder: Path, arguments: argparse.Namespace) -> None:
    now = dt.datetime.now(dt.UTC)
    names = fleet_world.make_fleet(folder / "fleet", arguments.models, cron="0 6 * * MON", now=now)
    layouts = {"bare": folder / "bare.py", "naive": folder / "naive.py"}
    for layout, module in layouts.items():
        one_job = layout == "naive"
        assets, checks = fleet_world.make_layout(
            module, folder / "fleet", names, one_job_per_model=one_job
        )
    print(f"{arguments.models} models of {assets} assets and {checks} checks")
    targets = {"ours": ["-m", "model_refresh.definitions"]}
    targets |= {layout: ["-f", str(module)] for layout, module in layouts.items()}
    if arguments.without_naive:
        del targets["naive"]
    settings = fleet_daemon.environment(folder / "fleet", folder / "home", folder / "dagster")
    (folder / "dagster").mkdir()
    for what, measured in (("validate", _validate), ("server ready", _until_ready)):
        _report(what, _in_turns(targets, measured, settings, arguments.repeats))
    checked = [_timed([BIN / "model-refresh", "check"], settings) for _ in range(arguments.repeats)]
    best = min(checked, key=lambda used: used.wall)
    print(f"check {best.wall:.1f} s, CPU {best.cpu:.1f} s; accepted 5 s")
    _report_sensors(settings)


def measure_run(folder: Path, arguments: argparse.Namespace) -> None:
    now = dt.datetime.now(dt.UTC)
    tick = now + dt.timedelta(minutes=2)
    names = fleet_world.make_fleet(
        folder / "fleet", arguments.models, cron=f"{tick.minute} {tick.hour} * * *", now=now
    )
    settings = fleet_daemon.environment(folder / "fleet", folder / "home", folder / "dagster")
    before = _cpu_seconds()
    seconds = fleet_daemon.refresh_all(names, settings, minutes=arguments.minutes)
    cpu = _cpu_seconds() - before
    fleet_daemon.report(fleet_daemon.runs_of(settings), len(names), seconds)
    print(f"CPU of the daemon and what it waited for: {cpu:.0f} s")


def _in_turns(
    targets: dict[str, list[str]],
    measured: Callable[[list[str], dict[str, str]], Used],
    settings: dict[str, str],
    repeats: int,
) -> dict[str, list[Used]]:
    """Each layout's figures, a round after the other; the first round writes bytecode."""
    used: dict[str, list[Used]] = {name: [] for name in targets}
    for repeat in range(repeats + 1):
        for name, target in targets.items():
            if repeat or name == "ours":
                spent = measured(target, settings)
                if repeat:
                    used[name].append(spent)
                    print(f"  {name:6} {spent.wall:6.1f} s, CPU {spent.cpu:6.1f} s", flush=True)
    return used


def _validate(target: list[str], settings: dict[str, str]) -> Used:
    return _timed([BIN / "dagster", "definitions", "validate", *target], settings)


def _until_ready(target: list[str], settings: dict[str, str]) -> Used:
    """A code server from its start until it lists its repository."""
    port = 42_000 + os.getpid() % 10_000
    begun = time.perf_counter()
    process = subprocess.Popen(
        [BIN / "dagster", "api", "grpc", "-p", str(port), *target],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = DagsterGrpcClient(port=port, host="127.0.0.1")
        while not _answers(client):
            if process.poll() is not None:
                sys.exit(f"the code server of {target} ended with {process.returncode}")
            time.sleep(0.1)
        return Used(time.perf_counter() - begun, *_of_process(process.pid))
    finally:
        process.terminate()
        process.wait(60)


def _of_process(pid: int) -> tuple[float, float]:
    """CPU seconds and peak MiB of a process that is running."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return ticks / os.sysconf("SC_CLK_TCK"), peak / 1024


def _answers(client: DagsterGrpcClient) -> bool:
    try:
        return bool(client.list_repositories())
    except Exception:  # noqa: BLE001 - whatever gRPC raises while nobody listens yet
        return False


def _report(what: str, used: dict[str, list[Used]]) -> None:
    best = {name: min(rounds, key=lambda u: u.wall) for name, rounds in used.items()}
    cpu = {name: min(u.cpu for u in rounds) for name, rounds in used.items()}
    for name, fastest in best.items():
        memory = f", peak {max(u.mib for u in used[name]):.0f} MiB" if fastest.mib else ""
        print(
            f"{what} {name}: {fastest.wall:.1f} s, CPU {cpu[name]:.1f} s{memory}; to the bare one "
            f"{fastest.wall / best['bare'].wall:.2f}, CPU {cpu[name] / cpu['bare']:.2f}"
        )
    limits = f"{ACCEPTED_SECONDS} s, {ACCEPTED_MIB} MiB, {ACCEPTED_RATIO} to the bare one"
    print(f"accepted of ours: {limits}")


def _report_sensors(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SENSORS],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("passes "))
    for name, (wall, cpu) in json.loads(line.removeprefix("passes ")).items():
        print(f"sensor {name}: a pass takes {wall:.2f} s, CPU {cpu:.2f} s; accepted 2 s")


def _timed(command: Sequence[str | Path], settings: dict[str, str]) -> Used:
    begun, cpu = time.perf_counter(), _cpu_seconds()
    done = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return Used(time.perf_counter() - begun, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("load", "run"))
    parser.add_argument("--models", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without-naive", action="store_true")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(
        "--keep", type=Path, help="a new folder that is kept, with the daemon's log"
    )
    arguments = parser.parse_args()
    arguments.models = arguments.models or (1000 if arguments.what == "load" else 300)
    return arguments


if __name__ == "__main__":
    main()
