"""A message is text: what data say is shown, never interpreted, and never without end."""

import pytest

from model_refresh.alerting.due import Letter
from model_refresh.alerting.text import message, plain
from model_refresh.records import AlertKind
from model_refresh_tests.alerting.factories import make_alert


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<img src=x onerror=alert(1)>", "\u2039img src=x onerror=alert(1)\u203a"),
        ("<!channel> go", "\u2039!channel\u203a go"),
        ("[here](http://evil.example)", "(here)(http: //evil.example)"),
        ("@everyone", "(at)everyone"),
        ("`rm -rf`", "'rm -rf'"),
        ("**bold**", "\u2217\u2217bold\u2217\u2217"),
        ("&lt;b&gt;", "+lt;b+gt;"),
        ("a\r\nBcc: all(at)example.com", "a Bcc: all(at)example.com"),
        ("a\x1b[31mred", "a(31mred"),
        ("left\u202eright", "leftright"),
        ("zero\u200bwidth", "zerowidth"),
        ("days_since_order", "days_since_order"),
    ],
)
def test_nothing_in_a_sentence_is_markup_a_link_or_a_mention(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


def test_an_alert_says_what_happened_what_works_and_what_tells_more() -> None:
    alert = make_alert(sentence="it broke", works="the rest", command="model-refresh why churn")
    told = message(Letter((alert,)))
    assert told.title == "critical: churn: it broke"
    assert told.body.splitlines() == [
        "critical: churn: it broke",
        "  still works: the rest",
        "  more: model-refresh why churn",
    ]


def test_three_hundred_alerts_are_one_short_message_that_names_ten() -> None:
    alerts = tuple(make_alert(f"m{number:03}", sentence="x" * 9999) for number in range(300))
    told = message(Letter(alerts))
    assert told.title == "critical: 300 alerts of 300 models: scores missing 300"
    assert told.body.startswith("the first 10 of 300; all: model-refresh alerts\n")
    assert [name for name in ("m000", "m009", "m010") if name in told.body] == ["m000", "m009"]
    assert len(told.body) < 6000


SHORTEST = 1000
"""So many characters Teams' workflows take, the fewest of the services that cut off the rest."""


def test_what_a_service_cuts_off_is_detail() -> None:
    kinds: tuple[AlertKind, ...] = ("scores_undelivered", "worse_than_constant")
    alerts = tuple(
        make_alert(f"churn_{number:02}", kinds[number % 2], sentence="x" * 300)
        for number in range(10)
    )
    over = tuple(f"worse_than_constant|loyal_{number:02}|v" for number in range(10))
    told = message(Letter(alerts, over))
    shown = f"{told.title}\n{told.body}"[:SHORTEST]
    assert "critical: churn_00: scores undelivered\n" in shown
    assert "critical: churn_09: worse than constant\n" in shown
    assert "over: loyal_09: worse than constant\n\n" in shown
    assert told.body.count("  still works: the champion") == 10


def test_what_is_over_is_named() -> None:
    told = message(Letter((), ("overdue|churn|", "not_started||dagster")))
    assert told.title == "2 alerts are over"
    assert told.body == "over: churn: overdue\nover: the fleet: not started"


def test_a_title_is_one_line_of_bounded_length() -> None:
    title = message(Letter((make_alert("m", sentence="a\nSubject: b " * 99),))).title
    assert "\n" not in title
    assert len(title) <= 150
