"""What it takes to measure the drift of a frame of 100,000 rows and 50 features.

Nine stored frames are read, eight as the reference, and everything is measured of their rows that
doesn't need a model: features, their mean, and the classifier. Printed are seconds, CPU seconds and
the peak memory above the start's, once for a frame like the others, and once for one that the
classifier tells apart, which takes it for each frame of the reference too.

    python benchmarks/drift.py [--rows 100000] [--columns 50]
"""

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.config.operation import DriftLimits
from model_refresh.features.columns import plain_features
from model_refresh.monitoring.drift.measuring import Subject, measure
from model_refresh.monitoring.drift.reading import most_rows, read_sample
from model_refresh.records import Column, Frame
from model_refresh.refresh.frame import read_columns
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.folder import drafting
from model_refresh.storage.store import ROWS

REFERENCE = 8
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder)).model("wide")
        frames = [
            write_frame(store, number, given.rows, given.columns) for number in range(REFERENCE + 2)
        ]
        for title, frame in (("like the others", frames[-2]), ("of another law", frames[-1])):
            print(f"{given.rows:,} rows of {given.columns} features, {title}: ", end="")
            print(timed(store, frames[:REFERENCE], frame))


def write_frame(store: ModelStore, number: int, rows: int, columns: int) -> Frame:
    """A stored frame of numbers and categories; the last one's first two go together."""
    rng = np.random.default_rng(number)
    values = rng.normal(size=(rows, columns))
    if number == REFERENCE + 1:
        values[:, 1] = 0.9 * values[:, 0] + 0.44 * values[:, 1]
    named = {f"c{i}": values[:, i] for i in range(columns)}
    table = pl.DataFrame({"key": np.arange(rows)} | named).with_columns(
        pl.format("v{}", (pl.col(f"c{i}") * 3).cast(pl.Int64)).alias(f"c{i}")
        for i in range(4, columns, 5)
    )
    as_of = START + dt.timedelta(days=7 * number)
    log = store.frames("a" * 64, as_of)
    with drafting(log.folder) as draft:
        table.write_parquet(draft.path / ROWS)
        found = read_columns(draft.path / ROWS)
        content = draft.publish(kind="frame", inputs={}, libraries={})
    return Frame(
        as_of=as_of,
        query="a" * 64,
        content=content.digest,
        rows=rows,
        columns=found,
        key=("key",),
        backfilled=False,
    )


def timed(store: ModelStore, reference: list[Frame], frame: Frame) -> str:
    features: tuple[Column, ...] = tuple(each for each in frame.columns if each.name != "key")
    names = [each.name for each in features]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    most, most_now = most_rows(len(reference), len(names))
    samples = [read_sample(store, each, names, most=most) for each in reference]
    samples.append(read_sample(store, frame, names, most=most_now))
    subject = Subject(plain_features(features, ()), ("key",), {})
    found = measure(samples, subject, DriftLimits())
    failed = [check.name for check in found.checks if check.outcome == "failed"]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    return (
        f"{time.perf_counter() - start:.2f} s, {time.process_time() - cpu:.2f} CPU s, "
        f"{grown:.0f} MiB more; above their limits: {failed or 'none'}"
    )


if __name__ == "__main__":
    main()
