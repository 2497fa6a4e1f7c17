import gzip
import json
import os
from pathlib import Path

import duckdb
import pytest

from model_refresh.engines import DuckDB, Query
from model_refresh.engines.files import ENDINGS, found_files
from model_refresh.errors import EngineError
from model_refresh_tests.contracts.engines import table

LINES = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


def write_declared(path: Path) -> None:
    """The lines in the format that the file's name says."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        with duckdb.connect() as connection:
            connection.sql("values (1, 'a'), (2, 'b')").project(
                "col0 as id, col1 as name"
            ).write_parquet(str(path))
        return
    text = {
        "csv": "id,name\n1,a\n2,b\n",
        "tsv": "id\tname\n1\ta\n2\tb\n",
        "json": json.dumps(LINES),
    }.get(name.rpartition(".")[2], "\n".join(json.dumps(line) for line in LINES))
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("stem", ["rows", "ro'ws [1] *?; --"])
def test_files_of_every_ending_are_read(tmp_path: Path, ending: str, stem: str) -> None:
    write_declared(tmp_path / f"{stem}{ending}")
    with DuckDB(tables={"t": f"{stem}{ending}"}).open(tmp_path) as engine:
        assert table(engine, "select id, name from t").to_pylist() == LINES


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for day in ("03", "01", "02"):
        (tmp_path / f"d{day}.csv").write_text(f"day\n{int(day)}\n")
    (tmp_path / "d.parquet").write_text("not one of them")
    with DuckDB(tables={"t": "d*.csv"}).open(tmp_path) as engine:
        assert table(engine, "from t")["day"].to_pylist() == [1, 2, 3]


def test_columns_of_several_files_are_matched_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("new,y,x\n5,4,3\n")
    with DuckDB(tables={"t": "*.csv"}).open(tmp_path) as engine:
        rows = table(engine, "select x, y, new from t").to_pylist()
    assert rows == [{"x": 1, "y": 2, "new": None}, {"x": 3, "y": 4, "new": 5}]


def test_a_link_is_read_by_its_own_name(tmp_path: Path) -> None:
    write_declared(tmp_path / "rows.csv")
    (tmp_path / "rows.csv").rename(tmp_path / "3f9a")
    (tmp_path / "rows.csv").symlink_to(tmp_path / "3f9a")
    with DuckDB(tables={"t": "rows.csv"}).open(tmp_path) as engine:
        assert table(engine, "from t").num_rows == 2


def test_files_outside_of_the_folder_are_reached_when_declared(tmp_path: Path) -> None:
    write_declared(tmp_path / "rows.csv")
    (tmp_path / "model").mkdir()
    declared = DuckDB(tables={"up": "../rows.csv", "absolute": str(tmp_path / "*.csv")})
    with declared.open(tmp_path / "model") as engine:
        assert table(engine, "from up union all from absolute").num_rows == 4


@pytest.mark.parametrize("declared", ["gone.parquet", "gone/*.csv"])
def test_a_missing_file_is_named_with_its_folder(tmp_path: Path, declared: str) -> None:
    with pytest.raises(EngineError) as missing:
        DuckDB(tables={"t": declared}).open(tmp_path)
    assert declared in str(missing.value)
    assert str(tmp_path) in str(missing.value)
    assert found_files(declared, tmp_path) == ()


def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("id,name\n")
    with (
        DuckDB(tables={"t": "rows.parquet"}).open(tmp_path) as engine,
        pytest.raises(EngineError, match=r"table 't' could not be read from .*rows\.parquet"),
    ):
        engine.batches(Query("from t", {}))


def test_only_declared_files_that_are_there_are_listed(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "other.txt", "shop.duckdb"):
        (tmp_path / name).touch()
    source = DuckDB(tables={"t": "*.csv", "u": "a.csv", "v": "none.csv"}, database="shop.duckdb")
    found = [path.name for path in source.files(tmp_path)]
    assert found == ["a.csv", "b.csv", "shop.duckdb"]


def test_files_are_found_from_wherever_the_process_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_declared(tmp_path / "rows.csv")
    monkeypatch.chdir(tmp_path.parent)
    with DuckDB(tables={"t": "rows.csv"}).open(Path(os.path.relpath(tmp_path))) as engine:
        monkeypatch.chdir("/")
        assert table(engine, "from t").num_rows == 2
