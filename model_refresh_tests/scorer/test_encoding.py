"""A row's columns are those of the encoder, to the bit, whatever its values are."""

import datetime as dt
import json
from typing import get_args
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.features import Encoder
from model_refresh.records import ColumnType
from model_refresh.records.encoding import DatePart, Encoding
from model_refresh.scorer.formula.columns import columns_of
from model_refresh.scorer.formula.encoding import Feature
from model_refresh.scorer.formula.values import Row
from model_refresh.serving.folder.formula import encoding_of
from model_refresh_tests.features.factories import make_columns, make_labels

TYPES: dict[str, ColumnType] = {
    "n": "number", "f": "number", "i": "integer", "u": "integer", "c": "integer", "b": "boolean",
    "k": "boolean", "t": "text", "d": "date", "s": "timestamp",
}  # fmt: skip
SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "n": pl.Float64, "f": pl.Float64, "i": pl.Int64, "u": pl.UInt64, "c": pl.Int32,
    "b": pl.Boolean, "k": pl.Boolean, "t": pl.String, "d": pl.Date, "s": pl.Datetime("us"),
}  # fmt: skip
CATEGORICAL = ["t", "c", "f", "u", "k"]
FLOATS = [
    0.0, -0.0, 1.0, 7.0, 0.1, 1 / 3, -2.5, 1e-7, 1e-300, 5e-324, 1e15, 1e16, 2.0**53, 2.0**63,
    -(2.0**63), 1e19, 1e22, 1.5e300, 123456789.125, float("nan"),
]  # fmt: skip
WHOLE = [0, 1, 7, 2**31, 2**53, 2**53 + 1, 2**53 + 3, 2**62 + 1, 2**63 - 1]
TEXTS = [
    "a",
    "",
    " a",
    "A",
    "é",
    "e\u0301",
    "日本",
    "\U0001f600",
    "true",
    "1",
    "nan",
    "None",
    "\x00",
]

floats = st.sampled_from(FLOATS) | st.floats(allow_infinity=False)
table_rows = st.fixed_dictionaries(
    {
        "n": st.none() | floats,
        "f": st.none() | st.sampled_from(FLOATS) | floats,
        "i": st.none() | st.sampled_from(WHOLE) | st.integers(-(2**63), 2**63 - 1),
        "u": st.none() | st.sampled_from([*WHOLE, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1),
        "c": st.none() | st.integers(-3, 3),
        "b": st.none() | st.booleans(),
        "k": st.none() | st.booleans(),
        "t": st.none() | st.sampled_from(TEXTS) | st.text(max_size=3),
        "d": st.none() | st.dates(),
        "s": st.none() | st.datetimes(),
    }
)
encodings = st.builds(
    Encoding,
    categories=st.sampled_from(["codes", "target", "both"]),
    smoothing=st.none() | st.floats(0.1, 1000),
    indicators=st.booleans(),
    date_parts=st.lists(st.sampled_from(get_args(DatePart)), unique=True).map(tuple),
    drop_constant=st.booleans(),
    drop_duplicate=st.booleans(),
)


def encoded(encoding: tuple[Feature, ...], row: Row) -> list[float]:
    return list(columns_of(encoding)(row))


def as_json(row: dict[str, object]) -> Row:
    """The row as it arrives over the wire: text of dates and timestamps, exact numbers."""
    told = json.dumps(row, default=lambda moment: moment.isoformat())
    sent: Row = json.loads(told)
    return sent


@settings(max_examples=150, deadline=None)
@given(
    learned=st.lists(table_rows, min_size=1, max_size=12),
    often=st.integers(1, 6),
    met=st.lists(table_rows, min_size=1, max_size=8),
    encoding=encodings,
)
def test_a_row_is_encoded_as_in_a_batch_to_the_bit(
    learned: list[dict[str, object]],
    often: int,
    met: list[dict[str, object]],
    encoding: Encoding,
) -> None:
    rows = pl.DataFrame(learned * often, schema=SCHEMA)
    labels = make_labels([i % 3 for i in range(rows.height)], [0] * rows.height)
    encoder = Encoder.fit(rows, make_columns(**TYPES), CATEGORICAL, encoding, labels)
    values = encoder.transform(pl.DataFrame(met + learned, schema=SCHEMA)).values
    written = encoding_of(encoder)
    for row, expected in zip(met + learned, values, strict=True):
        for told in (row, as_json(row)):
            assert_same(encoded(written, told), expected.tolist())


@pytest.mark.parametrize("classes", [0, 3])
def test_target_means_are_those_of_a_batch(classes: int) -> None:
    texts = ["a"] * 7 + ["b"] * 6 + [None] * 5 + ["rare"]
    rows = pl.DataFrame({"t": texts})
    target = [i % 3 for i in range(len(texts))]
    labels = make_labels(target, [0] * len(texts), classes=classes)
    encoding = Encoding(categories="both", smoothing=2.0)
    encoder = Encoder.fit(rows, make_columns(t="text"), [], encoding, labels)
    met = ["a", "b", "rare", "new", None]
    values = encoder.transform(pl.DataFrame({"t": met})).values
    for text, expected in zip(met, values, strict=True):
        assert_same(encoded(encoding_of(encoder), {"t": text}), expected.tolist())
    assert len(values[0]) == 1 + (classes or 1)


def assert_same(told: list[float], expected: list[float]) -> None:
    """Equal to the bit, but for the payload of a NaN."""
    assert [value.hex() for value in map(float, told)] == [value.hex() for value in expected]


ZONES = ["UTC", "Pacific/Auckland", "America/New_York", "Asia/Kolkata"]


@settings(max_examples=100, deadline=None)
@given(
    moments=st.lists(
        st.builds(
            dt.datetime.combine, st.dates(dt.date(1600, 1, 2), dt.date(2300, 1, 1)), st.times()
        ),
        min_size=1,
        max_size=9,
    ),
    zone=st.sampled_from(ZONES),
)
def test_a_zoned_timestamp_is_turned_to_utc(moments: list[dt.datetime], zone: str) -> None:
    aware = [moment.replace(tzinfo=ZoneInfo(zone)) for moment in moments]
    rows = pl.DataFrame({"s": aware}, schema={"s": pl.Datetime("us", zone)})
    encoding = Encoding(date_parts=get_args(DatePart))
    encoder = Encoder.fit(rows, make_columns(s="timestamp"), [], encoding)
    values = encoder.transform(rows).values.tolist()
    for moment, expected in zip(aware, values, strict=True):
        stamp = moment.astimezone(dt.UTC)
        for told in (moment, moment.isoformat(), stamp.isoformat().replace("+00:00", "Z")):
            assert_same(encoded(encoding_of(encoder), {"s": told}), expected)
