"""alerts.yaml: every error with its place, and no secret in the file or in what is said of it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from model_refresh.config.alerts import AlertsReading, read_alerts
from model_refresh.config.schema import ALERTS_FILE, alerts_schema_text

SECRET = "T0kenOfTheHook"
SLACK = {"SLACK_URL": f"slack://T1/A1/{SECRET}"}
WHOLE = """\
allow: ["slack://hooks.slack.com", "mailtos://smtp.example.com:587", "https://hc.example"]
routes:
  - name: crm
    urls: ${SLACK_URL}
    match: {models: [churn_*], owners: ["team:crm"], severities: [critical], kinds: [decayed]}
    digest: daily at 08:00
  - name: all
    urls: ["${SLACK_URL}", "mailtos://${USER}:${PASS}@smtp.example.com:587?to=ops@example.com"]
grace: 45m
heartbeat: ${PING}
"""
ENVIRONMENT = {**SLACK, "USER": "ann", "PASS": SECRET, "PING": f"https://hc.example/{SECRET}"}


def read(folder: Path, text: str, environment: Mapping[str, str] = ENVIRONMENT) -> AlertsReading:
    """What is declared by this text."""
    (folder / "alerts.yaml").write_text(text)
    return read_alerts(folder, environment=environment)


def problem(folder: Path, text: str, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """The only problem of this text, without the folder's name."""
    reading = read(folder, text, environment)
    (told,) = reading.problems
    assert SECRET not in told
    return told.removeprefix(f"{folder}/")


def test_a_whole_declaration_is_read_and_holds_no_secret(tmp_path: Path) -> None:
    reading = read(tmp_path, WHOLE)
    assert reading.problems == ()
    assert [route.name for route in reading.spec.routes] == ["crm", "all"]
    assert reading.spec.routes[1].digest == "15m"
    assert reading.spec.grace_time.total_seconds() == 2700
    assert [name for name, _, _ in reading.spec.addresses()] == ["crm", "all", "all[2]"]
    assert SECRET not in repr(reading)


def test_without_the_file_nobody_is_told(tmp_path: Path) -> None:
    assert read_alerts(tmp_path, environment={}) == AlertsReading()
    assert read(tmp_path, "") == AlertsReading()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rotes: []", "alerts.yaml:1:1 rotes is not known; accepted: allow, routes, grace, "
         "timeout_seconds, heartbeat, did you mean 'routes'?"),
        ("[1]", "alerts.yaml:1:1 alerts.yaml is a list; a mapping is needed"),
        ("routes: [{name: a, urls: '${SLACK_URL}', match: {severities: [crit]}}]\n"
         "allow: ['slack://h']",
         "alerts.yaml:1:63 routes[0].match.severities[0] is 'crit'; accepted: info, warning, "
         "critical, did you mean 'critical'?"),
        ("routes:\n- {name: a, urls: '${SLACK_URL}', digest: often}\nallow: ['slack://h']",
         "alerts.yaml:2:43 routes[0].digest: 'often' is not accepted; accepted: 15m, 1h, up to 48h, "
         "daily at 08:00 (UTC)"),
        ("routes:\n- {name: a, urls: '${SLACK_URL}', digest: 49h}\nallow: ['slack://h']",
         "alerts.yaml:2:43 routes[0].digest: '49h' is not accepted; accepted: 15m, 1h, up to 48h, "
         "daily at 08:00 (UTC)"),
        ("allow: ['syslog://localhost']", "alerts.yaml:1:9 allow[0]: syslog:// reaches this "
         "machine and no host: it is never allowed"),
        ("routes: [{name: a, urls: '${SLACK_URL}'}]", "alerts.yaml:1:26 routes[0].urls: slack:// "
         "is not allowed: add slack://HOST to allow (`model-refresh alerts --test ROUTE` names "
         "the host)"),
        ("routes: [{name: a, urls: 'json://hooks.example:8080'}]", "alerts.yaml:1:26 "
         "routes[0].urls: json:// is not allowed: add json://hooks.example:8080 to allow"),
        ("routes: [{name: a, urls: '${SLACK_UR}'}]", "alerts.yaml:1:26 routes[0].urls: the "
         "environment has no SLACK_UR; set it, or give the value"),
        ("routes: [{name: a, urls: '${SLACK-URL}'}]", "alerts.yaml:1:26 routes[0].urls: "
         "'${SLACK-URL}' is no variable; accepted: ${NAME}"),
        ("heartbeat: '${SLACK_URL}'", "alerts.yaml:1:12 heartbeat is a slack:// address; accepted:"
         " https://, http://"),
        ("allow: ['slack://h']\nroutes: [{name: a, urls: '${SLACK_URL}'},"
         " {name: a, urls: '${SLACK_URL}'}]",
         "alerts.yaml:2:50 routes[1].name is 'a', which an earlier route is called"),
        ("allow: [*x]", None),
        ("grace: 2 hours", "alerts.yaml:1:8 grace: '2 hours' is not accepted; accepted: 45m, 2h, "
         "1d"),
        ("allow: x", "alerts.yaml:1:8 allow is 'x': it must be a list"),
        ("routes: [{name: a, urls: []}]",
         "alerts.yaml:1:26 routes[0].urls is a list: it must have at least 1 item"),
        ("routes: [{name: a, urls: '${SLACK_URL}', match: {owners: crm}}]\nallow: ['slack://h']",
         "alerts.yaml:1:58 routes[0].match.owners is 'crm': it must be a list"),
        ("routes: [{name: A B, urls: '${SLACK_URL}'}]\nallow: ['slack://h']",
         "alerts.yaml:1:17 routes[0].name: 'A B' is not accepted; accepted: lower-case letters, "
         "digits and _, a letter first"),
        ("routes: [{name: a, urls: 3}]", "alerts.yaml:1:26 routes[0].urls is 3: it must be a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str | None) -> None:
    told = problem(tmp_path, text)
    assert told.startswith("alerts.yaml:1:") if says is None else told == says


@pytest.mark.parametrize(
    "url",
    [
        f"slack://T1/A1/{SECRET}",
        f"json://ann:{SECRET}@host/",
        f"json://${{USER}}:{SECRET}@host",
        f"json://host/{SECRET}",
        f"json://host?password={SECRET}",
        f"json://host?+X-Key={SECRET}",
        f"json://host#{SECRET}",
        f"https://hooks.slack.com/services/{SECRET}",
        f"mailtos://ann:{SECRET}@smtp.example.com?to=a@example.com",
        f"json://[{SECRET}",
        f"${{URL slack://{SECRET}",
    ],
)
def test_a_secret_in_the_file_is_an_error_that_does_not_show_it(tmp_path: Path, url: str) -> None:
    text = f'allow: ["slack://h", "json://host"]\nroutes: [{{name: a, urls: ["{url}"]}}]'
    reading = read(tmp_path, text)
    assert any("alerts.yaml:2:27 routes[0].urls[0] is written out" in p for p in reading.problems)
    assert SECRET not in str(reading.problems)
    assert reading.spec.routes == ()


@pytest.mark.parametrize(
    "url",
    ["json://127.0.0.1:8080", "mailto://smtp.example.com?from=a@x.de&to=b@x.de",
     "mailtos://${USER}:${PASS}@smtp.example.com/ops@example.com", "json://host/${PASS}"],
)  # fmt: skip
def test_an_address_without_a_secret_may_be_written_out(tmp_path: Path, url: str) -> None:
    allow = "['json://h', 'mailto://h', 'mailtos://h']"
    assert read(tmp_path, f"allow: {allow}\nroutes: [{{name: a, urls: '{url}'}}]").problems == ()


def test_what_only_the_environment_lacks_leaves_the_declaration_whole(tmp_path: Path) -> None:
    reading = read(tmp_path, WHOLE, {})
    assert len(reading.problems) == 4 + 1
    assert len(reading.spec.routes) == 2


def test_the_schema_in_docs_is_current() -> None:
    assert ALERTS_FILE.read_text() == alerts_schema_text()
