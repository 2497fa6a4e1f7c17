"""A table of a real PostgreSQL as a sink."""

import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql
from ruamel.yaml import YAML

from model_refresh.errors import SinkError, SinkUnreachable
from model_refresh.sinks import PostgreSQLTable, Sink
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.contracts.sinks import SinkContract
from model_refresh_tests.faults.world import command, problems
from model_refresh_tests.faults.world import run as run_command
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.sinks.batches import batch, partition, stored
from model_refresh_tests.sinks.postgres import PASSWORD, Server, free_port


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The url of a database of a test's own."""
    name = f"t{time.monotonic_ns()}"
    with server.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield server.url(database=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def table_of(url: str, name: str = "scores") -> pl.DataFrame:
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET DateStyle = 'ISO'")
        cursor = connection.execute(f"SELECT * FROM {name}")
        names = [column.name for column in cursor.description or ()]
        rows = pl.DataFrame(cursor.fetchall(), names, orient="row", infer_schema_length=None)
    return rows.with_columns(
        pl.col("as_of").cast(pl.Datetime("us", "UTC")).dt.replace_time_zone(None)
    )


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def deliver(url: str, folder: Path, table: str = "scores", **options: float) -> str:
    sink = PostgreSQLTable(url=url, table=table, **options)
    return sink.deliver(stored(folder, batch(3)), partition(3), folder)


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, database: str) -> Sink:
        return PostgreSQLTable(url=database, table="scores")

    def read(self, sink: Sink, folder: Path) -> pl.DataFrame:
        assert isinstance(sink, PostgreSQLTable)
        return table_of(sink.url)

    def settled(self, sink: Sink, folder: Path) -> pl.DataFrame:
        assert isinstance(sink, PostgreSQLTable)
        with psycopg.connect(sink.url) as connection:
            for _ in range(200):
                others = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchone()
                if others == (0,):
                    break
                time.sleep(0.05)
            rows = connection.execute("SELECT model, entry FROM scores").fetchall()
        return pl.DataFrame(rows, ["model", "entry"], orient="row")


MADE = (
    "CREATE TABLE scores (model text, as_of timestamptz, customer_id {key}, score float8, "
    "challenger_score float8, champion text, entry bigint, batch text{more})"
)


@pytest.mark.parametrize(
    "more", ["", ", loaded_at timestamptz NOT NULL DEFAULT now()", ", n serial", ", note text"]
)
@pytest.mark.parametrize("key", ["bigint", "integer"])
def test_a_table_of_these_columns_is_filled_and_others_keep_their_defaults(
    database: str, tmp_path: Path, key: str, more: str
) -> None:
    run(database, MADE.format(key=key, more=more))
    deliver(database, tmp_path)
    rows = table_of(database)
    assert rows["customer_id"].to_list() == [0, 1, 2]
    if "DEFAULT" in more:
        assert rows["loaded_at"].null_count() == 0


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (MADE.format(key="text", more=""), "has 'customer_id' as text, where bigint or integer"),
        (MADE.format(key="int8", more=", n int NOT NULL"), "demands a value for 'n'"),
        ("CREATE TABLE scores (model text, score real)", "'score' as real, where double precision"),
        ("CREATE TABLE scores (model text, score real)", "lacks the column 'customer_id'"),
    ],
)
def test_a_table_of_other_columns_is_refused_and_stays_as_it_is(
    database: str, tmp_path: Path, made: str, says: str
) -> None:
    run(database, made)
    sink = PostgreSQLTable(url=database, table="scores")
    with pytest.raises(SinkError, match=says):
        sink.examine(batch(3).schema, ("customer_id",), tmp_path)
    with pytest.raises(SinkError, match=says):
        deliver(database, tmp_path)
    assert count(database) == 0


def count(url: str, table: str = "scores") -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found is not None
    return int(found[0])


def test_readers_see_the_old_rows_until_the_new_ones_are_there(
    database: str, tmp_path: Path
) -> None:
    deliver(database, tmp_path)
    many = 200_000
    path = stored(tmp_path, batch(many), "many.parquet")
    sink, seen = PostgreSQLTable(url=database, table="scores"), set()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database, autocommit=True) as reader:
        delivering = pool.submit(sink.deliver, path, partition(many, entry=2), tmp_path)
        while not delivering.done():
            found = reader.execute("SELECT count(*), count(DISTINCT entry) FROM scores").fetchone()
            seen.add(found)
        delivering.result()
        seen.add(reader.execute("SELECT count(*), count(DISTINCT entry) FROM scores").fetchone())
    assert seen == {(3, 1), (many, 1)}


def test_other_partitions_are_delivered_while_one_waits(database: str, tmp_path: Path) -> None:
    deliver(database, tmp_path)
    sink, path = PostgreSQLTable(url=database, table="scores"), stored(tmp_path, batch(3))
    with psycopg.connect(database) as holder:
        holder.execute("SELECT * FROM scores WHERE model = 'churn' FOR UPDATE")
        sink.deliver(path, partition(3, model="value"), tmp_path)
        with pytest.raises(SinkUnreachable, match="timeout_seconds") as caught:
            deliver(database, tmp_path, timeout_seconds=1)
        assert caught.value.transient
    deliver(database, tmp_path)


def test_one_table_is_one_however_it_is_declared(database: str, tmp_path: Path) -> None:
    many, names = 50_000, ["scores", "public.scores"] * 2
    path = stored(tmp_path, batch(many))

    def do(name: str) -> str:
        sink = PostgreSQLTable(url=database, table=name)
        return sink.deliver(path, partition(many), tmp_path)

    with ThreadPoolExecutor(len(names)) as pool:
        assert len(set(pool.map(do, names))) == 1
    assert count(database) == many


def test_a_table_that_another_makes_at_once_is_taken_as_it_is(
    database: str, tmp_path: Path
) -> None:
    with psycopg.connect(database) as other, ThreadPoolExecutor(1) as pool:
        other.execute(MADE.format(key="bigint", more=""))
        delivering = pool.submit(deliver, database, tmp_path)
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with psycopg.connect(database, autocommit=True) as watcher:
            while watcher.execute(waits).fetchone() == (0,) and not delivering.done():
                time.sleep(0.01)
        other.commit()
        delivering.result()
    assert count(database) == 3


def test_a_name_that_a_type_has_is_refused(database: str, tmp_path: Path) -> None:
    run(database, "CREATE TYPE scores AS ENUM ('a')")
    with pytest.raises(SinkError, match=r"public\.scores can't be made") as caught:
        deliver(database, tmp_path)
    assert not caught.value.transient


def test_a_schema_is_named_with_a_dot_and_must_be_there(database: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="crm"):
        deliver(database, tmp_path, "crm.scores")
    run(database, "CREATE SCHEMA crm")
    assert deliver(database, tmp_path, "crm.scores").endswith(", table crm.scores")
    assert count(database, "crm.scores") == 3


def test_only_the_rights_that_the_how_to_names_are_needed(
    server: Server, database: str, tmp_path: Path
) -> None:
    deliver(database, tmp_path)
    user = f"u{time.monotonic_ns()}"
    run(
        database,
        f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'",
        f"GRANT SELECT ON scores TO {user}",
    )
    theirs = server.url(user=user, database=database.rpartition("/")[2])
    with pytest.raises(SinkError, match="permission denied") as caught:
        deliver(theirs, tmp_path)
    assert not caught.value.transient
    assert count(database) == 3
    run(database, f"GRANT INSERT, DELETE ON scores TO {user}")
    deliver(theirs, tmp_path)
    with pytest.raises(SinkError, match="permission denied"):
        deliver(theirs, tmp_path, "others")
    run(database, f"DROP OWNED BY {user}", f"DROP ROLE {user}")


def test_what_is_wrong_with_a_connection_tells_no_secret_and_whether_to_try_again(
    server: Server, tmp_path: Path
) -> None:
    wrong = "wr0ng-s3cr3t"
    refused = [
        server.url(password=wrong),
        server.url(user="nobody", password=wrong),
        server.url(database="nowhere"),
        f"postgresql://{wrong}:x@[bad",
        f"postgresql://x@127.0.0.1:{server.port}/postgres?nosuch={wrong}",
    ]
    unreachable = [
        server.url(password=wrong).replace(str(server.port), str(free_port())),
        f"postgresql://u:{wrong}@no-such-host.invalid/db",
    ]
    for transient, urls in ((False, refused), (True, unreachable)):
        for url in urls:
            with pytest.raises(SinkError) as caught:
                deliver(url, tmp_path)
            told = "".join(traceback.format_exception(caught.value))
            assert caught.value.transient is transient, told
            assert wrong not in told
            assert PASSWORD not in told


def test_a_value_that_postgresql_has_not_undoes_the_whole_delivery(
    database: str, tmp_path: Path
) -> None:
    fine = pa.table({"key": ["a", "b"], "score": [0.1, 0.2]})
    sink = PostgreSQLTable(url=database, table="scores")
    sink.deliver(stored(tmp_path, fine), partition(2, key=["key"]), tmp_path)
    bad = pa.table({"key": ["a", "b\0c"], "score": [0.3, 0.4]})
    with pytest.raises(SinkError, match="0x00") as caught:
        sink.deliver(stored(tmp_path, bad), partition(2, key=["key"], entry=2), tmp_path)
    assert not caught.value.transient
    assert table_of(database)["entry"].to_list() == [1, 1]


def test_digits_that_postgresql_would_cut_are_refused(database: str, tmp_path: Path) -> None:
    sink = PostgreSQLTable(url=database, table="scores")
    for nanoseconds, fits in ((1_000, True), (1_001, False)):
        key = pa.array([nanoseconds], pa.timestamp("ns"))
        path = stored(tmp_path, pa.table({"key": key, "score": [0.5]}))
        if fits:
            sink.deliver(path, partition(1, key=["key"]), tmp_path)
        else:
            with pytest.raises(SinkError, match="would lose data"):
                sink.deliver(path, partition(1, key=["key"]), tmp_path)


def test_a_name_that_postgresql_would_cut_is_refused(database: str, tmp_path: Path) -> None:
    table = pa.table({"k" * 64: [1], "score": [0.5]})
    with pytest.raises(SinkError, match="more than 63 bytes"):
        deliver_table(database, tmp_path, table)


def deliver_table(url: str, folder: Path, table: pa.Table) -> str:
    where = partition(table.num_rows, key=[table.column_names[0]])
    return PostgreSQLTable(url=url, table="scores").deliver(stored(folder, table), where, folder)


def test_a_server_that_ends_in_the_middle_is_worth_another_try(
    database: str, tmp_path: Path
) -> None:
    deliver(database, tmp_path)
    many = 300_000
    path = stored(tmp_path, batch(many), "many.parquet")
    sink = PostgreSQLTable(url=database, table="scores")
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY %' "
        "AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database, autocommit=True) as other:
        delivering = pool.submit(sink.deliver, path, partition(many, entry=2), tmp_path)
        while not delivering.done() and not other.execute(end).fetchall():
            time.sleep(0.001)
        with pytest.raises(SinkUnreachable):
            delivering.result()
    assert table_of(database)["entry"].to_list() == [1, 1, 1]
    sink.deliver(path, partition(many, entry=2), tmp_path)
    assert count(database) == many


def test_a_sink_without_its_library_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("model_refresh.sinks.postgresql.find_spec", lambda name: None)
    with pytest.raises(SinkError, match=r"pip install 'model_refresh\[postgresql\]'"):
        deliver("postgresql://localhost/x", tmp_path)


def test_a_models_batch_arrives_and_its_url_is_nowhere_to_be_read(
    lab: Lab, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = {"sink": "postgresql", "url": "${SCORES_URL}", "table": "scores"}
    declared = {**YAML(typ="safe").load(lab.folder / "model.yaml"), "scores": {"sink": sink}}
    YAML().dump(declared, lab.folder / "model.yaml")
    seen, score = [], ["score", NAME, "--as-of", stamp(lab.day(FIRST))]
    check = ["check", NAME, "--data"]
    for url, code in ((database.replace(PASSWORD, f"{PASSWORD}x"), 1), (database, 0)):
        monkeypatch.setenv("SCORES_URL", url)
        for words in (score, ["show", NAME], [*check, "--as-of", score[-1]]):
            typed = command(lab, *words)
            if words[0] == "show":
                typed = typed[: typed.index("--home")]
            ended = run_command([sys.executable, *typed])
            seen += [ended.stdout, ended.stderr]
            assert ended.returncode == (0 if words[0] == "show" else code), seen[-1]
    assert "${SCORES_URL}" in seen[2]
    assert "takes these batches" in " ".join(seen[-2].split())
    assert count(database) == 300
    (line,) = lab.store.deliveries(lab.day(FIRST)).lines()
    assert line.record.place.endswith(", table public.scores")
    stored_text = b"".join(path.read_bytes() for path in lab.home.rglob("*") if path.is_file())
    assert PASSWORD not in "".join(seen)
    assert PASSWORD.encode() not in stored_text
    assert problems(lab) == []
