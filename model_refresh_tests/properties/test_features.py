"""Encoding holds for any rows: each by itself, after storage, and never from a later label."""

import datetime as dt
from typing import get_args

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.features import Encoder, TimedLabels
from model_refresh.records import ColumnType
from model_refresh.records.encoding import DatePart, Encoding
from model_refresh_tests.features.factories import fit_text, make_columns, make_labels, naive_means

TYPES: dict[str, ColumnType] = {
    "n": "number", "i": "integer", "c": "integer", "b": "boolean", "t": "text", "d": "date",
    "s": "timestamp",
}  # fmt: skip
SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "n": pl.Float64, "i": pl.Int64, "c": pl.Int64, "b": pl.Boolean, "t": pl.String, "d": pl.Date,
    "s": pl.Datetime("us"),
}  # fmt: skip
table_rows = st.fixed_dictionaries(
    {
        "n": st.none() | st.floats(allow_infinity=False, width=32),
        "i": st.none() | st.integers(-(2**53), 2**53),
        "c": st.none() | st.integers(-3, 3),
        "b": st.none() | st.booleans(),
        "t": st.none() | st.sampled_from("abc") | st.text(max_size=3),
        "d": st.none() | st.dates(),
        "s": st.none() | st.datetimes(),
    }
)
encodings = st.builds(
    Encoding,
    categories=st.sampled_from(["codes", "target", "both"]),
    high_cardinality=st.sampled_from(["codes", "both"]),
    smoothing=st.none() | st.floats(0.1, 1000),
    indicators=st.booleans(),
    date_parts=st.lists(st.sampled_from(get_args(DatePart)), unique=True).map(tuple),
    drop_constant=st.booleans(),
    drop_duplicate=st.booleans(),
)
timed = st.lists(
    st.tuples(
        st.none() | st.sampled_from("abcdef"),
        st.integers(-9, 9) | st.floats(-1e6, 1e6),
        st.integers(0, 6),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=60,
)
Timed = list[tuple[str | None, float, int, int]]


def split(rows: Timed) -> tuple[list[str | None], TimedLabels]:
    texts, target, weeks, lags = zip(*rows, strict=True)
    return list(texts), make_labels(target, weeks, lag=lags)


@settings(max_examples=60, deadline=None)
@given(
    learned=st.lists(table_rows, max_size=30),
    met=st.lists(table_rows, min_size=1, max_size=8),
    order=st.permutations(list(TYPES)),
    encoding=encodings,
)
def test_rows_are_encoded_alike_alone_in_any_order_and_after_being_stored(
    learned: list[dict[str, object]],
    met: list[dict[str, object]],
    order: list[str],
    encoding: Encoding,
) -> None:
    rows, columns = pl.DataFrame(learned, schema=SCHEMA), make_columns(**TYPES)
    if rows.height == 0:
        encoding = Encoding()
    labels = make_labels([i % 2 for i in range(rows.height)], [0] * rows.height)
    encoder = Encoder.fit(rows, columns, ["t", "c"], encoding, labels)
    turned = TimedLabels(labels.target[::-1], labels.as_of, labels.known_at)
    assert Encoder.fit(rows.reverse(), columns, ["t", "c"], encoding, turned) == encoder
    table = pl.DataFrame(met, schema=SCHEMA)
    bulk = encoder.transform(table).values
    stored = Encoder.parse(encoder.canonical())
    assert stored == encoder
    assert stored.canonical() == encoder.canonical()
    backwards = stored.transform(table.reverse().select(order)).values[::-1]
    alone = [stored.transform(pl.DataFrame([row])).values[0] for row in met]
    assert backwards.tobytes() == bulk.tobytes()
    assert np.array(alone).tobytes() == bulk.tobytes()


@settings(max_examples=100, deadline=None)
@given(
    rows=timed,
    week=st.integers(0, 6),
    other=st.lists(st.floats(-9, 9), min_size=60, max_size=60),
    smoothing=st.sampled_from([None, 2.0]),
)
def test_a_label_that_was_not_known_changes_no_row_that_stood_before(
    rows: Timed, week: int, other: list[float], smoothing: float | None
) -> None:
    encoding = Encoding(categories="target", smoothing=smoothing)
    texts, labels = split(rows)
    now = make_labels([0.0], [week]).as_of[0]
    secret = labels.known_at > now
    target = np.where(secret, other[: len(texts)], labels.target)
    changed = TimedLabels(target, labels.as_of, labels.known_at)
    matrices = []
    for each in (labels, changed):
        encoder, table = fit_text(texts, each, encoding)
        matrices.append(encoder.transform_training(table, each).values[labels.as_of <= now])
    assert matrices[0].tobytes() == matrices[1].tobytes()


@settings(max_examples=100, deadline=None)
@given(rows=timed)
def test_ordered_means_are_those_of_a_plain_loop(rows: Timed) -> None:
    texts, labels = split(rows)
    encoder, table = fit_text(texts, labels)
    known = {text for text in texts if text is not None and texts.count(text) >= 5}
    expected = np.array(naive_means(texts, labels, known, 2.0))
    means = encoder.transform_training(table, labels).values
    assert np.allclose(means, expected, rtol=1e-9, atol=1e-6, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(rows=timed, met=st.lists(st.none() | st.text(max_size=2), min_size=1))
def test_a_row_to_be_scored_is_never_missing_and_between_the_labels(
    rows: Timed, met: list[str | None]
) -> None:
    texts, labels = split(rows)
    encoder, _ = fit_text(texts, labels)
    means = encoder.transform(pl.DataFrame({"t": pl.Series(met, dtype=pl.String)})).values
    slack = 1e-9 * (1 + np.abs(labels.target).max())
    assert (means >= labels.target.min() - slack).all()
    assert (means <= labels.target.max() + slack).all()


@given(encoding=encodings, moment=st.datetimes())
def test_an_encoding_and_its_moments_survive_storage(
    encoding: Encoding, moment: dt.datetime
) -> None:
    assert Encoding.parse(encoding.canonical()) == encoding
    rows = pl.DataFrame({"s": [moment]}, schema={"s": pl.Datetime("us")})
    encoder = Encoder.fit(
        rows, make_columns(s="timestamp"), [], Encoding(date_parts=encoding.date_parts)
    )
    assert len(encoder.transform(rows).names) == len(encoding.date_parts)
