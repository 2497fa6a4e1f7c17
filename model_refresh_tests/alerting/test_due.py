"""What is told when: at once, together, again after a day, and once when it is over."""

import datetime as dt

import pytest

from model_refresh.alerting import AlertsSpec
from model_refresh.alerting.due import History, Letter, Look, Observed, Seen, letter
from model_refresh.records import Alert
from model_refresh_tests.alerting.factories import (
    EVERYWHERE,
    NOW,
    make_alert,
    make_route,
    make_spec,
)

MINUTE = dt.timedelta(minutes=1)
WARNING = make_alert("loyal", "overdue", "warning")
CRITICAL = make_alert()


def due(
    *alerts: Alert,
    history: History | None = None,
    now: dt.datetime = NOW,
    observed: Observed = EVERYWHERE,
    digest: str = "15m",
    seen: Seen | None = None,
) -> Letter | None:
    """What a route of this digest is told; `seen` is what earlier rounds saw."""
    known, look = history or History(), Look(alerts, observed, now)
    seen = (seen or Seen()).after(look, known.told)
    return letter(make_route(digest=digest), look, history=known, seen=seen)


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
    [
        Observed(frozenset({"drift"})),
        Observed(EVERYWHERE.kinds, frozenset({"churn"})),
        Observed(EVERYWHERE.kinds, read=frozenset({"loyal"})),
        Observed(EVERYWHERE.kinds, under_way=frozenset({"churn"})),
    ],
    ids=[
        "another kind",
        "the store could not be read",
        "the declaration could not be read",
        "a run that may mend it is under way",
    ],
)
def test_what_was_not_looked_at_is_not_over(observed: Observed) -> None:
    assert due(history=told(CRITICAL, 20 * MINUTE), observed=observed) is None


DAILY = "daily at 08:00"
EIGHT = NOW.replace(hour=8) + dt.timedelta(days=1)


def saw(alert: Alert, at: dt.datetime) -> Seen:
    """What a round at that time saw to be open."""
    return Seen().after(Look([alert], EVERYWHERE, at), [])


@pytest.mark.parametrize("since", [None, NOW - 48 * 60 * MINUTE], ids=["unknown", "long ago"])
def test_a_daily_digest_goes_at_its_hour_and_takes_what_was_seen_before_it(
    since: dt.datetime | None,
) -> None:
    alert = WARNING.model_copy(update={"since": since})
    assert due(alert, digest=DAILY, seen=saw(alert, NOW - 5 * 60 * MINUTE)) == Letter((alert,))
    assert due(alert, digest=DAILY) is None
    seen = saw(alert, NOW)
    assert due(alert, digest=DAILY, now=EIGHT - MINUTE, seen=seen) is None
    assert due(alert, digest=DAILY, now=EIGHT, seen=seen) == Letter((alert,))
    history = told(CRITICAL, 3 * 60 * MINUTE)
    assert due(alert, CRITICAL, digest=DAILY, seen=seen, history=history) is None


def test_what_is_over_waits_for_the_daily_digest_too() -> None:
    history, gone = told(WARNING, 30 * 60 * MINUTE), Look([], EVERYWHERE, NOW)
    seen = Seen().after(gone, history.told)
    assert due(digest=DAILY, history=history) is None
    assert due(digest=DAILY, history=history, now=EIGHT - MINUTE, seen=seen) is None
    assert due(digest=DAILY, history=history, now=EIGHT, seen=seen) == Letter((), (WARNING.key,))


def test_what_a_round_could_not_look_at_is_not_seen_anew() -> None:
    seen = saw(WARNING, NOW).after(Look([], Observed(frozenset({"drift"})), NOW + MINUTE), [])
    later = seen.after(Look([WARNING], EVERYWHERE, NOW + 2 * MINUTE), [])
    assert later.opened == {WARNING.key: NOW}
    assert later.after(Look([], EVERYWHERE, NOW + 3 * MINUTE), []) == Seen()


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


@pytest.mark.parametrize(
    ("matches", "untold"),
    [
        ([{}], None),
        ([{"owners": ("team:crm",)}], "not_started, unreadable"),
        ([{"models": ("churn_*",)}, {"severities": ("warning",)}], "not_started, unreadable"),
        ([{"owners": ("team:crm",)}, {"models": ("*",)}], None),
        ([{"kinds": ("not_started",)}], "unreadable"),
        ([{"kinds": ("not_started",)}, {"kinds": ("unreadable",)}], None),
    ],
)
def test_a_declaration_whose_routes_all_pass_over_the_fleet_is_warned_of(
    matches: list[dict[str, object]], untold: str | None
) -> None:
    warnings = make_spec(*(make_route(match=match) for match in matches)).warnings
    said = f"no route takes critical alerts about the whole fleet ({untold}), such as"
    assert [each.startswith(said) for each in warnings] == ([] if untold is None else [True])


def test_where_nothing_is_routed_there_is_nothing_to_warn_of() -> None:
    assert AlertsSpec().warnings == ()


def test_an_alert_of_the_fleet_goes_where_all_models_do() -> None:
    assert make_route().match.takes(make_alert(None))
    assert make_route(match={"models": ("*",)}).match.takes(make_alert(None))
    assert not make_route(match={"models": ("churn",)}).match.takes(make_alert(None))
