"""What writing a frame costs, against raw `COPY (...) TO` in the same process.

Takes a real table, repeats it under new customer ids until there are enough rows, and writes the
result by DuckDB's COPY on a plain connection and by `engine.write`, in turns. Then the peak memory
of `engine.write` at several row counts, each in a process of its own.

    python benchmarks/frame_write.py [--rows 30000000] [--repeats 5] [--table FILE]

Needs about 2 GB of disk at 30 million rows, in the folder for temporary files (TMPDIR).
"""

import argparse
import datetime as dt
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from model_refresh.engines import DuckDB, Query

TABLE = Path(__file__).parents[1] / "fleet/cdnow_repurchase/data/transactions.parquet"
AS_OF = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
ACCEPTED_RATIO = 1.15


def main() -> None:
    arguments = _arguments()
    if arguments.peak:
        print(_peak_mib(Path(arguments.peak)))
        return
    with tempfile.TemporaryDirectory(prefix="frame-write-") as name:
        folder = Path(name)
        source = make_rows(arguments.table, arguments.rows, folder)
        print(
            f"{arguments.rows:,} rows from {arguments.table.name}, {_mib(source):.0f} MiB Parquet"
        )
        for compression in ("zstd", "snappy"):
            _report_cost(source, folder, arguments.repeats, compression=compression)
        _report_memory(arguments.table, arguments.rows, folder)


def make_rows(table: Path, rows: int, folder: Path) -> Path:
    """A Parquet file of `rows` rows: the table again and again, each time under new customers."""
    target = folder / f"transactions-{rows}.parquet"
    with duckdb.connect(config={"memory_limit": "2GiB"}) as connection:
        connection.execute(
            "COPY (SELECT copy || '-' || customer_id AS customer_id, * EXCLUDE (customer_id, copy) "
            f"FROM range(1 + {rows} // (SELECT count(*) FROM '{table}')) copies(copy), '{table}' "
            f"LIMIT {rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
    return target


def copy_plainly(source: Path, target: Path, *, compression: str) -> None:
    """COPY on a plain connection, with DuckDB's own settings."""
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM '{source}' WHERE date < TIMESTAMP '{AS_OF:%Y-%m-%d}') "
            f"TO '{target}' (FORMAT parquet, COMPRESSION {compression})"
        ).fetchall()


def write_frame(source: Path, target: Path) -> None:
    """`engine.write`: opening the source, sandbox, bound parameter and all."""
    query = Query("SELECT * FROM transactions WHERE date < $as_of", {"as_of": AS_OF})
    with DuckDB(tables={"transactions": str(source)}).open(source.parent) as engine:
        engine.write(query, target)


def _report_cost(source: Path, folder: Path, repeats: int, *, compression: str) -> None:
    ways: dict[str, Callable[[Path], None]] = {
        "COPY": lambda target: copy_plainly(source, target, compression=compression),
        "engine.write": lambda target: write_frame(source, target),
    }
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name in list(ways)[:: 1 if repeat % 2 else -1]:
            seconds, cpu_seconds, size = _measured(ways[name], folder / "frame.parquet")
            if repeat:  # the first pair warms the page cache up
                wall[name].append(seconds)
                cpu[name].append(cpu_seconds)
                print(f"  {name:12} {seconds:6.2f} s, CPU {cpu_seconds:6.2f} s, {size:4.0f} MiB")
    pairs = [mine / plain for plain, mine in zip(*wall.values(), strict=True)]
    plain, mine = (statistics.median(values) for values in cpu.values())
    fastest_plain, fastest = (min(values) for values in wall.values())
    print(
        f"engine.write / COPY ({compression}): median of {repeats} pairs "
        f"{statistics.median(pairs):.3f} [{min(pairs):.3f} to {max(pairs):.3f}], "
        f"fastest against fastest {fastest / fastest_plain:.3f}, CPU {mine / plain:.3f}; "
        f"accepted {ACCEPTED_RATIO}"
    )


def _measured(write: Callable[[Path], None], target: Path) -> tuple[float, float, float]:
    started, cpu_started = time.perf_counter(), time.process_time()
    write(target)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    size = _mib(target)
    target.unlink()
    return seconds, cpu_seconds, size


def _report_memory(table: Path, rows: int, folder: Path) -> None:
    for count in (rows // 16, rows // 4, rows):
        source = make_rows(table, count, folder)
        command = [sys.executable, __file__, "--peak", str(source)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"peak memory of engine.write at {count:>12,} rows: {float(answer.stdout):6.0f} MiB")


def _peak_mib(source: Path) -> float:
    """This process's peak; not ru_maxrss, which a child inherits from its parent."""
    target = source.with_suffix(".frame")
    write_frame(source, target)
    target.unlink()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")) / 1024


def _mib(path: Path) -> float:
    return path.stat().st_size / (1 << 20)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=30_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
