"""What encoding a wide table and a column of a million values takes, against a floor.

Each way runs in processes of its own, in turns; the fastest counts, and the highest peak. Printed
are CPU seconds, and the peak memory above the table itself as a ratio to the float64 matrix that is
made; the floor is a plain cast by Polars of the same table in the same run.

    python benchmarks/features.py [--rows 200000] [--columns 1000] [--texts 2000000] [--repeats 3]

Needs about 5 GiB of memory.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.features import Encoder, Matrix, TimedLabels
from model_refresh.records import Column
from model_refresh.records.encoding import Encoding

ACCEPTED_RATIO = 1.3
TEXTS_A_VALUE = 2
FRAMES = 8
Measured = tuple[float, float, float]


def main() -> None:
    arguments = _arguments()
    if arguments.way:
        print(*measure(arguments.way, arguments.rows, arguments.columns, arguments.texts))
        return
    for title, ways in (
        (f"{arguments.rows:,} rows of {arguments.columns:,} numbers", WIDE),
        (f"{arguments.texts:,} rows of {arguments.texts // TEXTS_A_VALUE:,} texts", DEEP),
    ):
        print(title)
        turns = [[_in_child(way, arguments) for way in ways] for _ in range(arguments.repeats)]
        measured = {
            way: _best(runs) for way, runs in zip(ways, zip(*turns, strict=True), strict=True)
        }
        floor = next(iter(measured.values()))
        for name, (seconds, peak, size) in measured.items():
            print(
                f"  {name:22} {seconds:7.2f} CPU s ({seconds / floor[0]:5.1f} x floor), peak "
                f"{peak:6.0f} MiB ({peak / floor[1]:4.2f} x floor), {peak / size:5.2f} x its matrix"
            )
    print(f"accepted for the wide table: a peak of {ACCEPTED_RATIO} x its matrix")


def wide_table(rows: int, columns: int) -> pl.DataFrame:
    """Numbers, some of them missing in every tenth column."""
    rng = np.random.default_rng(0)
    table = pl.DataFrame({f"n{i}": rng.normal(size=rows) for i in range(columns)})
    return table.with_columns(
        pl.when(pl.int_range(pl.len()) % 7 != i % 7).then(pl.col(f"n{i}")).alias(f"n{i}")
        for i in range(0, columns, 10)
    )


def deep_table(rows: int) -> pl.DataFrame:
    """One text column; the values' frequencies vary as those of real names do."""
    rng = np.random.default_rng(0)
    values = rows // TEXTS_A_VALUE
    place = np.concatenate([np.arange(values), values * rng.random(rows - values) ** 3])
    number = pl.Series("t", rng.permutation(place).astype(np.int64))
    return number.to_frame().select(pl.format("customer-{}", pl.col("t")).alias("t"))


def labels_of(rows: int) -> TimedLabels:
    """Labels of eight weekly frames, each known two weeks later."""
    rng = np.random.default_rng(1)
    week = np.timedelta64(7, "D")
    as_of = np.datetime64("2024-01-01", "us") + np.arange(rows) * FRAMES // rows * week
    return TimedLabels((rng.random(rows) < 0.2).astype(np.float64), as_of, as_of + 2 * week)


def columns_of(table: pl.DataFrame) -> list[Column]:
    return [
        Column(name=name, type="text" if kind == pl.String else "number", stored_as=str(kind))
        for name, kind in table.schema.items()
    ]


def cast_wide(table: pl.DataFrame) -> Matrix:
    values = table.select(pl.all().cast(pl.Float64)).to_numpy(order="c")
    return Matrix(values, (), ())


def cast_deep(table: pl.DataFrame) -> Matrix:
    codes = table.select(pl.col("t").cast(pl.Categorical).to_physical().cast(pl.Float64))
    return Matrix(codes.to_numpy(order="c"), (), ())


def encode(table: pl.DataFrame, encoding: Encoding | None = None) -> Matrix:
    """Fit and transform, as a refresh does before it learns."""
    encoding = encoding or Encoding()
    labels = labels_of(table.height) if encoding.needs_labels else None
    encoder = Encoder.fit(table, columns_of(table), (), encoding, labels)
    return encoder.transform(table) if labels is None else encoder.transform_training(table, labels)


WIDE: dict[str, Callable[[pl.DataFrame], Matrix]] = {
    "cast": cast_wide,
    "encoder": encode,
    "encoder, all checks": lambda table: encode(
        table, Encoding(indicators=True, drop_constant=True, drop_duplicate=True)
    ),
}
DEEP: dict[str, Callable[[pl.DataFrame], Matrix]] = {
    "cast to categorical": cast_deep,
    "encoder of codes": encode,
    "encoder of targets": lambda table: encode(table, Encoding(categories="target")),
}


def measure(way: str, rows: int, columns: int, texts: int) -> Measured:
    """CPU seconds, the peak above what the table takes in MiB, and the matrix in MiB."""
    table = wide_table(rows, columns) if way in WIDE else deep_table(texts)
    encode(table.head(100))  # what is loaded once
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before, begun = _status_mib("VmRSS"), time.process_time()
    matrix = (WIDE | DEEP)[way](table)
    seconds = time.process_time() - begun
    return seconds, _status_mib("VmHWM") - before, matrix.values.nbytes / (1 << 20)


def _best(runs: Iterable[Measured]) -> Measured:
    seconds, peaks, sizes = zip(*runs, strict=True)
    return min(seconds), max(peaks), max(sizes)


def _in_child(way: str, arguments: argparse.Namespace) -> Measured:
    sizes = [f"--{name}={getattr(arguments, name)}" for name in ("rows", "columns", "texts")]
    command = [sys.executable, __file__, *sizes, f"--way={way}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1]), float(answer[2])


def _status_mib(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith(field)) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--texts", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=[*WIDE, *DEEP], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
