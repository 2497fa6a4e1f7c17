"""Real messages to real servers: what arrives, and what is refused before it leaves."""

import email
import time
from collections.abc import Iterator
from email.message import Message as Mail

import pytest

from model_refresh.alerting import ping
from model_refresh.alerting.due import Letter
from model_refresh.alerting.sending import message_task, send
from model_refresh.alerting.task import Outcome, without_secrets
from model_refresh.alerting.text import message
from model_refresh_tests.alerting.factories import make_alert, make_spec
from model_refresh_tests.alerting.servers import (
    Received,
    http_server,
    silent_server,
    smtp_server,
)

PASSWORD, TOKEN = "hunter2secret", "T0kenOfTheHook"
HOSTILE = make_alert(sentence="column '<b>x</b>\r\nBcc: all@example.com' [is](http://evil.example)")


@pytest.fixture
def http() -> Iterator[Received]:
    with http_server() as received:
        yield received


def sent(
    monkeypatch: pytest.MonkeyPatch, url: str, *allow: str, timeout_seconds: float = 20.0
) -> Outcome:
    """What became of the hostile alert, sent to an address that the environment gives."""
    monkeypatch.setenv("URL", url)
    spec = make_spec(allow=allow, timeout_seconds=timeout_seconds)
    outcome = send(message_task(spec, "${URL}", message(Letter((HOSTILE,))), "critical"))
    assert PASSWORD not in str(outcome)
    assert TOKEN not in str(outcome)
    return outcome


def test_a_webhook_receives_title_text_and_severity(
    http: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"json://ann:{PASSWORD}@127.0.0.1:{http.port}/{TOKEN}"
    assert sent(monkeypatch, url, f"json://127.0.0.1:{http.port}") == Outcome(delivered=True)
    (told,) = http.messages
    assert told["type"] == "failure"
    assert told["title"].startswith("critical: churn: column '\u2039b\u203ax\u2039/b\u203a Bcc:")
    assert "still works: the champion\n  more: look" in told["message"]
    assert "://" not in told["message"]
    assert http.paths == [f"/{TOKEN}"]


def test_a_mail_arrives_as_plain_text_with_no_header_of_the_datas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with smtp_server() as smtp:
        url = f"mailto://127.0.0.1:{smtp.port}?from=a@x.example&to=ops@x.example&mode=insecure"
        outcome = sent(monkeypatch, url, f"mailto://127.0.0.1:{smtp.port}")
    assert outcome.failure is None
    (raw,) = smtp.bodies
    mail = email.message_from_bytes(raw)
    assert mail["To"] == "ops@x.example"
    assert mail["Bcc"] is None
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert {part.get_content_type() for part in parts} == {"text/plain"}
    assert "still works: the champion" in _text(parts[0])
    assert "<b>" not in _text(parts[0])


@pytest.mark.parametrize(
    ("allow", "refusal"),
    [
        ("xml://127.0.0.1", "json:// is not allowed: add json://HOST to allow in alerts.yaml"),
        ("json://127.0.0.1:1", "is not allowed, nothing was sent there: add json://127.0.0.1:"),
    ],
)
def test_what_is_not_on_the_list_is_refused_before_any_connection(
    http: Received, monkeypatch: pytest.MonkeyPatch, allow: str, refusal: str
) -> None:
    outcome = sent(monkeypatch, f"json://127.0.0.1:{http.port}/{TOKEN}", allow)
    assert refusal in (outcome.failure or "")
    assert not outcome.passing
    assert http.paths == []


def test_a_service_that_hides_its_host_is_held_to_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN}IiajkdnlazkcOXrIde/#ops"
    outcome = sent(monkeypatch, url, "slack://slack.example")
    assert "hooks.slack.com:443 is not allowed, nothing was sent there" in (outcome.failure or "")


def test_a_service_of_this_machine_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = sent(monkeypatch, "syslog://", "json://127.0.0.1")
    assert outcome.failure == "syslog:// reaches this machine and no host: it is never allowed"


def test_a_redirect_is_not_followed_not_even_to_an_allowed_host(
    http: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server(307, f"http://127.0.0.1:{http.port}/") as first:
        url = f"json://127.0.0.1:{first.port}/?redirect=yes"
        outcome = sent(monkeypatch, url, "json://127.0.0.1")
    assert outcome.failure == "JSON: Failed to send JSON POST notification: error=307."
    assert len(first.paths) == 1
    assert http.paths == []


def test_a_proxy_of_the_environment_must_be_allowed_too(
    http: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    outcome = sent(monkeypatch, "json://hooks.example/", "json://hooks.example")
    assert "proxy.example:3128 is not allowed" in (outcome.failure or "")


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with silent_server() as port:
        outcome = sent(monkeypatch, f"json://127.0.0.1:{port}/", "json://127.0.0.1",
                       timeout_seconds=0.2)  # fmt: skip
    assert not outcome.delivered
    assert outcome.passing
    assert time.monotonic() - began < 15


def test_a_variable_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTBEAT", raising=False)
    outcome = ping(make_spec(heartbeat="${HEARTBEAT}"))
    assert outcome is not None
    assert outcome.failure == "the environment has no HEARTBEAT: set it where the sender runs"


def test_a_heartbeat_is_asked_and_no_other_host_for_it(
    http: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTBEAT", f"http://127.0.0.1:{http.port}/{TOKEN}")
    here = f"http://127.0.0.1:{http.port}"
    assert ping(make_spec(heartbeat="${HEARTBEAT}", allow=(here,))) == Outcome(delivered=True)
    assert http.paths == [f"/{TOKEN}"]
    refused = ping(make_spec(heartbeat="${HEARTBEAT}", allow=("http://other.example",)))
    assert refused is not None
    assert "is not allowed" in (refused.failure or "")
    assert TOKEN not in str(refused)
    assert ping(make_spec()) is None
    assert http.paths == [f"/{TOKEN}"]


def test_no_part_of_an_address_is_left_in_a_text() -> None:
    url = "slack://T1JJ3T3L2/A1B%20TD4JD/hooktoken?password=hunter2&x=y"
    text = "POST /T1JJ3T3L2/A1B TD4JD/hooktoken (hunter2)\nat hooks.slack.com failed"
    shown = without_secrets(text, url, ["hooks.slack.com", "slack"])
    assert shown == "POST /***/A1B ***/*** (***) at hooks.slack.com failed"


def _text(mail: Mail) -> str:
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()
