"""How old decisions and scores may be: by frames and by the schedule, whichever is further apart."""

import datetime as dt
from pathlib import Path

import pytest

from model_refresh.monitoring.freshness import batch_ages, decision_ages, longest_pause
from model_refresh_tests.factories import make_model, make_purchases

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("cron", "pause"),
    [
        ("0 6 * * *", DAY),
        ("0 0 * * *", DAY),
        ("15 */2 * * *", 2 * HOUR),
        ("0 9-17 * * *", 16 * HOUR),
        ("0 6 * * 1", 7 * DAY),
        ("0 6 * * 1-5", 3 * DAY),
        ("30 5 1 * *", 31 * DAY),
        ("0 6 1,15 * *", 17 * DAY),
        ("0 6 1 1 *", 366 * DAY),
        ("0 6 2 7 *", 365 * DAY),
    ],
)
def test_the_longest_pause_of_a_schedule_is_that_between_two_ticks(
    cron: str, pause: dt.timedelta
) -> None:
    assert longest_pause(cron) == pause


@pytest.mark.parametrize(
    ("cron", "late"), [("0 6 * * *", 2 * DAY), ("0 6 * * 1", 14 * DAY), ("0 6 1 * *", 62 * DAY)]
)
def test_a_decision_is_late_where_a_refresh_was_left_out_not_a_frame(
    tmp_path: Path, cron: str, late: dt.timedelta
) -> None:
    model = make_model(
        tmp_path,
        every="1d",
        max_age="90d",
        schedule={"cron": cron},
        purchases=make_purchases(customers=5),
    )
    ages = decision_ages(model)
    assert (ages.warn, ages.fail) == (late, 90 * DAY)
    assert batch_ages(model).fail == 2 * DAY
