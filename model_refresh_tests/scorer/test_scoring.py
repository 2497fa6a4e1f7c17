"""A formula at work: what it refuses by name, what it tells, and that any thread may ask."""

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from model_refresh.scorer.formula.errors import RefusedValue
from model_refresh.serving.folder.formula import formula_of
from model_refresh_tests.scorer.versions import (
    ENCODINGS,
    TASKS,
    as_sent,
    make_blend,
    make_table,
    make_version,
    strange_rows,
)


def test_a_category_that_was_not_learned_is_told_and_a_null_is_none() -> None:
    scoring = formula_of(make_version("binary", "linear")).ready()
    row = dict(as_sent(make_table(rows=1))[0])
    known = row | {"city": "Oslo", "level": 7, "region": 3, "flag": True}
    assert scoring.unknown(known) == []
    assert scoring.unknown(known | {"level": 7.0, "region": 3.0}) == []
    assert scoring.unknown(known | dict.fromkeys(["city", "level", "region", "flag"])) == []
    assert scoring.unknown(known | {"city": "oslo", "region": 12, "level": 0.3}) == [
        "level", "region", "city",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("spend", float("inf"), "infinite"),
        ("level", -float("inf"), "infinite"),
        ("visits", 10**400, "infinite"),
        ("spend", "12", "no number"),
        ("city", 12, "no text"),
        ("flag", 1, "no boolean"),
        ("born", "yesterday", "no ISO 8601"),
        ("born", 5, "no ISO 8601"),
        ("seen", "0001-01-01T00:00:00+09:00", "years 1 to 9999"),
    ],
)
def test_a_value_that_cannot_be_scored_is_named(field: str, value: object, told: str) -> None:
    scoring = formula_of(make_version("binary", "linear")).ready()
    row = dict(as_sent(make_table(rows=1))[0])
    for ask in (scoring.score, scoring.reasons):
        with pytest.raises(RefusedValue, match=f"^{field}: .*{told}") as refused:
            ask(row | {field: value})
        assert refused.value.field == field
    with pytest.raises(RefusedValue, match=f"^{field}: is missing"):
        scoring.score({name: each for name, each in row.items() if name != field})


def test_an_unused_input_may_be_left_out_and_changes_nothing() -> None:
    version = make_version("binary", "linear", encoding=ENCODINGS["both"])
    scoring = formula_of(version).ready()
    row = dict(as_sent(make_table(rows=1))[0])
    score = scoring.score(row)
    assert scoring.score(row | {"same": 17.0}) == score
    del row["same"]
    assert scoring.score(row) == score


def test_without_the_compiled_kernel_scores_are_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = as_sent(pl.concat([make_table(rows=60, seed=3), strange_rows()]))
    for task in TASKS:
        formula = formula_of(make_blend(task))
        with monkeypatch.context() as patched:
            patched.setattr("model_refresh.scorer.formula.tree_sums.compiled", lambda trees: None)
            plain = [formula.ready().score(row) for row in rows]
        scoring = formula.ready()
        assert [scoring.score(row) for row in rows] == plain


def test_threads_share_a_formula_and_get_what_one_alone_gets() -> None:
    rows = as_sent(make_table(rows=100, seed=3)) * 5
    scoring = formula_of(make_blend("binary")).ready()
    alone = [scoring.score(row) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(scoring.score, rows)) == alone
