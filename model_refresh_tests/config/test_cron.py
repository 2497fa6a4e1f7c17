"""Cron lines are read strictly: five fields, and only what fires."""

import datetime as dt

import pytest

from model_refresh.config.cron import parse_cron

MONDAY = dt.date(1998, 3, 2)


def fires(line: str, days: int = 7) -> list[str]:
    return [f"{t:%a %H:%M}" for t in parse_cron(line).fires(MONDAY, days)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 6 * * MON", ["Mon 06:00"]),
        ("30 6,18 * * 2", ["Tue 06:30", "Tue 18:30"]),
        ("*/20 0-12/6 * * sat", ["Sat 00:00", "Sat 06:00", "Sat 12:00"]),
        ("5 4 3 * *", ["Tue 04:05"]),
        ("5 4 * APR *", []),
        ("0 0 3 * FRI", ["Tue 00:00", "Fri 00:00"]),
        ("0 0 * * 0", ["Sun 00:00"]),
        ("0 0 * * 7", ["Sun 00:00"]),
        ("0 0 * * 5-7", ["Fri 00:00", "Sat 00:00", "Sun 00:00"]),
    ],
)
def test_a_line_fires_when_every_field_matches(line: str, expected: list[str]) -> None:
    assert fires(line) == expected


def test_a_leap_day_is_a_date() -> None:
    cron = parse_cron("0 0 29 2 *")
    assert cron.fires_on(dt.date(2000, 2, 29))
    assert not any(cron.fires(dt.date(1999, 1, 1), 365))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 6 * *", "has 4 fields"),
        ("0 0 6 * * MON", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("60 6 * * *", "'60' is not accepted as minute"),
        ("0 24 * * *", "as hour"),
        ("0 0 0 * *", "as day of the month; accepted: \\*, 1 to 31"),
        ("0 0 * 13 *", "JAN|FEB"),
        ("0 0 * * MOO", "SUN|MON"),
        ("0 0 * * 5-1", "'5-1'"),
        ("*/0 * * * *", "'\\*/0'"),
        ("5/2 * * * *", "'5/2'"),
        ("0 0 L * *", "'L'"),
        ("0 0 * * 1#2", "'1#2'"),
        ("0,,1 0 * * *", "''"),
        ("0 0 30 2 *", "none of its months has a day 30"),
        ("0 0 31 4,6 *", "none of its months has a day 31"),
    ],
)
def test_a_line_that_can_not_fire_or_means_more_than_cron_is_refused(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_cron(line)
