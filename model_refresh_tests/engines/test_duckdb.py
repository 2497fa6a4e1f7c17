import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb
import pytest
from pydantic import TypeAdapter, ValidationError

from model_refresh.engines import DuckDB, Query, Source
from model_refresh.engines.duckdb import DuckDBEngine
from model_refresh.engines.files import FileTables
from model_refresh.engines.session import Limits
from model_refresh.errors import EngineBusy, EngineError, StoreWriteError
from model_refresh_tests.contracts.engines import table

WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("locked", flush=True)
sys.stdin.read()
connection.close()
"""
FULL_DISK = """
import resource, sys
from pathlib import Path
from model_refresh.engines import DuckDB, Query
from model_refresh.engines.memory import Memory
from model_refresh.errors import StoreWriteError
folder = Path(sys.argv[1])
engines = [DuckDB(tables={"t": "t.csv"}).open(folder), Memory({})]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for engine in engines:
    try:
        engine.write(Query("select hash(range) from range(500_000)", {}, "q"), folder / "rows")
    except StoreWriteError as error:
        print(error.transient, error)
"""


DIE_UNCHECKED = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("PRAGMA disable_checkpoint_on_shutdown")
connection.execute("CREATE TABLE u AS SELECT range AS a FROM range(50000)")
connection.execute("CREATE TABLE v AS SELECT range AS a FROM range(50000)")
os.kill(os.getpid(), 9)
"""


def make_database(folder: Path, sql: str = "create table t as select 1 as a") -> Path:
    with duckdb.connect(folder / "shop.duckdb") as connection:
        connection.execute(sql).fetchall()
    return folder / "shop.duckdb"


def test_the_declaration_is_read_by_its_discriminator_and_round_trips() -> None:
    declared = {"engine": "duckdb", "tables": {"t": "t.csv"}, "memory_limit_mib": 512}
    source = TypeAdapter(Source).validate_python(declared)
    assert source == DuckDB(tables={"t": "t.csv"}, memory_limit_mib=512)
    assert DuckDB.parse(source.canonical()) == source


def test_every_field_is_described() -> None:
    assert all(field.description for field in DuckDB.model_fields.values())


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({}, "declare tables"),
        ({"tables": {"t": "t.xlsx"}}, "parquet"),
        ({"tables": {"t": ""}}, "at least 1"),
        ({"tables": {"t": "a\0.csv"}}, "pattern"),
        ({"tables": {"T": "t.csv"}}, "pattern"),
        ({"tables": {"t; drop": "t.csv"}}, "pattern"),
        ({"tables": {'t"': "t.csv"}}, "pattern"),
        ({"tables": {"t\n": "t.csv"}}, "pattern"),
        ({"tables": {"t" * 64: "t.csv"}}, "pattern"),
        ({"database": "d.duckdb", "memory_limit_mib": 8}, "greater than or equal to 64"),
        ({"database": "d.duckdb", "threads": 0}, "greater than or equal to 1"),
        ({"database": "d.duckdb", "engine": "oracle"}, "duckdb"),
        ({"database": "d.duckdb", "tabels": {}}, "Extra inputs"),
    ],
)
def test_a_wrong_declaration_is_refused(declared: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        DuckDB.model_validate(declared)


def test_tables_of_a_database_are_read_in_every_schema_and_beside_files(tmp_path: Path) -> None:
    make_database(
        tmp_path,
        "create table t as select 1 as a; create schema raw; create table raw.u as select 2 as a;"
        "create view v as select a + 1 as a from shop.main.t",
    )
    (tmp_path / "w.csv").write_text("a\n4\n")
    with DuckDB(database="shop.duckdb", tables={"w": "w.csv"}).open(tmp_path) as engine:
        rows = table(engine, "from t union all from raw.u union all from w union all from v")
    assert sorted(rows["a"].to_pylist()) == [1, 2, 2, 4]


def test_a_view_of_the_database_reaches_no_file(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n4\n")
    make_database(tmp_path, f"create view v as from '{tmp_path}/other.csv'")
    with (
        DuckDB(database="shop.duckdb").open(tmp_path) as engine,
        pytest.raises(EngineError, match="other"),
    ):
        table(engine, "from v")


def test_a_table_that_is_declared_and_stored_is_refused(tmp_path: Path) -> None:
    make_database(tmp_path)
    (tmp_path / "t.csv").write_text("a\n4\n")
    with (
        DuckDB(database="shop.duckdb", tables={"t": "t.csv"}).open(tmp_path) as engine,
        pytest.raises(EngineError, match=r"'t' is declared and is in .* too"),
    ):
        table(engine, "from t")


def test_reading_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    before = database.read_bytes()
    with DuckDB(database="shop.duckdb").open(tmp_path) as engine:
        table(engine, "from t")
    assert database.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["shop.duckdb"]


@pytest.mark.parametrize("content", [b"", b"not a database" * 1_000])
def test_what_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.duckdb").write_bytes(content)
    with (
        DuckDB(database="shop.duckdb").open(tmp_path) as engine,
        pytest.raises(EngineError, match=r"shop\.duckdb"),
    ):
        table(engine, "from t")


def test_a_missing_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no file 'gone\.duckdb' in"):
        DuckDB(database="gone.duckdb").open(tmp_path)


def test_a_database_that_stays_locked_is_busy_and_worth_another_try(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    with (
        Locked(database),
        DuckDBEngine(FileTables({}, database, waits_seconds=(0.01,)), Limits(256)) as engine,
        pytest.raises(EngineBusy, match=r"shop\.duckdb is locked by another process") as busy,
    ):
        table(engine, "from t")
    assert busy.value.transient


def test_a_database_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    with Locked(database) as writer, DuckDB(database="shop.duckdb").open(tmp_path) as engine:
        threading.Timer(0.15, writer.communicate).start()
        assert table(engine, "from t").num_rows == 1


def test_a_database_whose_log_can_not_be_replayed_is_left_as_it_is(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    subprocess.run([sys.executable, "-c", DIE_UNCHECKED, str(database)], check=False)
    log = tmp_path / "shop.duckdb.wal"
    text = bytearray(log.read_bytes())
    text[len(text) // 4] ^= 255
    log.write_bytes(text)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with (
        DuckDB(database="shop.duckdb").open(tmp_path) as engine,
        pytest.raises(EngineError, match=r"left as it is.*move shop\.duckdb\.wal aside") as told,
    ):
        table(engine, "from t")
    assert not told.value.transient
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_log_that_was_cut_gives_what_was_written_whole(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    subprocess.run([sys.executable, "-c", DIE_UNCHECKED, str(database)], check=False)
    log = tmp_path / "shop.duckdb.wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size * 3 // 4])
    with DuckDB(database="shop.duckdb").open(tmp_path) as engine:
        assert table(engine, "from t").num_rows == 1
        assert table(engine, "from u").num_rows == 50_000
        with pytest.raises(EngineError, match="v"):
            table(engine, "from v")


def test_an_open_database_of_the_same_process_is_busy_too(tmp_path: Path) -> None:
    tables = FileTables({}, make_database(tmp_path), waits_seconds=(0.01,))
    with (
        duckdb.connect(tmp_path / "shop.duckdb"),
        DuckDBEngine(tables, Limits(256)) as engine,
        pytest.raises(EngineBusy),
    ):
        table(engine, "from t")


def test_a_full_disk_leaves_nothing_and_is_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n4\n")
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = answer.stdout.splitlines()
    assert [line.startswith(f"True {tmp_path}/rows could not be written") for line in lines] == [
        True,
        True,
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_target_that_is_no_folder_is_a_write_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n4\n")
    with (
        DuckDB(tables={"t": "t.csv"}).open(tmp_path) as engine,
        pytest.raises(StoreWriteError, match=r"t\.csv"),
    ):
        engine.write(Query("from t", {}), tmp_path / "t.csv" / "rows.parquet")


def test_a_query_beyond_the_memory_limit_fails_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n4\n")
    source = DuckDB(tables={"t": "t.csv"}, memory_limit_mib=64)
    sql = "select list(range) as l from range(50_000_000)"
    with source.open(tmp_path) as engine, pytest.raises(EngineError, match="memory_limit_mib"):
        engine.write(Query(sql, {}, "q"), tmp_path / "rows.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_was_spilled_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    (tmp_path / "t.csv").write_text("a\n4\n")
    query = Query("select hash(range) as h from range(4_000_000) order by h", {}, "q")
    seen: set[str] = set()
    with DuckDB(tables={"t": "t.csv"}, memory_limit_mib=64).open(tmp_path) as engine:
        batches = engine.batches(query)
        seen.update(path.name for path in scratch.rglob("duckdb_temp*"))
        assert sum(batch.num_rows for batch in batches) == 4_000_000
        engine.write(query, tmp_path / "rows.parquet")
    assert seen
    assert not list(scratch.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet", "scratch", "t.csv"]


def test_nothing_is_printed_by_a_long_query(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("a\n4\n")
    with DuckDB(tables={"t": "t.csv"}).open(tmp_path) as engine:
        table(engine, "from t")
    assert capfd.readouterr() == ("", "")


class Locked:
    """Another process that holds the database open for writing."""

    def __init__(self, database: Path) -> None:
        self.writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "subprocess.Popen[str]":
        assert self.writer.stdout is not None
        assert self.writer.stdout.readline() == "locked\n"
        return self.writer

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + 20
        while self.writer.poll() is None and time.monotonic() < deadline:
            if self.writer.stdin is not None and not self.writer.stdin.closed:
                self.writer.stdin.close()
            time.sleep(0.01)
        if self.writer.stdout is not None:
            self.writer.stdout.close()
