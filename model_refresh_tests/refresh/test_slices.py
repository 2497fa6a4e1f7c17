"""Slices: what a person declares, what is found on validation rows, and what both come to."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from model_refresh.metrics import Holdout, Predicted, metric
from model_refresh.records import Clause, Slice
from model_refresh.refresh.slices import (
    Sides,
    compare_slices,
    declared_slices,
    excess_loss,
    mask_of,
    weak_slices,
)

ROWS = 4000
KNOWN_AT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def make_table(seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    country = rng.choice(["de", "fr", "it", "mt"], ROWS, p=[0.5, 0.3, 0.195, 0.005])
    age = rng.integers(18, 90, ROWS)
    blank = rng.random(ROWS) < 0.05
    return pl.DataFrame(
        {
            "country": country,
            "age": pl.Series(age)
            .to_frame("a")
            .select(pl.when(~pl.Series(blank)).then("a"))
            .to_series(),
            "noise": rng.normal(size=ROWS),
            "vip": rng.random(ROWS) < 0.3,
        }
    )


def make_sides(target: np.ndarray, new: np.ndarray, old: np.ndarray | None) -> Sides:
    holdout = Holdout(
        target=target,
        group=np.arange(len(target)),
        as_of=np.full(len(target), np.datetime64("2024-02-01", "us")),
    )
    return Sides(
        holdout, Predicted(new, KNOWN_AT), None if old is None else Predicted(old, KNOWN_AT)
    )


def test_declared_columns_are_cut_into_values_ranges_and_what_is_missing() -> None:
    table = make_table()
    labels = [part.label for part, _ in declared_slices(["country", "age", "vip"], table)]
    assert labels[:4] == ["country is de", "country is fr", "country is it", "the rest of country"]
    assert "age is missing" in labels
    assert sum("age" in label and "<" in label for label in labels) == 4
    assert {"vip is true", "vip is false"} <= set(labels)


def test_every_row_is_in_exactly_one_slice_of_a_column() -> None:
    table = make_table()
    for column in table.columns:
        covered = sum(inside.astype(int) for _, inside in declared_slices([column], table))
        assert np.array_equal(covered, np.ones(ROWS))


def test_a_column_of_many_names_is_pooled_beyond_the_most_frequent() -> None:
    table = pl.DataFrame({"shop": [f"s{i % 400}" for i in range(ROWS)]})
    assert [part.label for part, _ in declared_slices(["shop"], table)] == ["the rest of shop"]


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_weakness_is_found_and_named(seed: int) -> None:
    table = make_table(seed)
    rng = np.random.default_rng(1000 + seed)
    weak = (table["country"] == "it").to_numpy() & table["vip"].to_numpy()
    chance = np.full(ROWS, 0.3)
    target = (rng.random(ROWS) < np.where(weak, 0.8, chance)).astype(float)
    found = weak_slices(table, excess_loss("binary", target, chance), columns=table.columns, most=3)
    assert found[0].source == "discovered"
    assert sorted(clause.label for clause in found[0].clauses) == ["country is it", "vip is true"]
    assert np.array_equal(mask_of(found[0], table), weak)


def test_right_probabilities_leave_no_excess_however_hard_the_rows() -> None:
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.02, 0.98, 200_000)
    target = (rng.random(200_000) < chance).astype(float)
    excess = excess_loss("binary", target, chance)
    hard = np.abs(chance - 0.5) < 0.1
    assert excess[hard].mean() == pytest.approx(0.0, abs=0.01)
    assert excess.mean() == pytest.approx(0.0, abs=0.01)


def test_no_slice_is_found_when_none_is_asked_for_or_all_rows_are_alike() -> None:
    table, same = make_table(), np.zeros(ROWS)
    assert weak_slices(table, same, columns=table.columns, most=3) == ()
    excess = np.random.default_rng(0).normal(size=ROWS)
    assert weak_slices(table, excess, columns=table.columns, most=0) == ()


def test_slices_are_compared_on_their_own_rows_only() -> None:
    table = make_table()
    rng = np.random.default_rng(3)
    target = (rng.random(ROWS) < 0.4).astype(float)
    old = np.full(ROWS, 0.4)
    new = np.where(table["country"].to_numpy() == "fr", 0.9, 0.4)
    compared = compare_slices(
        declared_slices(["country"], table),
        make_sides(target, new, old),
        metric=metric("log_loss"),
        confidence=0.95,
    )
    gains = {each.slice.label: each.gain for each in compared}
    french = gains["country is fr"]
    assert french is not None
    assert french.upper < 0
    others = [gain for label, gain in gains.items() if label != "country is fr" and gain]
    assert all(gain.estimate == 0.0 for gain in others)
    assert sum(each.rows for each in compared) == ROWS


def test_a_slice_without_positives_has_a_value_and_no_bounds() -> None:
    table = pl.DataFrame({"country": ["de"] * 200 + ["fr"] * 200})
    target = np.array([0.0, 1.0] * 100 + [0.0] * 200)
    compared = compare_slices(
        declared_slices(["country"], table),
        make_sides(target, np.full(400, 0.3), np.full(400, 0.4)),
        metric=metric("log_loss"),
        confidence=0.95,
    )
    french = next(each for each in compared if each.slice.label == "country is fr")
    assert french.challenger == pytest.approx(-np.log(0.7))
    assert french.gain is not None
    assert np.isnan(french.gain.lower)


def test_without_an_incumbent_there_is_nothing_to_gain() -> None:
    table = make_table()
    sides = make_sides(np.arange(ROWS) % 2.0, np.full(ROWS, 0.5), None)
    compared = compare_slices(
        declared_slices(["vip"], table), sides, metric=metric("log_loss"), confidence=0.95
    )
    assert {(each.incumbent, each.gain) for each in compared} == {(None, None)}


@pytest.mark.parametrize(
    ("clause", "label"),
    [
        (Clause(column="a", values=("x", "y")), "a is x or y"),
        (Clause(column="a", low=3.0), "3 <= a"),
        (Clause(column="a", high=7.5), "a < 7.5"),
        (Clause(column="a", low=3.0, high=7.5), "3 <= a < 7.5"),
        (Clause(column="a"), "a is missing"),
    ],
)
def test_a_clause_reads_as_a_person_would_say_it(clause: Clause, label: str) -> None:
    assert Slice(source="declared", clauses=(clause,)).label == label


def test_a_column_may_be_named_like_what_is_counted() -> None:
    table = pl.DataFrame({"count": [1, 2] * 100})
    assert [part.label for part, _ in declared_slices(["count"], table)] == [
        "count is 1",
        "count is 2",
    ]
    assert weak_slices(table, np.arange(200.0), columns=["count"], most=3) is not None


def test_dates_are_cut_by_month_and_whole_numbers_have_no_point() -> None:
    days = pl.date_range(dt.date(2024, 1, 1), dt.date(2024, 3, 30), "1d", eager=True)
    table = pl.DataFrame({"day": pl.concat([days, days]), "seats": [2.0, 4.0] * 90})
    labels = [part.label for part, _ in declared_slices(["day", "seats"], table)]
    assert labels == [
        "day is 2024-01", "day is 2024-03", "day is 2024-02", "seats is 2", "seats is 4",
    ]  # fmt: skip
    whole = Clause(column="seats", values=("2",))
    assert mask_of(Slice(source="discovered", clauses=(whole,)), table).sum() == 90
