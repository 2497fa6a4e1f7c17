"""A source that changes under a model stops the refresh before anything learns from it."""

import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.errors import DataError
from model_refresh.refresh.dataset import build_dataset
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.faults.world import (
    STAR,
    champions,
    command,
    problems,
    recorded,
    run,
    with_sql,
)
from model_refresh_tests.lab import NAME, Lab, copy_lab, make_lab


@pytest.fixture(scope="module")
def starred(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab whose query takes what columns there are, refreshed once."""
    lab = with_sql(make_lab(tmp_path_factory.mktemp("starred")), STAR)
    lab.damage(lab.rows().with_columns(pl.col("visited").alias("visits_before")))
    lab.refresh(FIRST)
    return lab


def rename_column(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.rename({"spend": "spends"})


def drop_column(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop("spend")


def change_type(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("spend").cast(pl.String))


def change_key_type(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("customer_id").cast(pl.String))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (rename_column, r"column 'spend' is gone \(did you mean 'spends'\?\)"),
        (drop_column, "column 'spend' is gone"),
        (change_type, "column 'spend' was number and is text"),
        (change_key_type, "column 'customer_id' was integer and is text"),
    ],
)
def test_a_source_that_changed_its_columns_stops_a_refresh_before_training(
    starred: Lab, tmp_path: Path, damage: Callable[[pl.DataFrame], pl.DataFrame], said: str
) -> None:
    lab = copy_lab(starred, tmp_path)
    whole = lab.rows()
    before = champions(lab)
    lab.damage(damage(whole))
    with pytest.raises(DataError, match=said):
        lab.refresh(SECOND)
    assert recorded(lab, SECOND) == []
    assert champions(lab) == before
    lab.damage(whole)
    build_dataset(lab.model, lab.store, lab.day(SECOND))
    assert problems(lab) == []


def widen(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("visits_before").cast(pl.Float64))


def add_column(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit("web").alias("channel"))


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        (widen, "'visits_before' widened from integer to number"),
        (add_column, "new column channel is not used as a feature"),
    ],
)
def test_a_column_that_widens_or_is_new_is_noted_and_the_refresh_goes_on(
    starred: Lab, tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], noted: str
) -> None:
    lab = copy_lab(starred, tmp_path)
    lab.damage(change(lab.rows()))
    lab.refresh(SECOND)
    dataset = lab.store.datasets(lab.day(SECOND)).lines()[-1].record
    (schema,) = [check for check in dataset.checks if check.name == "schema"]
    assert (schema.outcome, noted in schema.sentence) == ("noted", True)
    assert "channel" not in [column.name for column in dataset.features]
    scores = pipeline.score(lab.model, lab.store, lab.day(SECOND))
    assert scores is not None
    assert scores.record.rows == 300


def test_a_source_without_rows_refreshes_nothing_and_its_batch_is_flagged_as_empty(
    lab: Lab,
) -> None:
    before = champions(lab)
    lab.damage(lab.rows().filter(pl.lit(value=False)))
    with pytest.raises(DataError, match=r"frame of 2024-01-27: 0 rows"):
        lab.refresh(SECOND + 1)
    assert recorded(lab, SECOND + 1) == []
    assert champions(lab) == before
    ended = run([sys.executable, *command(lab, "score", NAME, "--as-of", "2024-01-27")])
    assert ended.returncode == 0
    assert "0 rows scored" in ended.stdout
    assert "(the frame is empty)" in ended.stdout
    assert problems(lab) == []


@pytest.mark.parametrize("empty", [FIRST - 1, FIRST - 4], ids=["holdout", "training"])
def test_a_day_without_rows_among_those_that_are_learned_from_stops(fresh: Lab, empty: int) -> None:
    gap = f"WHERE $as_of <> '{stamp(fresh.day(empty))}' AND day"
    lab = with_sql(fresh, (fresh.folder / "features.sql").read_text().replace("WHERE day", gap))
    with pytest.raises(DataError, match=f"labels of {stamp(lab.day(empty))}: 0 rows have a label"):
        lab.refresh(FIRST)
    assert recorded(lab, FIRST) == []


@pytest.mark.parametrize(
    ("number", "value"), [(FIRST - 1, 0), (FIRST - 1, 1), (FIRST - 2, 0), (FIRST - 3, 1)]
)
def test_a_frame_of_which_all_labels_are_alike_is_not_judged_or_learned_from(
    fresh: Lab, number: int, value: int
) -> None:
    alike = pl.col("day") == fresh.day(number).date()
    fresh.damage(
        fresh.rows().with_columns(
            pl.when(alike).then(value).otherwise("visited").cast(pl.Int64).alias("visited")
        )
    )
    with pytest.raises(DataError, match=r"label mean [01] against|labels is [01]"):
        fresh.again({"checks.label_level_factor": 2}).refresh(FIRST)
    assert recorded(fresh, FIRST) == []
