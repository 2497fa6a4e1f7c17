import datetime as dt
import math
from collections.abc import Mapping

import polars as pl
import pytest

from model_refresh.features import Dropped, Encoder
from model_refresh.records import ColumnType
from model_refresh.records.encoding import Encoding
from model_refresh_tests.features.factories import make_columns

BOTH = Encoding(drop_constant=True, drop_duplicate=True)


def fit(
    data: Mapping[str, object], encoding: Encoding = BOTH, **types: ColumnType
) -> tuple[Encoder, pl.DataFrame]:
    rows = pl.DataFrame(data)
    return Encoder.fit(rows, make_columns(**types), [], encoding), rows


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", [1.5, 1.5]), ("integer", [None, None]), ("number", [None, math.nan]),
        ("boolean", [True, True]), ("text", ["a", "a"]), ("date", [dt.date(1998, 3, 2)] * 2),
    ],
)  # fmt: skip
def test_a_column_with_one_value_is_left_out(kind: ColumnType, values: list[object]) -> None:
    encoder, rows = fit({"x": values, "y": [1, 2]}, x=kind, y="integer")
    assert encoder.dropped == (Dropped(name="x", reason="constant"),)
    assert encoder.transform(rows.drop("x")).names == ("y",)


@pytest.mark.parametrize("values", [[1.5, None], [1.5, 2.5], [0.0, math.nan]])
def test_a_column_with_two_values_or_a_blank_stays(values: list[object]) -> None:
    encoder, _ = fit({"x": values}, x="number")
    assert encoder.dropped == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("number", [0.5, None]), ("number", [0.5, math.nan])),
        (("integer", [1, 0]), ("boolean", [True, False])),
        (("integer", [7, 0]), ("number", [7.0, -0.0])),
        (("text", ["a", None]), ("text", ["a", None])),
        (("date", [dt.date(1998, 3, 2), None]), ("date", [dt.date(1998, 3, 2), None])),
    ],
)
def test_of_equal_columns_the_first_stays(
    first: tuple[ColumnType, list[object]], second: tuple[ColumnType, list[object]]
) -> None:
    encoder, _ = fit({"x": first[1], "y": second[1]}, x=first[0], y=second[0])
    assert encoder.dropped == (Dropped(name="y", reason="duplicate", of="x"),)
    assert [feature.name for feature in encoder.features] == ["x"]


def test_a_number_and_the_same_text_are_no_duplicates() -> None:
    encoder, _ = fit({"x": [1, 2], "y": ["1", "2"]}, x="integer", y="text")
    assert encoder.dropped == ()


def test_nothing_is_left_out_unless_declared() -> None:
    data = {"x": [1, 1], "y": [1, 1]}
    encoder, _ = fit(data, Encoding(), x="integer", y="integer")
    assert encoder.dropped == ()
    encoder, _ = fit(data, Encoding(drop_duplicate=True), x="integer", y="integer")
    assert [each.name for each in encoder.dropped] == ["y"]
    encoder, _ = fit(data, Encoding(drop_constant=True), x="integer", y="integer")
    assert [each.reason for each in encoder.dropped] == ["constant", "constant"]


def test_without_rows_nothing_is_left_out() -> None:
    encoder, _ = fit({"x": [], "y": []}, x="number", y="number")
    assert encoder.dropped == ()


def test_what_was_left_out_is_stored_with_its_reason() -> None:
    encoder, _ = fit({"x": [1, 2], "y": [1, 2], "z": [0, 0]}, x="integer", y="integer", z="integer")
    assert '{"name":"y","of":"x","reason":"duplicate"}' in encoder.canonical()
    assert Encoder.parse(encoder.canonical()) == encoder
