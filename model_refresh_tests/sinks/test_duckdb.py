"""A table of a DuckDB file as a sink."""

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from model_refresh.errors import SinkError, SinkUnreachable
from model_refresh.sinks import DuckDBTable, Sink
from model_refresh_tests.contracts.sinks import SinkContract
from model_refresh_tests.sinks.batches import batch, key_batch, partition, stored

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self) -> Sink:
        return DuckDBTable(database="out.duckdb", table="scores")

    def read(self, sink: Sink, folder: Path) -> pl.DataFrame:
        with duckdb.connect(folder / "out.duckdb") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rows: pl.DataFrame = connection.sql("SELECT * FROM scores").pl()
        return rows


def run(folder: Path, statement: str) -> None:
    with duckdb.connect(folder / "out.duckdb") as connection:
        connection.execute(statement)


def deliver(folder: Path, table: str = "scores", wait_seconds: float = 30) -> str:
    sink = DuckDBTable(database="out.duckdb", table=table, wait_seconds=wait_seconds)
    return sink.deliver(stored(folder, batch(3)), partition(3), folder)


MADE = (
    "CREATE TABLE scores (model VARCHAR, as_of TIMESTAMP, customer_id {key}, score DOUBLE, "
    "challenger_score DOUBLE, champion VARCHAR, entry BIGINT, batch VARCHAR{more})"
)


@pytest.mark.parametrize("more", ["", ", loaded_at TIMESTAMP DEFAULT now()", ", note VARCHAR"])
@pytest.mark.parametrize("key", ["BIGINT", "INTEGER"])
def test_a_table_of_these_columns_is_filled_and_others_keep_their_defaults(
    tmp_path: Path, key: str, more: str
) -> None:
    run(tmp_path, MADE.format(key=key, more=more))
    deliver(tmp_path)
    contract = TestContract()
    rows = contract.read(DuckDBTable(database="out.duckdb", table="scores"), tmp_path)
    assert rows["customer_id"].to_list() == [0, 1, 2]
    if "now" in more:
        assert rows["loaded_at"].null_count() == 0


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (MADE.format(key="VARCHAR", more=""), "has 'customer_id' as VARCHAR, where BIGINT"),
        ("CREATE TABLE scores (model VARCHAR, score DOUBLE)", "lacks the column 'customer_id'"),
        (MADE.format(key="BIGINT", more=", n INT NOT NULL"), "demands a value for 'n'"),
    ],
)
def test_a_table_of_other_columns_is_refused_and_stays_as_it_is(
    tmp_path: Path, made: str, says: str
) -> None:
    run(tmp_path, made)
    sink = DuckDBTable(database="out.duckdb", table="scores")
    with pytest.raises(SinkError, match=says):
        sink.examine(batch(3).schema, ("customer_id",), tmp_path)
    with pytest.raises(SinkError, match=says):
        deliver(tmp_path)
    with duckdb.connect(tmp_path / "out.duckdb") as connection:
        assert connection.sql("SELECT count(*) FROM scores").fetchall() == [(0,)]


def test_a_value_that_a_narrower_column_lacks_undoes_the_whole_delivery(tmp_path: Path) -> None:
    run(tmp_path, MADE.format(key="INTEGER", more="").replace("customer_id", "key"))
    path, where = stored(tmp_path, key_batch("int64")), partition(2, key=["key"])
    with pytest.raises(SinkError, match="did not take the batch"):
        DuckDBTable(database="out.duckdb", table="scores").deliver(path, where, tmp_path)
    with duckdb.connect(tmp_path / "out.duckdb") as connection:
        assert connection.sql("SELECT count(*) FROM scores").fetchall() == [(0,)]


def test_a_file_that_another_process_has_is_waited_for_and_then_worth_another_try(
    tmp_path: Path,
) -> None:
    deliver(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(SinkUnreachable, match="locked by another process") as caught:
        deliver(tmp_path, wait_seconds=0.2)
    assert caught.value.transient
    holder.communicate("\n")
    deliver(tmp_path)


def test_a_schema_is_named_with_a_dot_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="crm"):
        deliver(tmp_path, "crm.scores")
    run(tmp_path, "CREATE SCHEMA crm")
    assert deliver(tmp_path, "crm.scores").endswith("out.duckdb, table crm.scores")
    with duckdb.connect(tmp_path / "out.duckdb") as connection:
        assert connection.sql("SELECT count(*) FROM crm.scores").fetchall() == [(3,)]


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "out.duckdb").write_text("no database at all" * 400)
    with pytest.raises(SinkError, match="did not take the batch"):
        deliver(tmp_path)


DIE_UNCHECKED = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("PRAGMA disable_checkpoint_on_shutdown")
connection.execute("CREATE TABLE notes AS SELECT range AS id FROM range(50000)")
os.kill(os.getpid(), 9)
"""


def make_unplayable(database: Path) -> Path:
    """A file whose write-ahead log can't be replayed, as after a disk that lied; the log."""
    subprocess.run([sys.executable, "-c", DIE_UNCHECKED, str(database)], check=False)
    log = database.with_name(f"{database.name}.wal")
    text = bytearray(log.read_bytes())
    text[len(text) // 2] ^= 255
    log.write_bytes(text)
    return log


def test_a_log_that_can_not_be_replayed_is_set_aside_and_the_batch_arrives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(tmp_path)
    log = make_unplayable(tmp_path / "out.duckdb")
    damaged = log.read_bytes()
    deliver(tmp_path)
    rows = TestContract().read(DuckDBTable(database="out.duckdb", table="scores"), tmp_path)
    assert rows["customer_id"].to_list() == [0, 1, 2]
    (aside,) = tmp_path.glob("out.duckdb.wal.*.damaged")
    assert aside.read_bytes() == damaged, "nothing is thrown away"
    assert aside.name in caplog.text and "--again" in caplog.text


def test_looking_at_a_log_that_can_not_be_replayed_changes_nothing(tmp_path: Path) -> None:
    deliver(tmp_path)
    log = make_unplayable(tmp_path / "out.duckdb")
    sink = DuckDBTable(database="out.duckdb", table="scores")
    with pytest.raises(SinkError, match="replaying WAL"):
        sink.examine(batch(3).schema, ("customer_id",), tmp_path)
    assert log.exists()
