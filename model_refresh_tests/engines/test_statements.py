from unittest.mock import Mock

import duckdb
import pytest

from model_refresh.engines.statements import TABLE_FUNCTIONS, UNREPEATABLE, read_ahead, read_select
from model_refresh.errors import EngineError

# DuckDB calls these unstable too, but their answers don't differ between two runs of one query.
HARMLESS = {
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "error",
    "getvariable",
    "in_search_path",
    "stats",
    "vector_type",
}


def test_every_function_that_duckdb_calls_unstable_is_judged() -> None:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
        ).fetchall()
    assert {row[0] for row in rows} == UNREPEATABLE | HARMLESS | {"current_date"}


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (select * from t) from a join b using (k)",
        "from t select sum(x) group by all",
        "values (1)",
        "pivot t on k in (1, 2) using sum(x)",
        "unpivot t on a, b into name n value v",
        "with recursive r as (select 1 as a union all select a + 1 from r where a < 5) from r",
        "select * from t asof join u on t.at_ >= u.at_",
        "select row_number() over (partition by k order by x) from t qualify true",
        "select t.current_date, 'now()' from t",
        "select x from t union all select y from u",
        "select list_transform([1], lambda x: x + 1), {'now': 1}",
        "select " + " + ".join(["x"] * 900) + " from t",
    ],
)
def test_selects_of_many_forms_are_accepted(sql: str) -> None:
    assert read_select(sql, "q").parameters == frozenset()


def test_a_statement_tells_its_tables_and_not_its_ctes() -> None:
    sql = "with a as (select * from Sales) select * from a, b.people, range(3) where x in (from c)"
    assert read_select(sql, "q").tables == {"sales", "people", "c"}


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("select 1", "select 1"),
        ("-- a;\nselect 1 ; -- b; c", "select 1 "),
        ("select 1" + "; " * 100_000, "select 1"),
        ("select ';' -- x; y", "select ';' -- x; y"),
        ("select '; -- '", "select '; -- '"),
        ("select $$ a; -- $$ /* ; */;;", "select $$ a; -- $$ /* ; */"),
    ],
)
def test_only_what_stands_around_a_statement_is_cut_off(sql: str, kept: str) -> None:
    assert read_select(sql, "q").sql == kept


@pytest.mark.parametrize("name", sorted(UNREPEATABLE))
def test_unrepeatable_functions_are_refused_wherever_they_stand(name: str) -> None:
    sql = f"select * from t where x in (select max({name.upper()}()) over () from u)"
    with pytest.raises(EngineError, match=f"q:1:40 {name} differs at every run"):
        read_select(sql, "q")


@pytest.mark.parametrize("name", sorted(TABLE_FUNCTIONS))
def test_table_functions_that_read_only_their_arguments_are_accepted(name: str) -> None:
    assert read_select(f"select * from {name}(1, 2)", "q").tables == frozenset()


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 5_000 + "1" + ")" * 5_000,
        "select " + " + ".join(["x"] * 5_000),
        "select '\ud800'",
        "select 1 /*",
        "\x00",
        ";;;",
        "select $1",
    ],
    ids=["parentheses", "sum", "surrogate", "comment", "nul", "empty", "numbered"],
)
def test_hostile_text_is_refused_in_a_short_message(sql: str) -> None:
    with pytest.raises(EngineError, match=r"^q\b") as refusal:
        read_select(sql, "q")
    assert len(str(refusal.value)) < 1_000


def test_a_text_that_many_models_share_is_read_ahead_once_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sql = "SELECT shared FROM t WHERE day < $as_of"
    read_ahead([sql, sql])
    monkeypatch.setattr("model_refresh.engines.statements._rows", Mock(side_effect=AssertionError))
    for number in range(3):
        assert read_select(sql, f"model_{number}/features.sql").tables == {"t"}


def test_many_statements_read_ahead_say_what_each_says_alone() -> None:
    texts = [f"SELECT id, {n} AS n FROM t{n} WHERE seen < $as_of" for n in range(20)]
    wrong = ["SELECT random()", "SELEC", "SELECT * FROM read_csv('x')", "SELECT '\ud800'"]
    alone = [read_select.__wrapped__(text, "q") for text in texts]
    read_ahead([*texts, *wrong[:3]])
    assert [read_select.__wrapped__(text, "q") for text in texts] == alone
    read_ahead([*texts, *wrong])
    for text in wrong:
        with pytest.raises(EngineError):
            read_select(text, "q")
