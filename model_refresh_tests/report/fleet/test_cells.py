"""Words and sort keys of a row, and the small lines of its performance."""

import math

import pytest

from model_refresh.records import FleetPoint
from model_refresh.report.fleet.cells import SORTED_BY, duration, line_of
from model_refresh.report.fleet.sparkline import HEIGHT, MOST_POINTS, WIDTH, sparkline
from model_refresh_tests.report.fleet.factories import DAY, NOW, WEEK, make_points, make_row


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119.9, "119 s"), (120, "2 min"), (3_600, "60 min"), (7_200, "2 h"), (86_400, "24 h"),
     (172_800, "2 d"), (9_936_000, "115 d")],
)  # fmt: skip
def test_a_duration_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def keys_of(**changes: object) -> dict[str, str]:
    line = line_of(make_row(**changes), place=7, now=NOW, to_store="..")
    return dict(zip(SORTED_BY, line.keys.split(";"), strict=True))


def test_keys_are_numbers_to_sort_by() -> None:
    keys = keys_of(age=302_400.0, shortfall=-0.0012, drift=0.034, cpu_seconds=52.0)
    assert keys["state"] == "7"
    assert float(keys["age"]) == 302_400
    assert float(keys["shortfall"]) == -0.0012
    assert float(keys["refreshed"]) < float(keys["next"])
    assert float(keys["cost"]) == 52


def test_what_is_not_known_has_an_empty_key() -> None:
    keys = keys_of(age=None, shortfall=math.nan, drift=math.inf, next_run=None, cpu_seconds=None)
    assert [name for name, key in keys.items() if key] == ["state", "refreshed"]


def test_instants_of_different_minutes_have_different_keys() -> None:
    later = keys_of(next_run=NOW + WEEK + DAY / 1440)["next"]
    assert keys_of(next_run=NOW + WEEK)["next"] < later


def test_an_overdue_champion_says_how_old_it_may_be() -> None:
    said = line_of(
        make_row(age=115 * 86_400.0, max_age=56 * 86_400.0), place=0, now=NOW, to_store=".."
    ).champion
    assert said.text == "115 d old of 56 d"
    assert said.tone == "open"


def test_a_decayed_model_that_is_rejected_too_keeps_its_red_line() -> None:
    line = line_of(make_row(state="rejected", also=("decayed",)), place=0, now=NOW, to_store="..")
    assert line.looks == "bad decayed"
    assert line.performance.tone == "bad"


def places(path: str) -> list[tuple[int, int]]:
    numbers = [int(each) for each in path.removeprefix("M").split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_both_lines_share_one_scale_and_stay_in_their_box() -> None:
    drawn = sparkline(
        [FleetPoint(as_of=NOW, realised=r, promised=p) for r, p in ((0.2, 0.3), (0.4, 0.3))]
    )
    assert drawn is not None
    low, high = places(drawn.realised)
    assert low[1] > high[1]
    assert {y for _, y in places(drawn.promised)} == {(low[1] + high[1]) // 2}
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in (low, high))
    assert drawn.end == high


def test_only_the_newest_points_are_drawn() -> None:
    drawn = sparkline(make_points(100))
    assert drawn is not None
    assert len(places(drawn.realised)) == MOST_POINTS


def test_a_line_of_equal_values_is_level_and_what_is_not_finite_is_left_out() -> None:
    values = (0.3, math.nan, 0.3, math.inf)
    drawn = sparkline([FleetPoint(as_of=NOW, realised=value) for value in values])
    assert drawn is not None
    assert {y for _, y in places(drawn.realised)} == {HEIGHT // 2}
    assert drawn.promised == ""
    assert sparkline([FleetPoint(as_of=NOW, realised=math.nan)] * 3) is None
