"""Our reading of cron lines is Dagster's, also in the weeks in which clocks change."""

import datetime as dt
from itertools import takewhile
from pathlib import Path

import pytest
from dagster._utils.schedules import cron_string_iterator

from model_refresh.monitoring.ticks import next_tick, previous_tick
from model_refresh_tests.factories import make_model, make_purchases

CRONS = ["0 6 * * MON", "30 2 * * *", "*/30 1-3 * * *", "5 */2 * * *", "15 * * * *",
         "0 2 * * SUN", "0 12 13 * FRI", "0 0 1,31 * *"]  # fmt: skip
CHANGES = [
    dt.datetime(2026, *day, tzinfo=dt.UTC)
    for day in ((3, 6), (3, 27), (4, 3), (9, 25), (10, 2), (10, 23), (10, 30))
]
WHILE = dt.timedelta(days=9)


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "Pacific/Auckland",
        "Australia/Sydney",
        "Asia/Kathmandu",
    ],
)
def test_ticks_are_those_of_dagster_where_clocks_change(tmp_path: Path, zone: str) -> None:
    rows = make_purchases(customers=2)
    for cron in CRONS:
        schedule = {"cron": cron, "timezone": zone}
        model = make_model(tmp_path, purchases=rows, schedule=schedule)
        for start in CHANGES:
            stop = start + WHILE
            theirs = [
                tick.astimezone(dt.UTC)
                for tick in takewhile(
                    lambda tick, stop=stop: tick < stop,  # type: ignore[misc]
                    cron_string_iterator(start.timestamp(), cron, zone),
                )
                if tick > start
            ]
            ours = [start]
            while (following := next_tick(model, ours[-1])) < stop:
                ours.append(following)
            assert ours[1:] == theirs, (cron, zone)
            for tick in ours[1:]:
                assert previous_tick(model, tick) == tick
