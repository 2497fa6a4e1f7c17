"""Where an error stands in a query, as an editor counts lines and columns."""

import duckdb
import pytest

from model_refresh.engines.failures import query_error
from model_refresh.engines.places import place_of
from model_refresh.engines.protocol import Query
from model_refresh.engines.statements import read_select


@pytest.mark.parametrize(
    ("sql", "word", "place"),
    [
        ("select a, now()", "now", "1:11"),
        ("select 'now()', -- now()\n  NOW()", "now", "2:3"),
        ("select 'é€', /* now */\r\n  now()", "now", "2:3"),
        ("-- first\n\nselect $as_of,\n\t$As_Off", "as_off", "4:3"),
        ('select *\nfrom "Sales" join sales', "sales", "2:6"),
        ("select nowhere, now_at, now", "now", "1:25"),
        ("select 1", "now", "1:1"),
    ],
)
def test_a_name_stands_where_it_is_used_first(sql: str, word: str, place: str) -> None:
    assert place_of(word, sql) == place


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("select a\n  b c d", "2:5"),
        ("select a,\n  amont from (select 1 as a)", "2:3"),
        ("select 'é',\n 'ü' || amont from (select 1 as a)", "2:9"),
        (f"select {'a, ' * 100}amont, {'a, ' * 100}a from (select 1 as a)", "1:308"),
    ],
)
@pytest.mark.parametrize("wrap", ["{}", "copy (\n{}\n) to '/nowhere/x'"])
def test_what_duckdb_refuses_stands_where_its_marks_point(sql: str, place: str, wrap: str) -> None:
    with pytest.raises(duckdb.Error) as refusal:
        duckdb.connect().execute(wrap.format(sql))
    assert str(query_error(refusal.value, Query(sql, {}, "q.sql"))).startswith(f"q.sql:{place} ")


@pytest.mark.parametrize("lead", ["", "-- why\n", "-- é\n\n", "\n\n", "/* a\nb */ "])
def test_comments_before_a_statement_are_counted_and_move_nothing(lead: str) -> None:
    """DuckDB itself would tell a line or a column too far on by their length."""
    sql = f"{lead}select a,\n  amont\nfrom (select 1 as a) as one"
    with pytest.raises(duckdb.Error) as refusal:
        duckdb.connect().execute(read_select(sql, "q.sql").sql)
    place = f"{lead.count(chr(10)) + 2}:3"
    assert str(query_error(refusal.value, Query(sql, {}, "q.sql"))).startswith(f"q.sql:{place} ")
