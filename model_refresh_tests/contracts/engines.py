"""What every engine must do; a subclass in the engines' tests opens its own over the same rows."""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_refresh.engines import Engine, Query, Value
from model_refresh.errors import EngineError, StoreError

NAME = "fleet/shop/features.sql"
MIDNIGHT = dt.datetime.fromisoformat("1998-03-02")
SALES = pa.table(
    {
        "customer": ["a", "b", "a", "c"],
        "sold_at": [
            MIDNIGHT - dt.timedelta(days=1),
            MIDNIGHT,
            MIDNIGHT,
            MIDNIGHT + dt.timedelta(1),
        ],
        "amount": [1.5, 2.0, None, 4.0],
    }
)
ZONES = [dt.UTC, dt.timezone(dt.timedelta(hours=13)), dt.timezone(dt.timedelta(hours=-8))]

few = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
values = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(-(2**126), 2**126),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
)
instants = st.datetimes(
    MIDNIGHT.replace(year=1900), MIDNIGHT.replace(year=2200), timezones=st.sampled_from(ZONES)
)
INJECTIONS = [
    "'; DROP TABLE sales; --",
    "') TO '/tmp/stolen.csv'; --",
    "' OR '1'='1",
    "$as_of",
    "\\'; ATTACH '/etc/passwd'; --",
    "x\x00y",
    "*/ select 1 /*",
    "ünïcode \u2018quotes\u2019 \u202e",
]
REFUSED = {
    "": "0 statements",
    "select 1; select 2": "2 statements",
    "create table t as select 1": "CREATE",
    "insert into sales values ('x', now(), 1)": "INSERT",
    "update sales set amount = 0": "UPDATE",
    "delete from sales": "DELETE",
    "drop table sales": "DROP",
    "copy sales to 'stolen.csv'": "COPY",
    "attach 'other.db'": "ATTACH",
    "install httpfs": "LOAD",
    "load httpfs": "LOAD",
    "set memory_limit = '100GB'": "SET",
    "pragma database_list": "PRAGMA",
    "explain select 1": "EXPLAIN",
    "describe sales": "DESCRIBE",
    "with gone as (delete from sales returning *) select * from gone": "DELETE",
    "with new as (insert into sales values ('x', null, 1) returning *) select * from new": "INSERT",
    "select * from '/etc/passwd'": "/etc/passwd",
    "select * from read_text('/etc/passwd')": "read_text",
    "select * from read_csv('/etc/passwd')": "read_csv",
    "select * from glob('/**')": "glob",
    "select * from query('select 1')": "query",
    "select getenv('HOME')": "getenv",
    "select * from (select * from parquet_scan('x.parquet'))": "parquet_scan",
    "select * from duckdb_settings()": "duckdb_settings",
    "select * from information_schema.tables": "tables",
    "select selekt from": "syntax error",
    "select now()": "now",
    "select current_date": "current_date",
    "select random() from sales": "random",
    "select * from sales using sample 1": "sample",
    "pivot sales on customer using sum(amount)": "PIVOT",
    "select ?": "$as_of",
}


class EngineContract:
    """Subclasses say how to `open` their engine over tables."""

    def open(self, folder: Path, tables: Mapping[str, pa.Table]) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        folder = tmp_path / "model"
        folder.mkdir()
        with self.open(folder, {"sales": SALES}) as engine:
            yield engine

    def test_batches_hold_the_rows_in_order(self, engine: Engine) -> None:
        rows = table(engine, "select customer, amount from sales")
        assert rows.to_pydict() == {
            "customer": ["a", "b", "a", "c"],
            "amount": [1.5, 2.0, None, 4.0],
        }

    def test_a_result_without_rows_still_has_columns(self, engine: Engine, tmp_path: Path) -> None:
        query = Query("select customer, amount from sales where false", {}, NAME)
        batches = list(engine.batches(query))
        engine.write(query, tmp_path / "rows.parquet")
        assert [batch.num_rows for batch in batches] == [0]
        assert batches[0].schema.names == ["customer", "amount"]
        assert pq.read_table(tmp_path / "rows.parquet").schema.names == ["customer", "amount"]

    def test_a_written_file_holds_what_batches_give(self, engine: Engine, tmp_path: Path) -> None:
        query = Query("select *, amount * 2 as twice from sales order by amount", {}, NAME)
        engine.write(query, tmp_path / "rows.parquet")
        given_rows = pl.DataFrame(pa.Table.from_batches(engine.batches(query)))
        assert pl.read_parquet(tmp_path / "rows.parquet").equals(given_rows)
        assert compressions(tmp_path / "rows.parquet") == {"ZSTD"}

    def test_the_same_rows_are_the_same_bytes(self, engine: Engine, tmp_path: Path) -> None:
        query = Query("select range as n, hash(range) as h from range(300_000)", {}, NAME)
        for name in ("first", "second"):
            engine.write(query, tmp_path / name)
        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
        numbers = pq.read_table(tmp_path / "first")["n"].to_pylist()
        assert numbers == list(range(300_000))

    def test_it_names_the_parameters_that_a_statement_uses(self, engine: Engine) -> None:
        sql = "select $as_of, $NEXT from sales where sold_at < $as_of -- and $not_this"
        assert engine.parameters(sql, NAME) == {"as_of", "next"}
        assert engine.parameters("select 1", NAME) == frozenset()

    def test_only_the_parameters_that_are_named_are_bound(self, engine: Engine) -> None:
        rows = table(engine, "select $as_of as t", as_of=MIDNIGHT, next=MIDNIGHT, until="x")
        assert rows.to_pydict() == {"t": [MIDNIGHT]}

    @pytest.mark.parametrize("end", [";", "; -- done", " -- no newline", "\n\n;\n", " /* ; */"])
    def test_a_statement_may_end_as_people_end_statements(
        self, engine: Engine, tmp_path: Path, end: str
    ) -> None:
        query = Query(f"-- features\nselect count(*) as n from sales{end}", {}, NAME)
        engine.write(query, tmp_path / "rows.parquet")
        assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [{"n": 4}]
        assert table(engine, query.sql).to_pylist() == [{"n": 4}]

    def test_a_parameter_without_a_value_lists_those_that_have_one(self, engine: Engine) -> None:
        with pytest.raises(
            EngineError, match=r"features\.sql:1:9 \$as_off .* 'as_of'.*\$as_of, \$n"
        ):
            table(engine, "select $as_off", as_of=MIDNIGHT, next=MIDNIGHT)

    @pytest.mark.parametrize("zone", ZONES, ids=str)
    def test_a_row_at_midnight_falls_on_the_same_side_in_every_zone(
        self, engine: Engine, zone: dt.tzinfo
    ) -> None:
        instant = MIDNIGHT.replace(tzinfo=dt.UTC).astimezone(zone)
        sql = "select customer, typeof($as_of) as type from sales where sold_at < $as_of"
        rows = table(engine, sql, as_of=instant)
        assert rows.to_pydict() == {"customer": ["a"], "type": ["TIMESTAMP"]}

    @few
    @given(instant=instants)
    def test_an_aware_instant_arrives_as_naive_utc(
        self, engine: Engine, instant: dt.datetime
    ) -> None:
        rows = table(engine, "select $as_of as t", as_of=instant)
        assert rows["t"].to_pylist() == [instant.astimezone(dt.UTC).replace(tzinfo=None)]

    @few
    @given(value=values)
    def test_a_value_comes_back_as_it_was_given(self, engine: Engine, value: Value) -> None:
        assert table(engine, "select $v as v", v=value)["v"].to_pylist() == [value]

    @pytest.mark.parametrize("text", INJECTIONS)
    def test_a_hostile_value_stays_a_value(self, engine: Engine, tmp_path: Path, text: str) -> None:
        query = Query("select $v as v, count(*) as n from sales", {"v": text}, NAME)
        engine.write(query, tmp_path / "rows.parquet")
        assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [{"v": text, "n": 4}]
        assert table(engine, "select customer from sales where customer = $v", v=text).num_rows == 0

    @pytest.mark.parametrize("value", [None, b"bytes", dt.timedelta(1), 2**130, [1]])
    def test_a_value_of_another_type_is_refused_by_name(self, engine: Engine, value: Value) -> None:
        with pytest.raises(EngineError, match=r"features\.sql: \$v "):
            table(engine, "select $v", v=value)

    @pytest.mark.parametrize(("sql", "reason"), REFUSED.items())
    def test_what_is_not_one_repeatable_select_is_refused(
        self, engine: Engine, tmp_path: Path, sql: str, reason: str
    ) -> None:
        with pytest.raises(EngineError) as refusal:
            engine.write(Query(sql, {"as_of": MIDNIGHT}, NAME), tmp_path / "rows.parquet")
        assert str(refusal.value).startswith(NAME)
        assert reason in str(refusal.value)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]

    def test_a_missing_column_says_the_line_and_what_is_near(self, engine: Engine) -> None:
        with pytest.raises(EngineError, match=r"features\.sql:2:3 .*\"amont\".*\"amount\""):
            table(engine, "select customer,\n  amont\nfrom sales")

    def test_a_missing_table_lists_the_declared(self, engine: Engine) -> None:
        with pytest.raises(
            EngineError, match=r":1:15 table 'saless'.*did you mean 'sales'.*declared: sales"
        ):
            table(engine, "select * from saless")

    @pytest.mark.parametrize(
        "columns",
        ['1 as a, 2 as "A"', "1 as a, 2 as a", '1 as "é", 2 as "e\u0301"', '1 as a, 2 as " a"'],
    )
    def test_columns_that_differ_in_form_only_are_refused(
        self, engine: Engine, columns: str
    ) -> None:
        with pytest.raises(EngineError, match="the same name once"):
            table(engine, f"select {columns}")

    @pytest.mark.parametrize(
        "name", ["größe €", 'a "quoted" name', "semi;colon'--", "x" * 100_000, " ", "a.b", "列"]
    )
    def test_odd_column_names_pass_through(self, engine: Engine, tmp_path: Path, name: str) -> None:
        quoted = '"' + name.replace('"', '""') + '"'
        query = Query(f"select 1 as {quoted}, 2 as b", {}, NAME)
        engine.write(query, tmp_path / "rows.parquet")
        assert table(engine, query.sql).schema.names == [name, "b"]
        assert pq.read_schema(tmp_path / "rows.parquet").names == [name, "b"]

    @few
    @given(name=st.text(min_size=1))
    def test_any_text_is_a_column_name_or_is_refused(self, engine: Engine, name: str) -> None:
        quoted = '"' + name.replace('"', '""') + '"'
        normal = unicodedata.normalize("NFKC", name).strip().casefold()
        try:
            rows = table(engine, f"select 1 as {quoted}, 2 as b")
        except EngineError:
            assert normal == "b" or "\0" in name
        else:
            assert rows.schema.names == [name, "b"]

    def test_a_file_is_never_overwritten(self, engine: Engine, tmp_path: Path) -> None:
        path = tmp_path / "rows.parquet"
        path.write_text("kept")
        with pytest.raises(StoreError, match=r"rows\.parquet exists already"):
            engine.write(Query("select 1 as a", {}, NAME), path)
        assert path.read_text() == "kept"

    def test_a_query_that_fails_half_way_leaves_nothing(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        sql = "select case when range = 900_000\n then cast('x' || range as int) end\nfrom range(1_000_000)"
        with pytest.raises(EngineError, match=r"features\.sql:2:7 .*x900000"):
            engine.write(Query(sql, {}, NAME), tmp_path / "rows.parquet")
        with pytest.raises(EngineError, match=r"features\.sql:2:7 .*x900000"):
            table(engine, sql)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]

    def test_two_results_can_be_read_at_once(self, engine: Engine) -> None:
        one = engine.batches(Query("select customer from sales", {}, NAME))
        two = engine.batches(Query("select amount from sales", {}, NAME))
        assert next(one).num_rows == next(two).num_rows == 4

    def test_a_closed_engine_answers_nothing(self, engine: Engine) -> None:
        unread = engine.batches(Query("select range from range(10_000_000)", {}, NAME))
        next(unread)
        engine.close()
        with pytest.raises(EngineError):
            list(unread)
        with pytest.raises(EngineError, match="closed"):
            table(engine, "select 1")


def table(engine: Engine, sql: str, **parameters: Value) -> pa.Table:
    """The whole result of a query."""
    return pa.Table.from_batches(engine.batches(Query(sql, parameters, NAME)))


def compressions(path: Path) -> set[str]:
    """The codecs of a Parquet file's column chunks."""
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return {group.column(i).compression for group in groups for i in range(group.num_columns)}
