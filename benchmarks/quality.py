"""How good candidates are on the next period, and what they cost, beside other AutoML.

Twelve tasks (docs/benchmarks.md defines them), each peer in an environment and a process of its
own, two threads. Every result is appended to a file, and what is there is not measured again; the
tables are printed from it. What can't be installed is told as such.

    python benchmarks/quality.py [--peers NAME ...] [--tasks 'F-cls *' ...] [--results FILE]
                                 [--cache FOLDER] [--table]

Needs the flights (`make example-flights` fetches them) and about 6 GB of disk for the peers.
"""

import argparse
import fnmatch
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from peers.environments import NotInstalled, surroundings
from peers.listed import PEERS, Peer
from peers.measuring import Used, measured, size_mib
from peers.results import Result, append, read, scores
from peers.tables import tables
from peers.tasks import TASKS, Task, prepared

CACHE = Path("~/.cache/model_refresh_benchmarks").expanduser()
DEADLINE_SECONDS = 3600.0
BENCHMARKS = Path(__file__).resolve().parent
Named = TypeVar("Named", Peer, Task)


def main() -> None:
    arguments = _arguments()
    results: Path = arguments.results or arguments.cache / "quality.jsonl"
    if not arguments.table:
        for peer in chosen(PEERS, arguments.peers):
            for task in chosen(TASKS, arguments.tasks):
                if (peer.name, task.name) not in read(results):
                    result = measure(peer, task, arguments.cache)
                    append(result, results)
                    print(result.model_dump_json(exclude_defaults=True), flush=True)
    print(tables(read(results)))


def chosen(listed: Sequence[Named], patterns: list[str]) -> list[Named]:
    """Those whose name matches a pattern; SystemExit where a pattern matches none."""
    for pattern in patterns:
        if not fnmatch.filter([each.name for each in listed], pattern):
            raise SystemExit(f"{pattern!r} is none of {', '.join(each.name for each in listed)}")
    return [each for each in listed if any(fnmatch.fnmatch(each.name, p) for p in patterns)]


def measure(peer: Peer, task: Task, cache: Path) -> Result:
    """Fit, then score, in processes of their own; what goes wrong is part of the result."""
    home = prepared(task, cache / "tasks")
    result = Result(
        peer=peer.name,
        task=task.name,
        load_average=os.getloadavg()[0],
        packages=peer.environment.packages,
    )
    try:
        python = peer.environment.python(cache)
    except NotInstalled as error:
        return result.model_copy(update={"problem": f"not installed: {error}"})
    with tempfile.TemporaryDirectory(prefix="peer-", dir=cache) as name:
        work = Path(name)
        fitted = _step("fit", peer, python, (home, work))
        artifact = size_mib(work / "artifact")
        scored = fitted if fitted.code else _step("score", peer, python, (home, work))
        if scored.code:
            return result.model_copy(update={"problem": f"exit {scored.code}: {scored.said}"})
        return result.model_copy(
            update={"artifact_mib": artifact, **_cost(fitted), **_judged(home, work)}
        )


def _step(step: str, peer: Peer, python: Path, folders: tuple[Path, Path]) -> Used:
    program = f"peers.programs.{peer.program}"
    command: list[str | Path] = [python, "-m", program, step, *folders, *peer.options]
    environment = {**surroundings(), "PYTHONPATH": str(BENCHMARKS)}
    log = folders[1] / f"{step}.log"
    return measured(command, environment, log, deadline=DEADLINE_SECONDS)


def _cost(fitted: Used) -> dict[str, float]:
    return {
        "cpu_seconds": fitted.cpu_seconds,
        "wall_seconds": fitted.wall_seconds,
        "peak_mib": fitted.peak_mib,
    }


def _judged(home: Path, work: Path) -> dict[str, object]:
    """The metrics of the stored predictions, and how fast they were made."""
    told = json.loads((home / "task.json").read_text(encoding="utf-8"))
    target = pl.read_parquet(home / "test.parquet", columns=[told["label"]]).to_series()
    found = np.load(work / "predictions.npy")
    scoring = json.loads((work / "scoring.json").read_text(encoding="utf-8"))
    return {
        "scores": scores(told["kind"], target.to_numpy(), found),
        "rows_per_second": scoring["rows"] / scoring["seconds"],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", nargs="+", default=["*"], help="names, * and ? allowed")
    parser.add_argument("--tasks", nargs="+", default=["*"], help="names, * and ? allowed")
    parser.add_argument("--results", type=Path, help="default: quality.jsonl in the cache")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environments and tasks")
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
