"""When schedules fire, also where clocks change."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.ticks import next_tick, previous_tick
from model_refresh_tests.factories import make_model


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ticks")


def scheduled(folder: Path, cron: str, zone: str) -> Model:
    return make_model(folder, schedule={"cron": cron, "timezone": zone})


@pytest.mark.parametrize(
    ("cron", "zone", "ticks"),
    [
        ("0 6 * * MON", "UTC", ["2026-03-23T06:00", "2026-03-30T06:00", "2026-04-06T06:00"]),
        (  # winter time in Berlin ends on 2026-03-29
            "0 6 * * MON",
            "Europe/Berlin",
            ["2026-03-23T05:00", "2026-03-30T04:00", "2026-04-06T04:00"],
        ),
        (  # 02:30 does not exist on that day, and comes right after
            "30 2 * * *",
            "Europe/Berlin",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (  # 02:30 comes twice on the day that summer time ends, and counts once
            "30 2 * * *",
            "Europe/Berlin",
            ["2026-10-24T00:30", "2026-10-25T01:30", "2026-10-26T01:30"],
        ),
        (  # every hour is every hour
            "30 * * * *",
            "Europe/Berlin",
            ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"],
        ),
        (  # ... however it is written
            "30 0-23 * * *",
            "Europe/Berlin",
            ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"],
        ),
        ("0 */1 * * *", "Europe/Berlin", ["2026-10-25T00:00", "2026-10-25T01:00"]),
        ("0 0 29 2 *", "UTC", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("0 12 13 * FRI", "UTC", ["2026-03-13T12:00", "2026-03-20T12:00", "2026-03-27T12:00"]),
    ],
)
def test_ticks_follow_each_other_and_are_the_same_backwards(
    folder: Path, cron: str, zone: str, ticks: list[str]
) -> None:
    model, instants = scheduled(folder, cron, zone), [at(tick) for tick in ticks]
    second = dt.timedelta(seconds=1)
    assert next_tick(model, instants[0] - second) == instants[0]
    for before, after in pairwise(instants):
        assert next_tick(model, before) == after
        assert previous_tick(model, after) == after, "a tick is not after itself"
        assert previous_tick(model, after - second) == before


def test_any_zone_may_ask(folder: Path) -> None:
    model = scheduled(folder, "0 6 * * MON", "Pacific/Auckland")
    auckland = dt.timezone(dt.timedelta(hours=13))
    asked = dt.datetime(2026, 3, 2, 6, tzinfo=auckland)
    assert previous_tick(model, asked) == at("2026-03-01T17:00") == asked
