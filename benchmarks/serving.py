"""What an answer over HTTP costs: our generated scorer beside MLflow's server, for the same model.

500 trees of 63 leaves on 21 columns; one worker each, eight connections on loopback, one row of
JSON a request, checked: ours against its strict schema, MLflow's against the model's signature,
and once more without one. MLflow gets the row encoded already. First their scores of the same rows
are compared. Then they take turns, each in a process of its own, and the rounds' medians are told,
with the CPU time that the server took for a request: that one hardly depends on what else the
machine does. Beside that: the same in this process, without HTTP.

    python benchmarks/serving.py [--seconds 5] [--rounds 3] [--cache FOLDER] [--fastapi]

MLflow gets an environment of its own below the cache (1 GB, made once). `--fastapi` measures a
scorer by FastAPI too: the same formula and as strict a row.
"""

import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from peers.environments import Environment, surroundings
from peers.load import Load, bear
from peers.servers import Server, cpu_seconds, require_same, running
from scoring_world import World, make_rows, make_world

from model_refresh.algorithms.version import Single
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.http.answers import Scorer, encode
from model_refresh.scorer.http.query import NOTHING
from model_refresh.scorer.http.request import Intake
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.folder.assembly import write_scorer
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.golden import golden_rows

CACHE = Path("~/.cache/model_refresh_benchmarks").expanduser()
PROGRAMS = Path(__file__).resolve().parent / "peers" / "programs"
MLFLOW = Environment(("mlflow==3.17.2", "lightgbm==4.7.0"))
FASTAPI = Environment(
    ("fastapi==0.165.0", "httptools==0.9.0", "msgspec==0.22.0", "uvicorn==0.54.0", "uvloop==0.23.0")
)
CONNECTIONS, BODIES, SINGLE_ROWS = 8, 200, 5_000
ACCEPTED_RATIO, ACCEPTED_P99_MS, ACCEPTED_MICROSECONDS = 12.0, 3.0, 20.0


def main() -> None:
    arguments = _arguments()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when LightGBM is loaded
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "store", rows=1000)
        rows = make_rows(BODIES, seed=5)
        folder_of_ours = _generated(world, Path(folder) / "scorer")
        _tell_in_process(world, make_rows(SINGLE_ROWS, seed=6))
        servers = [
            _ours(folder_of_ours, rows),
            _mlflow(world, Path(folder) / "checked", rows, arguments.cache),
            _mlflow(world, Path(folder) / "unchecked", rows, arguments.cache),
        ]
        if arguments.fastapi:
            servers.append(_fastapi(folder_of_ours, rows, arguments.cache))
        expected = world.load().predict(rows).tolist()
        loads: dict[str, list[Load]] = {each.name: [] for each in servers}
        costs: dict[str, list[float]] = {each.name: [] for each in servers}
        with contextlib.ExitStack() as stack:
            started = [(each, *stack.enter_context(running(each))) for each in servers]
            for server, port, _ in started:
                require_same(server, port, expected)
            for _ in range(arguments.rounds):
                for server, port, group in started:
                    before, begun = cpu_seconds(group), time.perf_counter()
                    load = bear(
                        port,
                        server.path,
                        server.bodies,
                        seconds=arguments.seconds,
                        connections=CONNECTIONS,
                    )
                    asked = load.per_second * (time.perf_counter() - begun)
                    costs[server.name].append(1e6 * (cpu_seconds(group) - before) / asked)
                    loads[server.name].append(load)
        _tell(loads, costs)


def _ours(folder: Path, rows: pl.DataFrame) -> Server:
    return Server(
        "model_refresh",
        lambda port: (sys.executable, "-m", "scorer", "--port", str(port)),
        {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"},
        "/score",
        _bodies(rows),
        lambda answer: float(answer["score"]),
    )


def _mlflow(world: World, folder: Path, rows: pl.DataFrame, cache: Path) -> Server:
    """MLflow's server; rows are the encoder's, each column a double. The folder says its kind."""
    predictor = world.load().predictor
    if not isinstance(predictor, Single):
        raise TypeError("a mixture")
    values = predictor.encoder.transform(rows).values.astype(float)
    blank = None if folder.name == "checked" else math.nan  # which MLflow then takes, and no null
    table = [[blank if math.isnan(value) else value for value in row] for row in values.tolist()]
    columns = [f"f{place}" for place in range(values.shape[1])]
    bodies = [_split(columns, [row]) for row in table]
    python = MLFLOW.python(cache)
    some = folder.with_suffix(".json")
    some.write_bytes(_split(columns, table))
    model = world.store.version(world.version).file("model.txt")
    _done([python, PROGRAMS / "mlflow_model.py", model, some, folder, folder.name])
    command: list[str | Path] = [
        python.with_name("mlflow"),
        "models",
        "serve",
        "--model-uri",
        folder,
    ]
    command += ["--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port"]
    search = f"{python.parent}:{os.environ['PATH']}"
    return Server(
        f"mlflow, {folder.name}",
        lambda port: (*command, str(port)),
        {**surroundings(), "PATH": search, "MLFLOW_DISABLE_TELEMETRY": "true"},
        "/invocations",
        bodies,
        lambda answer: float(answer["predictions"][0]),
    )


def _fastapi(folder: Path, rows: pl.DataFrame, cache: Path) -> Server:
    python = FASTAPI.python(cache)
    return Server(
        "FastAPI",
        lambda port: (python, PROGRAMS / "fastapi_scorer.py", folder, str(port)),
        {**surroundings(), "PYTHONPATH": str(folder)},
        "/score",
        _bodies(rows),
        lambda answer: float(answer["score"]),
    )


def _generated(world: World, folder: Path) -> Path:
    """The version's scorer, as it is generated for production."""
    version = world.load()
    golden = golden_rows(version, make_rows(500, seed=7))
    write_scorer(formula_of(version), golden, Settings(), folder)
    return folder


def _tell_in_process(world: World, rows: pl.DataFrame) -> None:
    formula: Formula = formula_of(world.load())
    scoring, intake = formula.ready(), Intake(formula.inputs)
    scorer, bodies = Scorer(formula, scoring, Settings()), _bodies(rows)
    read = [intake.row(body) for body in bodies]
    print("in this process, microseconds a row     p50      p99")
    for name, did, given in (
        ("a row to its score", scoring.score, read),
        (
            "a body of JSON to an answer of JSON",
            lambda body: encode(scorer.score(intake.row(body), NOTHING)),
            bodies,
        ),
    ):
        _timed(did, given[:500])
        cuts = statistics.quantiles(_timed(did, given), n=100)
        print(f"{name:36} {cuts[49]:7.1f}  {cuts[98]:7.1f}")
    p50 = statistics.median(_timed(scoring.score, read))
    told = "met" if p50 <= ACCEPTED_MICROSECONDS else "MISSED"
    print(f"accepted for a row to its score: {ACCEPTED_MICROSECONDS:g}: {told}")


def _timed(did: Callable[[Any], object], given: Sequence[Any]) -> list[float]:
    """Microseconds of each."""
    taken = []
    for each in given:
        started = time.perf_counter_ns()
        did(each)
        taken.append((time.perf_counter_ns() - started) / 1000)
    return taken


def _tell(loads: Mapping[str, Sequence[Load]], costs: Mapping[str, Sequence[float]]) -> None:
    first = next(iter(loads.values()))[0]
    print(f"over HTTP, {CONNECTIONS} connections; load by {first.by}; load average {_load()}")
    print(f"{'':20} requests/s  p50 ms  p99 ms  failed  its CPU us a request  client's core")
    for name, rounds in loads.items():
        failed, busy = sum(load.failed for load in rounds), max(load.busy for load in rounds)
        p50 = statistics.median(load.p50 for load in rounds)
        print(
            f"{name:20} {_rate(rounds):10,.0f} {p50:7.2f} {_p99(rounds):7.2f} {failed:7} "
            f"{statistics.median(costs[name]):21.0f} {busy:14.0%}"
        )
    ours = loads["model_refresh"]
    ratio = _rate(ours) / max(_rate(loads[f"mlflow, {kind}"]) for kind in ("checked", "unchecked"))
    is_met = ratio >= ACCEPTED_RATIO and _p99(ours) < ACCEPTED_P99_MS
    print(
        f"{ratio:.1f} times the faster MLflow's requests; accepted: {ACCEPTED_RATIO:g} times and a "
        f"p99 below {ACCEPTED_P99_MS:g} ms: {'met' if is_met else 'MISSED'}"
    )


def _rate(rounds: Sequence[Load]) -> float:
    return statistics.median(load.per_second for load in rounds)


def _p99(rounds: Sequence[Load]) -> float:
    return statistics.median(load.p99 for load in rounds)


def _bodies(rows: pl.DataFrame) -> list[bytes]:
    return [msgspec.json.encode(row) for row in rows.drop("id").iter_rows(named=True)]


def _split(columns: Sequence[str], data: Sequence[Sequence[float | None]]) -> bytes:
    return json.dumps({"dataframe_split": {"columns": columns, "data": data}}).encode()


def _done(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def _load() -> str:
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--fastapi", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
