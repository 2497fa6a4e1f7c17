"""What Dagster adds to a refresh, against an empty Dagster run of five assets.

Three things in turns, each in processes of its own and with a fresh store:
  (a) the whole refresh of cdnow_repurchase by `dagster asset materialize`;
  (b) the same by `model-refresh refresh` and `model-refresh score`;
  (c) five empty assets by `dagster asset materialize`, in process.
The overhead is (a - b) / c, of wall time; that of CPU time, which other work on the machine
disturbs less, stands beside it.

    python benchmarks/overhead.py [--repeats 5] [--as-of 1998-03-02]

Children may write bytecode, whatever this shell's PYTHONDONTWRITEBYTECODE says: an installed
package has it. The first round fills those caches and is not counted. DAGSTER_HOME is unset, as it
is for who types the command of the README.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = "cdnow_repurchase"
ACCEPTED_RATIO = 1.5
FORGOTTEN = {"PYTHONDONTWRITEBYTECODE", "DAGSTER_HOME", "MODEL_REFRESH_ONLY"}

EMPTY = """
import dagster as dg


def empty(name: str, deps: list[str]) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=deps)
    def asset() -> None: ...

    return asset


names = ["one", "two", "three", "four", "five"]
defs = dg.Definitions(
    assets=[empty(name, names[i - 1 : i] if i else []) for i, name in enumerate(names)],
    executor=dg.in_process_executor,
)
"""


@dataclass(frozen=True)
class Used:
    """Seconds of the clock, and of all processes together."""

    wall: float
    cpu: float


def main() -> None:
    arguments = _arguments()
    ways: dict[str, Callable[[Path], None]] = {
        "a dagster": lambda place: refresh_by_dagster(place, arguments.as_of),
        "b model-refresh": lambda place: refresh_plainly(place, arguments.as_of),
        "c empty dagster": run_empty,
    }
    used: dict[str, list[Used]] = {name: [] for name in ways}
    for repeat in range(arguments.repeats + 1):
        for name in list(ways)[:: 1 if repeat % 2 else -1]:
            spent = _measured(ways[name])
            if repeat:  # the first round writes bytecode and warms the page cache up
                used[name].append(spent)
                print(f"  {name:16} {spent.wall:6.2f} s, CPU {spent.cpu:6.2f} s", flush=True)
    _report(used)


def refresh_by_dagster(place: Path, as_of: str) -> None:
    """(a): features to scores in one in-process run."""
    select = ["--select", f'group:"{MODEL}"', "--partition", as_of]
    _run(["dagster", "asset", "materialize", "-m", "model_refresh.definitions", *select], place)


def refresh_plainly(place: Path, as_of: str) -> None:
    """(b): the same steps by the core's own command line."""
    for command in ("refresh", "score"):
        _run(["model-refresh", command, MODEL, "--as-of", as_of], place)


def run_empty(place: Path) -> None:
    """(c): what Dagster costs when there is nothing to do."""
    module = place / "empty_assets.py"
    module.write_text(EMPTY)
    _run(["dagster", "asset", "materialize", "-f", str(module), "--select", "*"], place)


def _run(command: list[str], place: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in FORGOTTEN}
    environment["MODEL_REFRESH_HOME"] = str(place / "store")
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [str(program), *command[1:]],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


def _measured(way: Callable[[Path], None]) -> Used:
    with tempfile.TemporaryDirectory(prefix="overhead-") as name:
        started, cpu_started = time.perf_counter(), _cpu_seconds()
        way(Path(name))
        return Used(time.perf_counter() - started, _cpu_seconds() - cpu_started)


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _report(used: dict[str, list[Used]]) -> None:
    rounds = list(zip(*used.values(), strict=True))
    wall = [(a.wall - b.wall) / c.wall for a, b, c in rounds]
    a, b, c = (statistics.median(each.wall for each in spent) for spent in used.values())
    cpu_a, cpu_b, cpu_c = (statistics.median(x.cpu for x in spent) for spent in used.values())
    fastest_a, fastest_b, fastest_c = (min(x.wall for x in spent) for spent in used.values())
    print(
        f"medians: a {a:.2f} s, b {b:.2f} s, c {c:.2f} s; (a - b) / c {(a - b) / c:.2f} "
        f"[{min(wall):.2f} to {max(wall):.2f} in {len(wall)} rounds], "
        f"fastest against fastest {(fastest_a - fastest_b) / fastest_c:.2f}, "
        f"CPU {(cpu_a - cpu_b) / cpu_c:.2f}; accepted {ACCEPTED_RATIO}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--as-of", default="1998-03-02")
    return parser.parse_args()


if __name__ == "__main__":
    main()
