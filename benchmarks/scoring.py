"""What scoring costs: 500 trees of 63 leaves on 21 columns, a table at once and a row at a time.

Three things, each in processes of its own:
  (a) a ready matrix: LightGBM's own `Booster.predict` and the compiled kernel in turns, on one
      thread and on all, the fastest of each; and the largest difference between their scores;
  (b) Parquet to Parquet: the batch of a stored version, encoding included, with the kernel and
      without, beside reading and writing alone; and the most memory that each process held;
  (c) one row: as a matrix by `Booster.predict`, LightGBM's own fast call for single rows and the
      kernel, and from a row of values by the formula that a scorer serves.

    python benchmarks/scoring.py [--rows 500000] [--matrix 50000] [--repeats 5] [--kernel-only]

With `--rows 5000000` it takes 1 GB of disk (TMPDIR), and minutes more unless `--kernel-only`, which
leaves out the batch without the kernel.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from lightgbm import Booster
from lightgbm.basic import _LIB
from numpy.typing import NDArray
from scoring_world import World, make_rows, make_world

from model_refresh.algorithms.lightgbm_text import read_trees
from model_refresh.algorithms.rounds import allowed_threads
from model_refresh.scorer.kernel.compiled import compiled
from model_refresh.serving.batch.writing import BLOCK_ROWS, Role, write_scores
from model_refresh.serving.folder.formula import formula_of
from model_refresh.storage.store import ROWS

SINGLE_ROWS = 5_000
ACCEPTED_RATIO, ACCEPTED_MICROSECONDS, ACCEPTED_MIB = 3.0, 20.0, 1024
Told = dict[str, float]


def main() -> None:
    arguments = _arguments()
    if arguments.part:
        world = World(Path(arguments.folder), arguments.version)
        print(json.dumps(PARTS[arguments.part](world, arguments)))
        return
    with tempfile.TemporaryDirectory(prefix="scoring-") as folder:
        world = make_world(Path(folder), arguments.rows)
        _tell_matrix(_in_own_process("matrix", world, arguments), arguments.matrix)
        batches = {
            "reading and writing alone": _in_own_process("floor", world, arguments),
            "with the kernel": _in_own_process("batch", world, arguments),
        }
        if not arguments.kernel_only:
            batches["without it"] = _in_own_process("batch", world, arguments, kernel="off")
        _tell_batches(batches, arguments.rows)
        _tell_row(_in_own_process("row", world, arguments))


def score_matrix(world: World, arguments: argparse.Namespace) -> Told:
    """(a): the fastest CPU and wall seconds of each way, and the largest difference."""
    version, table = world.load(), make_rows(arguments.matrix, seed=1)
    values = version.predictor.encoder.transform(table).values  # type: ignore[union-attr]
    booster, kernel = _booster(world), compiled(read_trees(_text(world))[0])
    if kernel is None:
        raise SystemExit("this machine has no compiled kernel: see the log")
    many, sums = allowed_threads(values.size), np.empty(len(values))

    def by_kernel(threads: int) -> NDArray[np.float64]:
        kernel.totals(values.ctypes.data, len(values), sums.ctypes.data, threads=threads)
        return sums

    def by_booster(threads: int) -> NDArray[np.float64]:
        return np.asarray(booster.predict(values, raw_score=True, num_threads=threads))

    told = {
        "threads": float(many),
        "difference": float(np.max(np.abs(by_booster(1) - by_kernel(1)))),
    }
    for _ in range(arguments.repeats):
        for threads, name in ((1, "one"), (many, "all")):
            for way, predict in (("booster", by_booster), ("kernel", by_kernel)):
                wall, cpu = _seconds(partial(predict, threads))
                for kind, seconds in (("wall", wall), ("cpu", cpu)):
                    key = f"{way} {name} {kind}"
                    told[key] = min(told.get(key, seconds), seconds)
    return told


def score_batch(world: World, arguments: argparse.Namespace) -> Told:
    """(b): the batch, as the scores step writes it."""
    role, target = world.role(), world.folder / "scores.parquet"
    return _with_peak(lambda: write_scores(world.store, target, role, None))


def copy_batch(world: World, arguments: argparse.Namespace) -> Told:
    """(b): the same columns read, a column of the same size written, nothing in between."""
    role, target = world.role(), world.folder / "scores.parquet"
    return _with_peak(lambda: _copy(world, role, target))


def score_rows(world: World, arguments: argparse.Namespace) -> Told:
    """(c): microseconds a row, p50 and p99 of each way."""
    version, table = world.load(), make_rows(SINGLE_ROWS, seed=1)
    values = version.predictor.encoder.transform(table).values  # type: ignore[union-attr]
    booster, kernel = _booster(world), compiled(read_trees(_text(world))[0])
    scoring = formula_of(version).ready()
    rows = table.drop("id").to_dicts()
    expected = version.predict(table)
    if kernel is None:
        raise SystemExit("this machine has no compiled kernel: see the log")
    worst = max(
        abs(scoring.score(row)[0] - score) for row, score in zip(rows, expected, strict=True)
    )
    ways: dict[str, tuple[Callable[..., object], list[object]]] = {
        "Booster.predict": (booster.predict, [values[i : i + 1] for i in range(len(values) // 5)]),
        "its fast call": (_fast_call(booster, values.shape[1]), list(values)),
        "kernel": (kernel.total_row, values.tolist()),
        "formula": (scoring.score, list(rows)),
    }
    told = {"difference": worst}
    for name, (way, asked) in ways.items():
        spent = [_nanoseconds(way, each) / 1000 for each in asked]
        told[f"{name} p50"], told[f"{name} p99"] = map(float, np.percentile(spent, (50, 99)))
    return told


def _copy(world: World, role: Role, target: Path) -> None:
    frame = role.frame
    stored = world.store.content(world.store.frames(frame.query, frame.as_of), frame.content)
    schema = pa.schema([pa.field("id", pa.int64()), pa.field("score", pa.float64())])
    with (
        pq.ParquetFile(stored.file(ROWS), pre_buffer=False) as source,
        pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=["id"]) as writer,
    ):
        for block in source.iter_batches(batch_size=BLOCK_ROWS):
            table = pl.DataFrame(pa.Table.from_batches([block]))
            columns = [block.column("id"), table["number_0"].fill_null(0.0).to_arrow()]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _fast_call(booster: Booster, columns: int) -> Callable[[NDArray[np.float64]], float]:
    """LGBM_BoosterPredictForMatSingleRowFast: prepared once, then a pointer a row."""
    config, found, out = ctypes.c_void_p(), ctypes.c_int64(), ctypes.c_double()
    _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, 1, 0, -1, 1, columns, ctypes.c_char_p(b""), ctypes.byref(config)
    )

    def predict(row: NDArray[np.float64]) -> float:
        address = ctypes.c_void_p(row.ctypes.data)
        _LIB.LGBM_BoosterPredictForMatSingleRowFast(
            config, address, ctypes.byref(found), ctypes.byref(out)
        )
        return out.value

    return predict


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu_started


def _nanoseconds(way: Callable[..., object], row: object) -> int:
    started = time.perf_counter_ns()
    way(row)
    return time.perf_counter_ns() - started


def _with_peak(work: Callable[[], object]) -> Told:
    """Seconds, and this process's peak; not ru_maxrss, which a child inherits from its parent."""
    wall, cpu = _seconds(work)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM"))
    return {"wall": wall, "cpu": cpu, "peak_mib": peak / 1024}


def _text(world: World) -> str:
    return world.store.version(world.version).read("model.txt").decode()


def _booster(world: World) -> Booster:
    return Booster(model_str=_text(world))


def _in_own_process(
    part: str, world: World, arguments: argparse.Namespace, *, kernel: str = ""
) -> Told:
    command = [
        sys.executable, __file__, "--part", part, "--folder", str(world.folder),
        "--version", world.version, "--matrix", str(arguments.matrix),
        "--repeats", str(arguments.repeats),
    ]  # fmt: skip
    environment = os.environ | {"MODEL_REFRESH_KERNEL": kernel}
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    told: Told = json.loads(answer.stdout)
    return told


def _tell_matrix(told: Told, rows: int) -> None:
    print(f"(a) {rows:,} rows of a ready matrix")
    for name, title in (("one", "one thread"), ("all", f"{told['threads']:.0f} threads")):
        for way in ("booster", "kernel"):
            wall, cpu = told[f"{way} {name} wall"], told[f"{way} {name} cpu"]
            print(
                f"  {way:8} {title:10} {rows / wall:12,.0f} rows/s, "
                f"CPU {cpu / rows * 1e6:6.2f} us a row"
            )
    ratio = told["booster one cpu"] / told["kernel one cpu"]
    print(
        f"  the kernel is {ratio:.1f} times as fast per core; accepted {ACCEPTED_RATIO:g}; "
        f"largest difference {told['difference']:g}"
    )


def _tell_batches(batches: dict[str, Told], rows: int) -> None:
    print(f"(b) {rows:,} rows, Parquet to Parquet")
    for name, told in batches.items():
        print(
            f"  {name:26} {rows / told['wall']:12,.0f} rows/s, "
            f"CPU {told['cpu'] / rows * 1e6:6.2f} us a row, peak {told['peak_mib']:5.0f} MiB"
        )
    print(f"  accepted peak {ACCEPTED_MIB} MiB")


def _tell_row(told: Told) -> None:
    print("(c) one row, microseconds p50 / p99")
    for name in (key.removesuffix(" p50") for key in told if key.endswith(" p50")):
        print(f"  {name:16} {told[f'{name} p50']:7.1f} / {told[f'{name} p99']:7.1f}")
    print(
        f"  accepted p50 of the formula {ACCEPTED_MICROSECONDS:g}; "
        f"its largest difference from the batch {told['difference']:g}"
    )


PARTS: dict[str, Callable[[World, argparse.Namespace], Told]] = {
    "matrix": score_matrix,
    "floor": copy_batch,
    "batch": score_batch,
    "row": score_rows,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--matrix", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kernel-only", action="store_true", help="no batch without the kernel")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--version", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
