"""The audit of a batch: any row that should not be is named, and what may be passes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_refresh.errors import DataError
from model_refresh.records import Task
from model_refresh.serving.batch.audit import Columns, Expected, audit

ROWS = 250_000
KEY = ("shop", "customer")


def frame(rows: int = ROWS) -> pl.DataFrame:
    """A composite key, and a feature between its columns."""
    return pl.DataFrame(
        {
            "shop": [f"s{i % 7}" for i in range(rows)],
            "feature": np.arange(rows, dtype=np.float64),
            "customer": np.arange(rows),
        }
    )


def scored(rows: int = ROWS, *, challenger: bool = False) -> pl.DataFrame:
    scores = np.linspace(0, 1, rows)
    table = frame(rows).select(*KEY, pl.lit(scores).alias("score"))
    beside = pl.when(pl.col("customer") != 5).then(pl.lit(scores[::-1])).alias("challenger_score")
    return table.with_columns(beside) if challenger else table


def multiclass(rows: int = ROWS) -> pl.DataFrame:
    low = np.linspace(0, 0.5, rows)
    return (
        frame(rows)
        .select(*KEY, pl.lit(low).alias("score_a"), pl.lit(0.3 * (1 - low)).alias("score_b"))
        .with_columns((1 - pl.col("score_a") - pl.col("score_b")).alias("score_c"))
    )


def found(
    folder: Path, batch: pl.DataFrame, *scores: Columns, task: Task = "binary", rows: int = ROWS
) -> tuple[str, ...]:
    """What the audit notes of a batch; row groups are cut otherwise than the frame's."""
    pq.write_table(batch.to_arrow(), folder / "scores.parquet", row_group_size=70_000)
    pq.write_table(frame(rows).to_arrow(), folder / "rows.parquet", row_group_size=90_000)
    columns = scores or (Columns(("score",)),)
    expected = Expected(task, KEY, rows, columns)
    return audit(folder / "scores.parquet", folder / "rows.parquet", expected)


def changed(name: str, row: int, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """One value put into a column, at a row counted from 1."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        at = pl.int_range(pl.len()) == row - 1
        new = pl.when(at).then(pl.lit(value, table.schema[name])).otherwise(pl.col(name))
        return table.with_columns(new.alias(name))

    return change


def test_a_sound_batch_passes_without_a_note(tmp_path: Path) -> None:
    beside = Columns(("challenger_score",), may_be_null=True)
    assert found(tmp_path, scored()) == ()
    paired = scored(challenger=True).with_columns(pl.col("challenger_score").fill_null(0.5))
    assert found(tmp_path, paired, Columns(("score",)), beside) == ()
    classes = Columns(("score_a", "score_b", "score_c"))
    assert found(tmp_path, multiclass(), classes, task="multiclass") == ()
    assert found(tmp_path, scored(0), rows=0) == ()
    assert found(tmp_path, scored(1), rows=1) == ()


FAULTS = {
    "a null": (changed("score", 200_001, None), r"row 200001 with the key \('s3', 200000\) .*null"),
    "nan": (changed("score", 123_456, np.nan), "row 123456 .* null or not finite"),
    "infinity": (changed("score", 1, np.inf), "row 1 .* not finite"),
    "above 1": (changed("score", ROWS, 1.0000001), r"row 250000 .*not within \[0, 1\]"),
    "below 0": (changed("score", 99_999, -1e-9), r"row 99999 .*not within \[0, 1\]"),
    "a key twice": (
        changed("customer", 70_001, 3),
        r"row 70001 has the key .*3\), its frame .*70000",
    ),
    "a null key": (changed("shop", 90_000, None), "row 90000 has the key .None"),
    "another part of a key": (changed("shop", 2, "s9"), r"row 2 has the key \('s9', 1\)"),
    "another order": (lambda table: table.reverse(), "row 1 .* and 99999 more"),
    "a row less": (lambda table: table.head(ROWS - 1), "has 249999 rows; its frame 250000"),
    "a row more": (lambda table: table.vstack(table.head(1)), "has 250001 rows"),
    "two rows swapped": (
        lambda table: pl.concat([table[1:2], table[0:1], table[2:]]),
        "row 1 .* and 1 more",
    ),
    "no score": (lambda table: table.drop("score"), "the columns are"),
    "a column more": (lambda table: table.with_columns(x=1), "the columns are"),
    "columns in another order": (lambda table: table.select("score", *KEY), "the columns are"),
    "a single score": (lambda table: table.cast({"score": pl.Float32}), "'score' is float"),
    "another type of key": (
        lambda table: table.cast({"customer": pl.Int32}),
        "'customer' is Int32",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_row_is_named_with_row_and_key(tmp_path: Path, fault: str) -> None:
    change, says = FAULTS[fault]
    with pytest.raises(DataError, match=says) as caught:
        found(tmp_path, change(scored()))
    assert caught.value.check == "audit"


def test_shares_of_classes_that_are_not_1_in_all_are_named(tmp_path: Path) -> None:
    classes = Columns(("score_a", "score_b", "score_c"))
    for value, says in ((0.75, "not 1 in all"), (None, "null"), (1.5, "not within")):
        with pytest.raises(DataError, match=f"row 7 .*score_a, score_b, score_c = .*{says}"):
            found(tmp_path, changed("score_c", 7, value)(multiclass()), classes, task="multiclass")


def test_a_challenger_lacks_scores_only_where_its_rows_are_its_own(tmp_path: Path) -> None:
    table, champion = scored(challenger=True), Columns(("score",))
    with pytest.raises(DataError, match=r"row 6 .*challenger_score"):
        found(tmp_path, table, champion, Columns(("challenger_score",)))
    beside = Columns(("challenger_score",), may_be_null=True)
    with pytest.raises(DataError, match=r"row 8 .*challenger_score"):
        found(tmp_path, changed("challenger_score", 8, np.nan)(table), champion, beside)


def test_rows_that_a_challenger_does_not_score_are_counted(tmp_path: Path) -> None:
    champion, beside = Columns(("score",)), Columns(("challenger_score",), may_be_null=True)
    (note,) = found(tmp_path, scored(challenger=True), champion, beside)
    assert note.startswith("1 of 250,000 rows have no challenger_score")
    nobody = scored().with_columns(challenger_score=pl.lit(None, pl.Float64))
    (note,) = found(tmp_path, nobody, champion, beside)
    assert note.startswith("none of 250,000 rows has a challenger_score")


def test_a_number_that_is_predicted_may_be_any(tmp_path: Path) -> None:
    table = changed("score", 3, -1e300)(scored())
    assert found(tmp_path, table, task="regression") == ()


def test_one_score_for_all_rows_is_noted_where_the_version_is_no_constant(tmp_path: Path) -> None:
    table = scored().with_columns(score=0.25)
    assert found(tmp_path, table) == ("score is 0.25 in all 250,000 rows",)
    assert found(tmp_path, table, Columns(("score",), may_be_constant=True)) == ()


def test_the_frames_own_way_to_store_a_text_does_not_matter(tmp_path: Path) -> None:
    batch = scored(5).to_arrow()
    shop = batch.column("shop").cast(pa.string()).dictionary_encode()
    pq.write_table(batch.set_column(0, "shop", shop), tmp_path / "scores.parquet")
    pq.write_table(frame(5).to_arrow(), tmp_path / "rows.parquet")
    expected = Expected("binary", KEY, 5, (Columns(("score",)),))
    assert audit(tmp_path / "scores.parquet", tmp_path / "rows.parquet", expected) == ()
