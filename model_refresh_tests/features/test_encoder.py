import datetime as dt
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from model_refresh.errors import DataError
from model_refresh.features import Encoder, Matrix
from model_refresh.records import ColumnType
from model_refresh.records.encoding import Encoding
from model_refresh_tests.features.factories import make_columns

_BERLIN = "Europe/Berlin"


def fit(
    data: Mapping[str, object], categorical: Sequence[str] = (), **types: ColumnType
) -> tuple[Encoder, Matrix]:
    rows = pl.DataFrame(data)
    encoder = Encoder.fit(rows, make_columns(**types), categorical)
    return encoder, encoder.transform(rows)


def column(matrix: Matrix, name: str) -> list[float | None]:
    values = matrix.values[:, matrix.names.index(name)].tolist()
    return [None if math.isnan(value) else value for value in values]


def test_numbers_and_booleans_stay_what_they_are_and_null_and_nan_are_missing() -> None:
    _, matrix = fit(
        {"n": [1.5, None, math.nan], "i": [3, None, -1], "b": [True, None, False]},
        n="number", i="integer", b="boolean",
    )  # fmt: skip
    assert (matrix.names, matrix.categories) == (("n", "i", "b"), (0, 0, 0))
    assert column(matrix, "n") == [1.5, None, None]
    assert column(matrix, "i") == [3.0, None, -1.0]
    assert column(matrix, "b") == [1.0, None, 0.0]


def test_a_matrix_is_float64_and_contiguous_by_row() -> None:
    _, matrix = fit({"i": [1, 2], "t": ["a", "b"]}, i="integer", t="text")
    assert matrix.values.dtype == np.float64
    assert matrix.values.flags.c_contiguous


def test_categories_are_coded_most_frequent_first_then_in_order_of_text() -> None:
    encoder, matrix = fit({"t": [*"bbbbb", *"ccccc", *"aaaaaa", None]}, t="text")
    assert matrix.categories == (4,)
    assert column(matrix, "t") == [2.0] * 5 + [3.0] * 5 + [1.0] * 6 + [None]
    assert encoder.transform(pl.DataFrame({"t": ["new", None]})).values[0, 0] == 0.0


def test_rare_categories_share_the_code_of_unknown_ones() -> None:
    _, matrix = fit({"t": [*"aaaaa", *"bbbb"]}, t="text")
    assert matrix.categories == (2,)
    assert column(matrix, "t") == [1.0] * 5 + [0.0] * 4


def test_at_most_254_categories_are_kept() -> None:
    texts = [str(i) for i in range(300) for _ in range(5 + i % 2)]
    encoder, matrix = fit({"t": texts}, t="text")
    assert matrix.categories == (255,)
    assert matrix.values.max() == 254
    kept = encoder.transform(pl.DataFrame({"t": [str(i) for i in range(1, 300, 2)]}))
    assert (kept.values > 0).all()


@pytest.mark.parametrize(
    ("learned", "met"),
    [
        (pl.Int64, pl.Float64), (pl.Int64, pl.Int32), (pl.Float64, pl.Int64),
        (pl.Int32, pl.Float32), (pl.UInt8, pl.Int64), (pl.Int64, pl.Decimal(10, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("categorical", [(), ("i",)])
def test_a_number_stored_another_way_is_encoded_alike(
    learned: pl.DataType, met: pl.DataType, categorical: tuple[str, ...]
) -> None:
    rows = pl.DataFrame({"i": [7, 7, 7, 7, 7, 12, 12, 12, 12, 12, 3]})
    encoder = Encoder.fit(rows.cast({"i": learned}), make_columns(i="integer"), categorical)
    expected = encoder.transform(rows.cast({"i": learned}))
    assert np.array_equal(encoder.transform(rows.cast({"i": met})).values, expected.values)
    assert expected.values[0, 0] == (2.0 if categorical else 7.0)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("boolean", [True] * 6 + [False] * 5), ("number", [0.5] * 6 + [2.0] * 5)],
)
def test_booleans_and_numbers_can_be_categories(kind: ColumnType, values: list[object]) -> None:
    _, matrix = fit({"x": values}, ["x"], x=kind)
    assert column(matrix, "x") == [1.0] * 6 + [2.0] * 5


def test_text_stored_as_categorical_or_enum_is_text() -> None:
    rows = pl.DataFrame({"t": ["a"] * 5 + ["b"] * 6})
    encoder = Encoder.fit(rows, make_columns(t="text"), [])
    for dtype in (pl.Categorical, pl.Enum(["b", "a"])):
        met = encoder.transform(rows.cast({"t": dtype}))
        assert np.array_equal(met.values, encoder.transform(rows).values)


def test_a_date_becomes_its_day_and_its_day_of_the_week() -> None:
    _, matrix = fit({"d": [dt.date(1970, 1, 1), dt.date(1998, 3, 2), None]}, d="date")
    assert (matrix.names, matrix.categories) == (("d", "d:weekday"), (0, 8))
    assert column(matrix, "d") == [0.0, 10287.0, None]
    assert column(matrix, "d:weekday") == [4.0, 1.0, None]


def test_a_timestamp_becomes_its_day_weekday_and_minute_in_utc() -> None:
    instant = dt.datetime(1998, 3, 1, 18, 45, tzinfo=dt.UTC)
    _, matrix = fit({"t": [instant, None]}, t="timestamp")
    assert matrix.names == ("t", "t:weekday", "t:minute")
    assert column(matrix, "t") == [10286.0, None]
    assert column(matrix, "t:weekday") == [7.0, None]
    assert column(matrix, "t:minute") == [1125.0, None]


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Datetime("us"),
        pl.Datetime("ms", _BERLIN),
        pl.Datetime("ns", "UTC"),
        pl.Datetime("us", "Asia/Tokyo"),
    ],
)
def test_the_same_instant_is_encoded_alike_in_any_unit_and_zone(dtype: pl.Datetime) -> None:
    utc = pl.DataFrame({"t": [dt.datetime(1998, 3, 29, h, 30, tzinfo=dt.UTC) for h in range(24)]})
    encoder = Encoder.fit(utc, make_columns(t="timestamp"), [])
    zone = dtype.time_zone
    met = utc.with_columns(
        (pl.col("t").dt.convert_time_zone(zone) if zone else pl.col("t").dt.replace_time_zone(None))
        .dt.cast_time_unit(dtype.time_unit)
    )  # fmt: skip
    assert met.schema["t"] == dtype
    assert np.array_equal(encoder.transform(met).values, encoder.transform(utc).values)


def test_a_date_that_arrives_as_a_timestamp_is_encoded_alike() -> None:
    rows = pl.DataFrame({"d": [dt.date(1998, 3, 2), None]})
    encoder = Encoder.fit(rows, make_columns(d="date"), [])
    met = encoder.transform(rows.cast({"d": pl.Datetime("us")}))
    assert np.array_equal(met.values, encoder.transform(rows).values, equal_nan=True)


@pytest.mark.parametrize("kind", ["boolean", "integer", "number", "text", "date", "timestamp"])
def test_a_column_of_nulls_only_is_missing_everywhere(kind: ColumnType) -> None:
    encoder, matrix = fit({"x": [None, None]}, x=kind)
    assert np.isnan(matrix.values).all()
    assert Encoder.parse(encoder.canonical()) == encoder


def test_the_date_parts_are_those_that_are_declared() -> None:
    parts = Encoding(date_parts=("month", "hour", "day_of_month", "day_of_year", "day"))
    rows = pl.DataFrame({"t": [dt.datetime(1998, 12, 31, 18, 45), None]})  # noqa: DTZ001
    matrix = Encoder.fit(rows, make_columns(t="timestamp"), [], parts).transform(rows)
    assert matrix.names == ("t:month", "t:hour", "t:day_of_month", "t:day_of_year", "t")
    assert matrix.categories == (13, 0, 0, 0, 0)
    assert matrix.values[0].tolist() == [12.0, 18.0, 31.0, 365.0, 10591.0]
    assert np.isnan(matrix.values[1]).all()


def test_a_date_has_no_hour_and_no_minute() -> None:
    rows = pl.DataFrame({"d": [dt.date(1998, 3, 2)]})
    parts = Encoding(date_parts=("hour", "minute", "month"))
    matrix = Encoder.fit(rows, make_columns(d="date"), [], parts).transform(rows)
    assert matrix.names == ("d:month",)


def test_a_date_part_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="date_parts names hour more than once"):
        Encoding(date_parts=("hour", "day", "hour"))


def test_a_number_that_is_missing_somewhere_gets_an_indicator() -> None:
    rows = pl.DataFrame({"n": [1.5, None, math.nan], "i": [1, 2, 3], "b": [None, True, None]})
    encoder = Encoder.fit(
        rows, make_columns(n="number", i="integer", b="boolean"), [], Encoding(indicators=True)
    )
    matrix = encoder.transform(rows)
    assert matrix.names == ("n", "n:missing", "i", "b", "b:missing")
    assert matrix.categories == (0,) * 5
    assert column(matrix, "n:missing") == [0.0, 1.0, 1.0]
    assert column(matrix, "b:missing") == [1.0, 0.0, 1.0]


def test_an_encoder_stored_before_there_were_choices_reads_and_writes_the_same() -> None:
    text = (
        '{"features":[{"kind":"number","name":"n","type":"number"},{"kind":"category","name":"c",'
        '"type":"integer","values":["0","-2"]},{"kind":"moment","name":"s","type":"timestamp"}]}'
    )
    stored = Encoder.parse(text)
    assert stored.canonical() == text
    moment = dt.datetime(1998, 3, 1, 18, 45)  # noqa: DTZ001
    met = {"n": [0.5, 1.5], "c": [-2, 9], "s": [moment] * 2}
    assert stored.transform(pl.DataFrame(met)).values.tolist() == [
        [0.5, 2.0, 10286.0, 7.0, 1125.0],
        [1.5, 0.0, 10286.0, 7.0, 1125.0],
    ]
    rows = pl.DataFrame({"n": [0.5] * 11, "c": [0] * 6 + [-2] * 5, "s": [moment] * 11})
    learned = Encoder.fit(rows, make_columns(n="number", c="integer", s="timestamp"), ["c"])
    assert learned.canonical() == text


def test_a_wide_table_is_encoded_block_by_block_to_the_same_matrix() -> None:
    values = np.random.default_rng(0).normal(size=(5000, 1000))
    rows = pl.DataFrame(values, schema=[f"n{i}" for i in range(1000)])
    types: dict[str, ColumnType] = dict.fromkeys(rows.columns, "number")
    matrix = Encoder.fit(rows, make_columns(**types), []).transform(rows)
    assert matrix.values.nbytes > 32 << 20
    assert np.array_equal(matrix.values, values)


def test_no_features_and_no_rows_make_empty_matrices() -> None:
    _, matrix = fit({"x": [1, 2]})
    assert matrix.values.shape == (2, 0)
    encoder, matrix = fit({"t": pl.Series([], dtype=pl.String)}, t="text")
    assert matrix.values.shape == (0, 1)
    assert encoder.transform(pl.DataFrame({"t": ["a"]})).values.tolist() == [[0.0]]


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    encoder, _ = fit({"recency": [1]}, recency="integer")
    with pytest.raises(DataError, match=r"'recency' is missing; did you mean 'recencey'\?"):
        encoder.transform(pl.DataFrame({"recencey": [1], "other": [2]}))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", ["1"]), ("integer", [True]), ("boolean", [1]), ("text", [1]),
        ("date", [19980302]), ("timestamp", ["1998-03-02"]), ("number", [[1.0]]),
    ],
)  # fmt: skip
def test_a_column_of_another_type_is_named(kind: ColumnType, values: list[object]) -> None:
    encoder, _ = fit({"x": [None]}, x=kind)
    with pytest.raises(DataError, match=f"column 'x' is .*, learned from as {kind}"):
        encoder.transform(pl.DataFrame({"x": values}))


@pytest.mark.parametrize("bad", [math.inf, -math.inf])
@pytest.mark.parametrize("categorical", [(), ("x",)])
def test_infinite_numbers_are_named_and_counted(bad: float, categorical: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="'x' is infinite on 2 of 3 rows"):
        fit({"x": [bad, 1.0, bad]}, categorical, x="number")
    encoder, _ = fit({"x": [1.0]}, categorical, x="number")
    with pytest.raises(DataError, match="'x' is infinite on 1 of 1 rows"):
        encoder.transform(pl.DataFrame({"x": [bad]}))


def test_an_infinite_number_outside_the_features_is_ignored() -> None:
    encoder, _ = fit({"x": [1.0]}, x="number")
    assert encoder.transform(pl.DataFrame({"x": [1.0], "y": [math.inf]})).values.shape == (1, 1)


@pytest.mark.parametrize(("kind", "categorical"), [("other", ()), ("date", ("x",))])
def test_a_column_that_can_be_no_feature_is_refused(
    kind: ColumnType, categorical: tuple[str, ...]
) -> None:
    with pytest.raises(DataError, match=r"'x' of type .* can't be a .*feature: exclude it"):
        fit({"x": [None]}, categorical, x=kind)


def test_a_categorical_name_that_is_no_feature_is_refused() -> None:
    with pytest.raises(DataError, match=r"'colour', which is no feature; did you mean 'color'\?"):
        fit({"color": ["red"]}, ["colour"], color="text")


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.none() | st.text(), min_size=1), unseen=st.lists(st.none() | st.text()))
def test_any_text_has_a_code_and_only_null_is_missing(
    texts: list[str | None], unseen: list[str | None]
) -> None:
    encoder, _ = fit({"t": pl.Series(texts * 5, dtype=pl.String)}, t="text")
    known = {text for text in texts if text is not None}
    matrix = encoder.transform(pl.DataFrame({"t": pl.Series(unseen, dtype=pl.String)}))
    for text, code in zip(unseen, matrix.values[:, 0], strict=True):
        assert math.isnan(code) == (text is None)
        assert text is None or (code > 0) == (text in known)
    assert not np.nan_to_num(matrix.values).max(initial=0) >= matrix.categories[0]


def test_two_hundred_thousand_rows_take_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame(
        {f"n{i}": rng.normal(size=200_000) for i in range(10)}
        | {f"t{i}": pl.Series(rng.integers(0, 99, 200_000)).cast(pl.String) for i in range(10)}
    )
    types: dict[str, ColumnType] = {n: "text" if n[0] == "t" else "number" for n in rows.columns}
    encoder = Encoder.fit(rows, make_columns(**types), [])
    start = time.process_time()
    assert encoder.transform(rows).values.shape == (200_000, 20)
    assert time.process_time() - start < 2
