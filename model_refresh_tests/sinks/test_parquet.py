"""A folder of Parquet files as a sink."""

import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from model_refresh.errors import SinkError
from model_refresh.sinks import ParquetFolder, Sink
from model_refresh_tests.contracts.sinks import SinkContract
from model_refresh_tests.crash import crash_points
from model_refresh_tests.sinks.batches import NOON, batch, partition, stored

ALL = "out/**/*.parquet"


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return ParquetFolder(path="out")

    def read(self, sink: Sink, folder: Path) -> pl.DataFrame:
        files = pl.scan_parquet(
            folder / ALL,
            hive_schema={"model": pl.String, "as_of": pl.String},
            hive_partitioning=True,
        )
        as_of = pl.coalesce(
            pl.col("as_of").str.to_datetime(form, strict=False, time_unit="us")
            for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M")
        )
        return files.with_columns(as_of).collect()


def test_the_layout_is_what_others_read_as_partitions(tmp_path: Path) -> None:
    sink = ParquetFolder(path="out")
    for where in (partition(3), partition(3, as_of=NOON)):
        sink.deliver(stored(tmp_path, batch(3)), where, tmp_path)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob(ALL))
    assert files == [
        "out/model=churn/as_of=2024-01-15/scores.parquet",
        "out/model=churn/as_of=2024-01-15T12%3A00/scores.parquet",
    ]
    read = duckdb.sql(
        f"SELECT DISTINCT model, as_of::VARCHAR FROM read_parquet('{tmp_path / ALL}') ORDER BY 2"
    )
    assert read is not None
    assert read.fetchall() == [("churn", "2024-01-15"), ("churn", "2024-01-15T12:00")]


def test_a_kill_at_any_call_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    contract, sink = TestContract(), ParquetFolder(path="out")
    old, new = partition(3), partition(5, entry=2)
    do = contract._do(sink, tmp_path, batch(5), new)

    def prepare() -> None:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        contract.deliver(sink, tmp_path, batch(3), old)

    seen = set()
    for _ in crash_points(do, prepare):
        rows = contract.read(sink, tmp_path)
        seen.add(rows.height)
        assert rows["entry"].unique().to_list() == [1 if rows.height == 3 else 2]
        do()
        contract.check(sink, tmp_path, batch(5), new)
        assert list((tmp_path / "out" / "model=churn").glob(".tmp-*")) == []
    assert seen == {3, 5}


def test_the_same_batch_gives_the_same_bytes(tmp_path: Path) -> None:
    path = stored(tmp_path, batch(1000))
    places = [
        ParquetFolder(path=name).deliver(path, partition(1000), tmp_path) for name in ("a", "b")
    ]
    assert Path(places[0]).read_bytes() == Path(places[1]).read_bytes()


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    sink = ParquetFolder(path="out")
    with pytest.raises(SinkError, match=r"could not be written.*untouched"):
        sink.deliver(stored(tmp_path, batch(3)), partition(3), tmp_path)
    with pytest.raises(SinkError, match="takes no files"):
        sink.examine(batch(3).schema, ("customer_id",), tmp_path)
