"""What is told when: at once, together, again after a day, and once when it is over."""

import datetime as dt

import pytest

from model_refresh.alerting.due import History, Letter, Observed, letter
from model_refresh.records import Alert
from model_refresh_tests.alerting.factories import EVERYWHERE, NOW, make_alert, make_route

MINUTE = dt.timedelta(minutes=1)
WARNING = make_alert("loyal", "overdue", "warning")
CRITICAL = make_alert()


def due(
    *alerts: Alert,
    history: History | None = None,
    now: dt.datetime = NOW,
    observed: Observed = EVERYWHERE,
    digest: str = "15m",
) -> Letter | None:
    """What a route of this digest is told."""
    route = make_route(digest=digest)
    return letter(route, alerts, history=history or History(), observed=observed, now=now)


def told(alert: Alert, ago: dt.timedelta) -> History:
    """The history of an address that was told of one alert some time ago."""
    return History(told={alert.key: NOW - ago}, delivered=[NOW - ago])


def test_the_first_alert_goes_at_once_whatever_it_is() -> None:
    assert due(WARNING) == Letter((WARNING,))


def test_a_cause_that_was_told_is_not_told_again_for_a_day() -> None:
    assert due(CRITICAL, history=told(CRITICAL, 23 * 60 * MINUTE)) is None
    assert due(CRITICAL, history=told(CRITICAL, 24 * 60 * MINUTE)) == Letter((CRITICAL,))


def test_a_warning_after_a_message_waits_for_the_digest() -> None:
    assert due(CRITICAL, WARNING, history=told(CRITICAL, 14 * MINUTE)) is None
    assert due(CRITICAL, WARNING, history=told(CRITICAL, 15 * MINUTE)) == Letter((WARNING,))


def test_something_critical_that_is_new_does_not_wait() -> None:
    assert due(CRITICAL, WARNING, history=told(WARNING, MINUTE)) == Letter((CRITICAL,))


def test_after_three_messages_in_an_hour_critical_alerts_wait_too() -> None:
    recent = History(delivered=[NOW - each * MINUTE for each in (50, 30, 5)])
    assert due(CRITICAL, history=recent) is None
    assert due(CRITICAL, history=recent, now=NOW + 10 * MINUTE) == Letter((CRITICAL,))


def test_what_is_over_is_said_once() -> None:
    assert due(history=told(CRITICAL, 20 * MINUTE)) == Letter((), (CRITICAL.key,))
    assert due(history=History(delivered=[NOW - 20 * MINUTE])) is None


@pytest.mark.parametrize(
    "observed",
    [Observed(frozenset({"drift"})), Observed(EVERYWHERE.kinds, frozenset({"churn"}))],
    ids=["another kind", "the model could not be read"],
)
def test_what_was_not_looked_at_is_not_over(observed: Observed) -> None:
    assert due(history=told(CRITICAL, 20 * MINUTE), observed=observed) is None


def test_a_daily_digest_goes_at_its_hour_and_takes_what_came_before_it() -> None:
    early, late = WARNING.model_copy(update={"since": NOW - 5 * 60 * MINUTE}), WARNING
    late = late.model_copy(update={"since": NOW - 60 * MINUTE})
    daily = "daily at 08:00"
    assert due(early, digest=daily) == Letter((early,))
    assert due(late, digest=daily) is None
    tomorrow = NOW.replace(hour=8) + dt.timedelta(days=1)
    assert due(late, digest=daily, now=tomorrow - MINUTE) is None
    assert due(late, digest=daily, now=tomorrow) == Letter((late,))
    assert due(WARNING, digest=daily, history=told(CRITICAL, 3 * 60 * MINUTE)) is None


@pytest.mark.parametrize(
    ("failures", "passing", "minutes"),
    [(1, True, 0.5), (2, True, 1), (5, True, 8), (99, True, 60), (1, False, 60)],
)
def test_an_address_that_failed_is_tried_later_and_later(
    failures: int, passing: bool, minutes: float
) -> None:
    history = History(failures=failures, failed_at=NOW, passing=passing)
    wait = dt.timedelta(minutes=minutes)
    assert due(CRITICAL, history=history, now=NOW + wait - dt.timedelta(seconds=1)) is None
    assert due(CRITICAL, history=history, now=NOW + wait) == Letter((CRITICAL,))


@pytest.mark.parametrize(
    ("match", "goes"),
    [
        ({}, True),
        ({"models": ("ch*",)}, True),
        ({"models": ("loyal",)}, False),
        ({"owners": ("team:crm", "team:x")}, True),
        ({"owners": ("team:x",)}, False),
        ({"severities": ("warning",)}, False),
        ({"kinds": ("scores_missing",)}, True),
        ({"kinds": ("drift",)}, False),
    ],
)
def test_a_route_takes_what_matches_all_that_it_says(match: dict[str, object], goes: bool) -> None:
    alert = make_alert(owners=("team:crm",))
    assert make_route(match=match).match.takes(alert) is goes


def test_info_goes_only_where_it_is_asked_for() -> None:
    drift = make_alert(kind="drift", severity="info")
    assert not make_route().match.takes(drift)
    assert make_route(match={"severities": ("info",)}).match.takes(drift)


def test_an_alert_of_the_fleet_goes_where_all_models_do() -> None:
    assert make_route().match.takes(make_alert(None))
    assert make_route(match={"models": ("*",)}).match.takes(make_alert(None))
    assert not make_route(match={"models": ("churn",)}).match.takes(make_alert(None))
