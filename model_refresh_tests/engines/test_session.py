"""DuckDB's own sandbox, behind the reading of statements: each is enough without the other."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from model_refresh.engines.files import FileTables
from model_refresh.engines.session import Limits, Session, session
from model_refresh_tests.contracts.engines import SALES

VISIBLE_TO_PYTHON = SALES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    for name in ("sales", "secret"):
        pq.write_table(SALES, folder / f"{name}.parquet")
    with duckdb.connect(folder / "secret.duckdb") as connection:
        connection.execute("create table secret as select 1").fetchall()
    return folder


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Session]:
    tables = FileTables({"sales": (folder / "sales.parquet",)})
    with session(
        tables, Limits(256), spill=folder / "spill", target=folder / "draft.parquet"
    ) as each:
        yield each


@pytest.mark.parametrize(
    "sql",
    [
        "from '{folder}/secret.parquet'",
        "from read_parquet('{folder}/*.parquet')",
        "from read_parquet('{folder}/../*/secret.parquet')",
        "from read_parquet('{folder}/sales.parquet/../secret.parquet')",
        "from read_text('/etc/passwd')",
        "from read_blob('/proc/self/environ')",
        "from read_csv('/dev/stdin')",
        "from read_duckdb('{folder}/secret.duckdb')",
        "from glob('{folder}/*')",
        "from sniff_csv('/etc/passwd')",
        "from parquet_metadata('{folder}/secret.parquet')",
        "from 'https://example.org/x.csv'",
        "from VISIBLE_TO_PYTHON",
        "copy sales to '{folder}/stolen.csv'",
        "copy sales to '{folder}/draft.parquet/../stolen.parquet'",
        "copy (select 1) to '{folder}' (format parquet, partition_by (a))",
        "export database '{folder}/stolen'",
        "attach '{folder}/secret.duckdb'",
        "attach '{folder}/new.duckdb'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "reset memory_limit",
        "set lock_configuration = false",
        "set enable_external_access = true",
        "set allowed_paths = ['/etc/passwd']",
        "set temp_directory = '/tmp'",
        "set TimeZone = 'Pacific/Auckland'",
        "pragma enable_profiling",
        "select getenv('HOME')",
        "create persistent secret s (type http)",
    ],
)
def test_the_sandbox_holds_for_any_statement(opened: Session, folder: Path, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        opened.connection.execute(sql.format(folder=folder)).fetchall()
    assert not list(folder.glob("*stolen*")) + list(folder.glob("new*"))


def test_the_declared_table_and_the_draft_are_all_that_it_may_touch(
    opened: Session, folder: Path
) -> None:
    assert opened.tables == {"sales"}
    assert opened.connection.execute("select count(*) from sales").fetchall() == [(4,)]
    opened.connection.execute(f"copy sales to '{folder}/draft.parquet'").fetchall()
    assert pq.read_table(folder / "draft.parquet").num_rows == 4


def test_the_limits_hold_and_times_are_in_utc(opened: Session) -> None:
    names = ("memory_limit", "operator_memory_limit", "TimeZone", "preserve_insertion_order")
    settings = [
        opened.connection.execute("select current_setting($name)", {"name": name}).fetchall()[0][0]
        for name in names
    ]
    assert settings == ["256.0 MiB", "32.0 MiB", "UTC", True]
