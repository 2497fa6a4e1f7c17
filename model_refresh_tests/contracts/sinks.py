"""What every sink must do; a subclass in the sinks' tests says how it is opened and read back."""

import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from model_refresh.errors import SinkError
from model_refresh.sinks import ParquetFolder, Partition, Sink
from model_refresh_tests.crash import killed_after
from model_refresh_tests.sinks.batches import (
    KEYS,
    NOON,
    batch,
    expected,
    key_batch,
    partition,
    stored,
)

_FEW, _MANY = 1_000, 150_000
_ODD = ["a key", 'qu"ote', "ünïcode \u2018q\u2019", "Select", "x;DROP TABLE scores;--", "%s {} $1"]


class SinkContract:
    """`sink` is under test; `read` gives all of its rows, in the order of columns of a batch."""

    @pytest.fixture
    def sink(self) -> Sink:
        raise NotImplementedError

    def read(self, sink: Sink, folder: Path) -> pl.DataFrame:
        raise NotImplementedError

    def deliver(self, sink: Sink, folder: Path, table: pa.Table, where: Partition) -> str:
        """Deliver a table as a batch; the place."""
        name = f"{where.model}-{where.entry}-{where.rows}.parquet"
        return sink.deliver(stored(folder / "batches", table, name), where, folder)

    def check(
        self, sink: Sink, folder: Path, table: pa.Table, where: Partition, **cast: pl.DataType
    ) -> None:
        """The sink's rows of this partition are exactly the batch's."""
        found, wanted = self.read(sink, folder), expected(table, where)
        ours = found.filter(model=where.model, as_of=where.as_of.replace(tzinfo=None))
        assert sorted(ours.columns) == sorted(wanted.columns)
        ours = ours.select(wanted.columns).cast(dict(wanted.schema))  # type: ignore[arg-type]
        assert ours.sort(where.key).equals(wanted.sort(where.key), null_equal=True)

    def test_a_batch_arrives_with_all_of_its_columns(self, sink: Sink, tmp_path: Path) -> None:
        place = self.deliver(sink, tmp_path, batch(), partition(3))
        assert place
        self.check(sink, tmp_path, batch(), partition(3))

    def test_a_second_batch_takes_the_place_of_the_first(self, sink: Sink, tmp_path: Path) -> None:
        self.deliver(sink, tmp_path, batch(5), partition(5))
        for _ in range(2):
            self.deliver(sink, tmp_path, batch(3, level=0.5), partition(3, entry=2))
            self.check(sink, tmp_path, batch(3, level=0.5), partition(3, entry=2))
        assert self.read(sink, tmp_path).height == 3

    def test_other_models_and_other_instants_stay_as_they_are(
        self, sink: Sink, tmp_path: Path
    ) -> None:
        others = [partition(3, model="value"), partition(3, as_of=NOON)]
        for other in (*others, partition(4)):
            self.deliver(sink, tmp_path, batch(other.rows), other)
        self.deliver(sink, tmp_path, batch(2, level=0.5), partition(2, entry=2))
        for other in others:
            self.check(sink, tmp_path, batch(3), other)
        self.check(sink, tmp_path, batch(2, level=0.5), partition(2, entry=2))

    def test_a_batch_without_rows_empties_the_partition(self, sink: Sink, tmp_path: Path) -> None:
        self.deliver(sink, tmp_path, batch(0), partition(0, model="value"))
        self.deliver(sink, tmp_path, batch(3), partition(3))
        self.deliver(sink, tmp_path, batch(0), partition(0, entry=2))
        assert self.read(sink, tmp_path).height == 0

    def test_a_batch_without_challenger_has_null_in_its_place(
        self, sink: Sink, tmp_path: Path
    ) -> None:
        plain = batch(3, challenger=False)
        for table, entry in ((batch(3), 1), (plain, 2)):
            self.deliver(sink, tmp_path, table, partition(3, entry=entry))
        self.check(sink, tmp_path, plain, partition(3, entry=2))
        assert self.read(sink, tmp_path)["challenger_score"].null_count() == 3

    @pytest.mark.parametrize("kind", KEYS)
    def test_every_kind_of_key_and_score_comes_back_as_it_was(
        self, sink: Sink, tmp_path: Path, kind: str
    ) -> None:
        where = partition(2, key=["key"])
        self.deliver(sink, tmp_path, key_batch(kind), where)
        self.check(sink, tmp_path, key_batch(kind), where)

    def test_odd_names_are_names(self, sink: Sink, tmp_path: Path) -> None:
        table = pa.table({name: [f"{name}{i}" for i in range(3)] for name in _ODD})
        for name in ('score_"a"', "score_été, 'b'", "score_%(c)s"):
            table = table.append_column(name, pa.array([0.2, 0.3, 0.5]))
        where = partition(3, key=_ODD)
        for _ in range(2):
            self.deliver(sink, tmp_path, table, where)
        self.check(sink, tmp_path, table, where)

    @pytest.mark.parametrize("name", ["delivered", "the_batch", "rows", "order", "main"])
    def test_any_name_that_can_be_declared_can_be_delivered_to(
        self, sink: Sink, tmp_path: Path, name: str
    ) -> None:
        field = "path" if isinstance(sink, ParquetFolder) else "table"
        named = sink.model_copy(update={field: name})
        for entry in (1, 2):
            assert name in self.deliver(named, tmp_path, batch(), partition(3, entry=entry))
        assert "take" in named.examine(batch().schema, ("customer_id",), tmp_path)

    def test_many_rows_come_whole(self, sink: Sink, tmp_path: Path) -> None:
        table = batch(_MANY)
        self.deliver(sink, tmp_path, table, partition(_MANY))
        self.check(sink, tmp_path, table, partition(_MANY))

    def test_a_file_of_other_rows_than_it_says_is_refused(self, sink: Sink, tmp_path: Path) -> None:
        self.deliver(sink, tmp_path, batch(3), partition(3))
        with pytest.raises(SinkError, match="of 4 rows"):
            self.deliver(sink, tmp_path, batch(2), partition(4, entry=2))
        self.check(sink, tmp_path, batch(3), partition(3))

    def test_a_key_named_as_a_column_of_ours_is_refused(self, sink: Sink, tmp_path: Path) -> None:
        table = batch(3).rename_columns(["Batch", "score", "challenger_score"])
        with pytest.raises(SinkError, match="'Batch' beside 'batch'"):
            self.deliver(sink, tmp_path, table, partition(3, key=["Batch"]))

    @pytest.mark.parametrize(
        ("rows", "moments"), [(20_000, 3), pytest.param(_MANY, 16, marks=pytest.mark.soak)]
    )
    def test_a_kill_at_any_moment_leaves_the_old_rows_or_the_new(
        self, sink: Sink, tmp_path: Path, rows: int, moments: int
    ) -> None:
        old, new = partition(_FEW), partition(rows, entry=2)
        other = partition(3, model="value")
        self.deliver(sink, tmp_path, batch(3), other)
        do = self._do(sink, tmp_path, batch(rows, level=0.5), new)
        self.deliver(sink, tmp_path, batch(_FEW), old)
        whole = killed_after(60, do)
        assert whole is not None
        killed = 0
        for moment in range(moments):
            self.deliver(sink, tmp_path, batch(_FEW), old)
            killed += killed_after(whole * (moment + 0.5) / moments, do) is None
            found = self.settled(sink, tmp_path).filter(model="churn")
            assert found.height in (_FEW, rows)
            assert found["entry"].unique().to_list() == [1 if found.height == _FEW else 2]
        assert killed >= moments / 2
        self.check(sink, tmp_path, batch(3), other)
        do()
        self.check(sink, tmp_path, batch(rows, level=0.5), new)

    def test_deliveries_at_once_follow_each_other(self, sink: Sink, tmp_path: Path) -> None:
        makers = multiprocessing.get_context("forkserver")
        pending = []
        for entry in range(1, 5):
            where = partition(1000 * entry, entry=entry)
            do = self._do(sink, tmp_path, batch(where.rows), where)
            pending.append(makers.Process(target=do))
        for process in pending:
            process.start()
        for process in pending:
            process.join()
            assert process.exitcode == 0
        rows = self.read(sink, tmp_path)
        assert rows["entry"].n_unique() == 1
        assert rows.height == 1000 * rows["entry"][0]

    def test_examine_tells_whether_the_table_is_there(self, sink: Sink, tmp_path: Path) -> None:
        schema = batch(3).schema
        before = sink.examine(schema, ("customer_id",), tmp_path)
        self.deliver(sink, tmp_path, batch(3), partition(3))
        assert "take" in sink.examine(schema, ("customer_id",), tmp_path)
        assert before

    def settled(self, sink: Sink, folder: Path) -> pl.DataFrame:
        """Model and entry of each row, once whatever a killed process had begun has ended."""
        return self.read(sink, folder).select("model", "entry")

    def _do(
        self, sink: Sink, folder: Path, table: pa.Table, where: Partition
    ) -> Callable[[], object]:
        path = stored(folder / "batches", table, f"do-{where.entry}.parquet")
        return partial(sink.deliver, path, where, folder)
