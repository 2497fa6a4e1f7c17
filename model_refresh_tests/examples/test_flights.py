"""The queries of the flights example: what they may see, what they tell apart, what they answer."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from model_refresh_tests.examples.airport import (
    EXAMPLES,
    MONDAY,
    OUTCOMES,
    after,
    airport,
    weather,
)

HOUR = dt.timedelta(hours=1)
START = MONDAY.replace(tzinfo=None)


def test_both_models_ask_the_same_features() -> None:
    late, delay = (
        EXAMPLES / "flights/fleet" / name / "features.sql"
        for name in ("flights_late", "flights_delay")
    )
    assert late.read_text() == delay.read_text()


def test_features_do_not_move_with_how_flights_went_nor_with_flights_after_the_window(
    tmp_path: Path,
) -> None:
    week = [after(day, flight=10 + day) for day in range(7)]
    went = [row | dict.fromkeys(OUTCOMES, 999) for row in week]
    cancelled = [row | dict.fromkeys(OUTCOMES) for row in week]
    later = [after(day, flight=99, distance=1, tailnum="N1") for day in (7, 8, 300)]
    earlier = [after(day, flight=98) for day in (-1, -30)]
    expected = airport(tmp_path / "as_planned", week).features()
    assert expected.height == 7
    for name, rows in {"went": went, "cancelled": cancelled}.items():
        found = airport(tmp_path / name, [*earlier, *rows, *later]).features()
        assert_frame_equal(found, expected)


def test_weather_of_other_hours_and_airports_changes_nothing(tmp_path: Path) -> None:
    here = weather(START)
    others = [weather(START + HOUR, temp=99.0), weather(START - HOUR, temp=98.0)]
    others.append(weather(START, origin="JFK", temp=97.0))
    expected = airport(tmp_path / "alone", [after(0)], measured=[here]).features()
    found = airport(tmp_path / "crowd", [after(0)], measured=[here, *others]).features()
    assert_frame_equal(found, expected)
    assert found["temp"].to_list() == [1.5]


def test_a_frame_is_one_week_of_new_york_half_open(tmp_path: Path) -> None:
    moment = 1 / 1440
    days = {"before": -moment, "first": 0.0, "last": 7 - moment, "next": 7.0}
    rows = [after(day, dest=name) for name, day in days.items()]
    frame = airport(tmp_path, rows).features()
    assert sorted(frame["dest"]) == ["first", "last"]
    assert dict(zip(frame["dest"], frame["day_of_week"], strict=True)) == {"first": 1, "last": 7}


def test_one_number_that_leaves_two_airports_on_a_day_is_two_flights(tmp_path: Path) -> None:
    rows = [after(0, origin="EWR"), after(0.2, origin="LGA"), after(0, carrier="B6"), after(1)]
    frame = airport(tmp_path, rows).features()
    assert frame["flight_id"].to_list() == [
        "2013-01-07 B6 1 EWR",
        "2013-01-07 UA 1 EWR",
        "2013-01-07 UA 1 LGA",
        "2013-01-08 UA 1 EWR",
    ]


def test_a_flight_without_plane_or_weather_stays_with_nulls(tmp_path: Path) -> None:
    rows = [after(0, tailnum="N404"), after(3, tailnum=None)]
    frame = airport(tmp_path, rows).features()
    assert frame["manufacturer"].to_list() == [None, None]
    assert frame["temp"].to_list() == [1.5, None]


def test_schedules_are_minutes_of_the_day(tmp_path: Path) -> None:
    row = after(0.25, sched_arr_time=5)  # six in the morning to five past midnight
    frame = airport(tmp_path, [row]).features()
    assert frame.select("departure_minute", "arrival_minute").row(0) == (360, 5)


def test_features_are_those_that_are_known_before_departure_or_declared(tmp_path: Path) -> None:
    model = airport(tmp_path, [after(0)])
    names = set(model.features().columns)
    assert len(names) == 21 + 2
    assert not names & {*OUTCOMES, "tailnum", "flight", "year", "day"}
    assert set(model.model("flights_late").spec.frame.assumes_known) <= names


@pytest.mark.parametrize(("delay", "late"), [(-20, False), (14, False), (15, True), (200, True)])
def test_late_is_15_minutes_or_more(tmp_path: Path, delay: int, late: bool) -> None:
    home = airport(tmp_path, [after(0, arr_delay=delay)])
    assert home.labels("flights_late") == {"2013-01-07 UA 1 EWR": late}
    assert home.labels("flights_delay") == {"2013-01-07 UA 1 EWR": delay}


def test_cancelled_flights_and_those_of_other_weeks_have_no_label(tmp_path: Path) -> None:
    rows = [after(day, flight=number) for number, day in enumerate((-0.1, 0, 6.9, 7))]
    home = airport(tmp_path, [*rows, after(2, flight=9, arr_delay=None)])
    for name in ("flights_late", "flights_delay"):
        assert [key.split()[2] for key in sorted(home.labels(name))] == ["1", "2"]


def test_every_label_belongs_to_a_row_of_its_frame(tmp_path: Path) -> None:
    rows = [after(day / 3, flight=day) for day in range(-3, 30)]
    home = airport(tmp_path, rows)
    keys = set(home.features()["flight_id"])
    assert keys == set(home.labels("flights_late"))
    assert isinstance(home.features()["departs_at"].dtype, pl.Datetime)
