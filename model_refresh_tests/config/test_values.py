"""Durations and instants are read strictly, and written as they are read."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.config.values import (
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("28d", dt.timedelta(days=28)),
        ("12h", dt.timedelta(hours=12)),
        ("30m", dt.timedelta(minutes=30)),
        ("0d", dt.timedelta(0)),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, length: dt.timedelta) -> None:
    assert parse_duration(text) == length
    assert format_duration(length) == text


@pytest.mark.parametrize(
    "text", ["28", "1mo", "1w", "-1d", "1.5d", "28 d", "28d\n", "", 28, None, "٣d"]
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no duration; accepted: .* such as 28d"):
        parse_duration(text)


@given(st.integers(0, 10**6).map(lambda minutes: dt.timedelta(minutes=minutes)))
def test_a_duration_is_read_as_it_is_written(length: dt.timedelta) -> None:
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1997-03-03", "1997-03-03T00:00+00:00"),
        ("1997-03-03T06:00Z", "1997-03-03T06:00+00:00"),
        ("1997-03-03T06:00:00+13:00", "1997-03-02T17:00+00:00"),
        ("2000-02-29", "2000-02-29T00:00+00:00"),
    ],
)
def test_an_instant_is_a_date_or_has_a_zone(text: str, instant: str) -> None:
    found = parse_instant(text)
    assert (found, found.tzinfo) == (dt.datetime.fromisoformat(instant), dt.UTC)
    assert parse_instant(format_instant(found)) == found


@pytest.mark.parametrize(
    "text",
    ["1997-03-03T06:00", "3.3.1997", "1997-3-3", "1999-02-29", "1997-03-03T25:00Z", 19970303, "",
     "0001-01-01T00:00+14:00", "1997-03-03 06:00Z", "1997-03-03\n"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)
