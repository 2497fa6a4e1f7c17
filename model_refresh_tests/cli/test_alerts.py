"""The commands alerts and watchdog: what is open, what is sent, and how they end."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.monitoring.alerts import Known
from model_refresh.monitoring.alerts.life import leave_sign
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now
from model_refresh_tests.alerting.servers import http_server
from model_refresh_tests.cli.terminal import run
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.monitoring.worlds import publish

SECRET = "T0kenOfTheHook"
HOUR = dt.timedelta(hours=1)


def declare(lab: Lab, port: int, more: str = "") -> None:
    """Everything goes to a server of this test, whose address has a token."""
    text = f'allow: ["json://127.0.0.1:{port}", "http://127.0.0.1:{port}"]\n'
    routes = 'routes: [{name: ops, urls: "${HOOK}"}]\n'
    (lab.fleet / "alerts.yaml").write_text(text + routes + more)


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """A model whose refreshes have not come for long, but batches have."""
    newest = lab.model.cadence.floor(utc_now())
    assert newest is not None
    publish(lab.store, newest)
    return lab


def test_what_is_open_is_shown_with_what_works_and_what_tells_more(lab: Lab) -> None:
    told = run(lab, "alerts")
    assert told.code == 0
    first, works, more = told.out.splitlines()[:3]
    assert first.startswith("critical: visits: the refresh of ")
    assert works.startswith("  still works: champion ")
    assert more.startswith("  more: model-refresh plan visits")
    assert f"nobody is told: {lab.fleet / 'alerts.yaml'} declares no route" in told.out
    shown = run(lab, "alerts", "--json").json
    assert shown["sent"] == []
    assert {"kind", "severity", "model", "sentence", "works", "command"} <= shown["open"][0].keys()


def test_the_watchdog_says_what_did_not_run_sends_it_once_and_exits_1(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server() as http:
        declare(lab, http.port)
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/{SECRET}")
        first, again = run(lab, "watchdog"), run(lab, "watchdog")
    assert (first.code, again.code) == (1, 1)
    assert "has not begun" in first.err
    (message,) = http.messages
    assert message["title"].startswith("critical: visits: the refresh of ")
    shown = run(lab, "alerts")
    assert "UTC ops: critical: visits: the refresh of" in shown.out
    assert SECRET not in shown.out + first.err + first.out + run(lab, "alerts", "--json").out


def test_the_watchdog_is_content_where_nothing_is_due_and_lets_the_heartbeat_know(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = lab.again({"schedule.active": False})
    with http_server() as http:
        declare(quiet, http.port, more="heartbeat: ${BEAT}\n")
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/{SECRET}")
        monkeypatch.setenv("BEAT", f"http://127.0.0.1:{http.port}/{SECRET}")
        told = run(quiet, "watchdog")
    assert (told.code, told.out) == (0, "everything that was due has begun\n")
    assert http.paths == [f"/{SECRET}"]


def test_the_watchdog_notices_that_dagster_stopped_looking(lab: Lab) -> None:
    quiet = lab.again({"schedule.active": False})
    leave_sign(Store(quiet.home), Known(), utc_now() - HOUR)
    told = run(quiet, "watchdog", "--json")
    assert told.code == 1
    (alert,) = told.json["overdue"]
    assert alert["sentence"].startswith("Dagster has not looked after the fleet since")


def test_a_test_message_says_whether_it_arrived(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(status=403) as http:
        declare(lab, http.port)
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/{SECRET}")
        told = run(lab, "alerts", "--test", "ops")
    assert told.code == 1
    assert told.last_line == "ops: JSON: Failed to send JSON POST notification: error=403."
    unknown = run(lab, "alerts", "--test", "opps")
    assert unknown.code == 1
    assert "there is no route 'opps'" in unknown.last_line


def test_check_finds_what_is_wrong_with_alerts_yaml(lab: Lab) -> None:
    (lab.fleet / "alerts.yaml").write_text("rotes: []\n")
    told = run(lab, "check")
    assert told.code == 1
    assert "alerts.yaml:1:1 rotes is not known" in told.err
    assert "alerts.yaml:1:1 rotes is not known" in run(lab, "watchdog").err
    shown = run(lab, "alerts").out
    assert f"until {lab.fleet / 'alerts.yaml'} is mended nobody is told: " in shown
    assert "; until this is mended nobody is told of any alert" in shown
    assert "declares no route" not in shown


def test_routes_that_all_pass_over_the_whole_fleet_are_warned_of(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "json://127.0.0.1/")
    text = 'allow: ["json://127.0.0.1"]\nroutes: [{name: crm, urls: "${HOOK}"%s}]\n'
    warning = "warning: alerts.yaml: no route takes critical alerts about the whole fleet"
    (lab.fleet / "alerts.yaml").write_text(text % ", match: {owners: [crm]}")
    assert warning in run(lab, "alerts").out
    assert warning in run(lab, "check").out
    assert warning not in run(lab, "check", NAME).out
    assert list(run(lab, "check", "--json").json["warnings"]) == [NAME, "alerts.yaml"]
    (lab.fleet / "alerts.yaml").write_text(text % "")
    assert warning not in run(lab, "alerts").out + run(lab, "check").out


def test_a_route_that_no_model_can_take_is_warned_of_where_the_whole_fleet_is_read(
    lab: Lab,
) -> None:
    """What only the environment lacks is another matter."""
    lab.again({"owners": ["team:crm"]})
    crm, mistyped = '{owners: ["team:crm"]}', '{models: ["visitz*"], owners: ["team:cmr"]}'
    routes = ", ".join(
        f'{{name: {name}, urls: "${{HOOK}}", match: {match}}}'
        for name, match in [("crm", crm), ("wrong", mistyped), ("ops", "{}")]
    )
    (lab.fleet / "alerts.yaml").write_text(f"routes: [{routes}]\n")
    told = [
        "route 'wrong' is told nothing of match.models 'visitz*': no model of the fleet is called "
        "so, did you mean 'visits'?",
        "route 'wrong' is told nothing of match.owners 'team:cmr': no model of the fleet has that "
        "owner, did you mean 'team:crm'?",
    ]
    assert run(lab, "check", "--json").json["warnings"]["alerts.yaml"] == told
    broken_model(lab)
    assert "is told nothing" not in run(lab, "check").out


def broken_model(lab: Lab) -> None:
    file = lab.folder / "model.yaml"
    file.write_text(file.read_text() + "foo: 1\n")


def broken_defaults(lab: Lab) -> None:
    (lab.fleet / "defaults.yaml").write_text("foo: 1\n")


def no_fleet(lab: Lab) -> None:
    lab.fleet.rename(lab.fleet.with_name("elsewhere"))


def damaged_store(lab: Lab) -> None:
    file = lab.store.champion.path(1)
    file.write_bytes(file.read_bytes().replace(b"2024", b"2025"))


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        (broken_model, None),
        (broken_defaults, "critical: the fleet: "),
        (no_fleet, None),
        (damaged_store, "critical: visits: what is stored of it can't be read"),
    ],
    ids=["a warning waits", "defaults", "no fleet and so no route", "the store"],
)
def test_the_watchdog_says_what_it_could_not_look_at_and_tells_nothing_as_over(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, what: Callable[[Lab], None], sent: str | None
) -> None:
    with http_server() as http:
        declare(lab, http.port, more="heartbeat: ${BEAT}\n")
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/{SECRET}")
        monkeypatch.setenv("BEAT", f"http://127.0.0.1:{http.port}/{SECRET}")
        run(lab, "watchdog")
        what(lab)
        told = run(lab, "watchdog")
    assert told.code == 1
    assert "everything that was due has begun" not in told.out
    assert "can't be read" in told.err or "foo" in told.err or "no such folder" in told.err
    first, *later = [each["title"] for each in http.messages]
    assert first.startswith("critical: visits: the refresh of ")
    assert [sent is not None and title.startswith(sent) for title in later] == [True] * len(later)
    assert len(later) == (sent is not None)
    assert not any("over: " in each["message"] for each in http.messages)
    assert len(http.paths) == len(http.messages)


def test_what_cannot_be_read_is_left_to_the_sensor_while_that_looks(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = lab.again({"schedule.active": False})
    broken_defaults(quiet)
    with http_server() as http:
        declare(quiet, http.port)
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/{SECRET}")
        leave_sign(Store(quiet.home), Known(), utc_now())
        watched = run(quiet, "watchdog")
        assert (watched.code, http.messages) == (1, [])
        (Store(quiet.home).alerts.folder / "alive.json").write_text("not ours")
        assert run(quiet, "watchdog").code == 1
    (message,) = http.messages
    assert "critical: the fleet: unreadable\n" * 2 in message["message"]
    assert "whether Dagster looks after the fleet is not known" in message["message"]


def test_alerts_yaml_is_no_model(fresh: Lab, tmp_path: Path) -> None:
    (fresh.fleet / "alerts.yaml").write_text("routes: []\n")
    assert run(fresh, "check").code == 0
