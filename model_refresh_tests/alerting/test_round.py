"""A round of telling: nothing is lost, repeated or held up, whoever crashes or doesn't answer."""

import datetime as dt
import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import ValidationError

from model_refresh.alerting import AlertsSpec, Observed, tell, try_route
from model_refresh.alerting.round import Round
from model_refresh.alerting.task import Outcome, Task
from model_refresh.alerting.told import recent
from model_refresh.errors import ConfigError, StoreWriteError
from model_refresh.monitoring.alerts import FleetAlerts
from model_refresh.pipeline.alerts import tell_fleet
from model_refresh.records import Alert, SentAlert
from model_refresh.storage import Store
from model_refresh_tests.alerting.factories import (
    EVERYWHERE,
    NOW,
    Postman,
    make_alert,
    make_route,
    make_spec,
)

MINUTES = dt.timedelta(minutes=1)
FLOOD = tuple(make_alert(f"m{number:03}") for number in range(300))


@dataclass
class World:
    """A store whose clock is moved, and a postman."""

    root: Path
    now: dt.datetime = NOW
    post: Postman = field(default_factory=Postman)
    came: Round = field(default_factory=Round)

    @property
    def store(self) -> Store:
        """The store as a process that was just started opens it."""
        return Store(self.root, lambda: self.now)

    def round(
        self, *alerts: Alert, spec: AlertsSpec | None = None, observed: Observed = EVERYWHERE
    ) -> list[SentAlert]:
        """What one round sends."""
        given = spec or make_spec()
        self.came = tell(self.store, given, alerts, observed=observed, now=self.now, by=self.post)
        return list(self.came.sent)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_restart_neither_loses_nor_repeats(world: World) -> None:
    world.round(make_alert())
    for _ in range(3):
        world.now += 5 * MINUTES
        assert world.round(make_alert()) == []
    (over,) = world.round()
    assert over.resolved == (make_alert().key,)
    world.now += 60 * MINUTES
    assert world.round() == []
    assert world.post.titles == [
        "critical: churn: the scores are due",
        "over: churn: scores missing",
    ]


def test_a_crash_between_sending_and_recording_repeats_that_message_alone(world: World) -> None:
    spec = make_spec(make_route("a", "${A}"), make_route("b", "${B}"))

    def die(task: Task) -> Outcome:
        world.post(task)
        if task.url == "${B}":
            raise KeyboardInterrupt
        return Outcome(delivered=True)

    with pytest.raises(KeyboardInterrupt):
        tell(world.store, spec, [make_alert()], observed=EVERYWHERE, now=NOW, by=die)
    assert [each.route for each in world.round(make_alert(), spec=spec)] == ["b"]
    assert [task.url for task in world.post.tasks] == ["${A}", "${B}", "${B}"]


def test_three_hundred_models_that_fail_at_once_are_one_message(world: World) -> None:
    (sent,) = world.round(*FLOOD)
    assert len(sent.told) == 300
    assert len(world.post.tasks) == 1
    world.now += 5 * MINUTES
    assert world.round(*FLOOD) == []


def test_a_flood_that_trickles_in_is_few_messages(world: World) -> None:
    for seen in range(3, 301, 3):
        world.now += 1.5 * MINUTES
        world.round(*FLOOD[:seen])
    world.now += 15 * MINUTES
    world.round(*FLOOD)
    told = [key for line in world.store.alerts.lines() for key in line.record.told]
    assert len(told) == len(set(told)) == 300
    assert len(world.post.tasks) <= 14


def test_a_failed_message_is_kept_and_tried_again_later(world: World) -> None:
    world.post.failing = ["${URL}"]
    (failed,) = world.round(make_alert())
    assert (failed.delivered, failed.failure) == (False, "no answer")
    assert world.round(make_alert()) == []
    world.now += MINUTES
    world.post.failing = []
    (sent,) = world.round(make_alert())
    assert sent.delivered
    assert sent.told == (make_alert().key,)


def test_while_a_message_waits_for_another_try_not_all_is_told(world: World) -> None:
    world.round()
    assert world.came.is_told
    world.post.failing = ["${URL}"]
    world.round(make_alert())
    assert not world.came.is_told
    assert world.round(make_alert()) == []
    assert not world.came.is_told
    world.round()
    assert world.came.is_told


def test_the_heartbeat_is_not_asked_while_a_message_waits_for_another_try(world: World) -> None:
    spec, found = make_spec(heartbeat="${PING}"), FleetAlerts((make_alert(),), EVERYWHERE)
    world.post.failing = ["${URL}"]
    for _ in range(2):
        tell_fleet(world.store, spec, found, now=world.now, by=world.post)
    world.post.failing = []
    world.now += MINUTES
    tell_fleet(world.store, spec, found, now=world.now, by=world.post)
    assert [task.url for task in world.post.tasks] == ["${URL}", "${URL}", "${PING}"]


def test_the_heartbeat_is_not_asked_while_no_model_can_be_read(world: World) -> None:
    spec = make_spec(heartbeat="${PING}")
    for read in (frozenset[str](), frozenset({"churn"}), None):
        found = FleetAlerts((), Observed(EVERYWHERE.kinds, read=read))
        tell_fleet(world.store, spec, found, now=world.now, by=world.post)
        if read == frozenset():
            assert world.post.tasks == []
    assert [task.url for task in world.post.tasks] == ["${PING}", "${PING}"]


def test_a_daily_digest_knows_across_restarts_what_it_saw_and_when(world: World) -> None:
    spec, drift = make_spec(make_route(digest="daily at 12:05")), make_alert(severity="warning")
    assert world.round(drift, spec=spec) == []
    world.now += 4 * MINUTES
    assert world.round(drift, spec=spec) == []
    world.now += MINUTES
    assert world.round(drift, make_alert("loyal", severity="warning"), spec=spec)
    (world.store.alerts.folder / "seen.json").write_text("not ours")
    world.now += MINUTES
    assert world.round(make_alert("late", severity="warning"), spec=spec) == []


def test_an_address_that_fails_comes_last_and_holds_up_no_other(world: World) -> None:
    spec = make_spec(make_route("a", "${A}"), make_route("b", "${B}"))
    world.post.failing = ["${A}"]
    world.round(make_alert(), spec=spec)
    world.now += 2 * MINUTES
    world.round(make_alert(), make_alert("loyal"), spec=spec)
    assert [task.url for task in world.post.tasks] == ["${A}", "${B}", "${B}", "${A}"]


def test_of_two_addresses_of_a_route_only_the_one_that_failed_is_tried_again(world: World) -> None:
    both = make_route().model_copy(update={"urls": ("${A}", "${B}")})
    world.post.failing = ["${B}"]
    world.round(make_alert(), spec=make_spec(both))
    world.now += MINUTES
    world.post.failing = []
    (again,) = world.round(make_alert(), spec=make_spec(both))
    assert again.route == "ops[2]"
    assert world.post.tasks[-1].url == "${B}"


def test_while_another_process_tells_nothing_is_sent(world: World) -> None:
    world.round()
    descriptor = os.open(world.store.alerts.folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert world.round(make_alert()) == []
    finally:
        os.close(descriptor)
    assert len(world.round(make_alert())) == 1


def test_a_damaged_line_of_the_log_silences_nobody(world: World) -> None:
    world.round(make_alert())
    world.store.alerts.path(1).chmod(0o600)
    world.store.alerts.path(1).write_bytes(b"{}")
    assert [each.told for each in world.round(make_alert())] == [(make_alert().key,)]


def test_on_a_full_disk_nothing_is_sent_that_could_not_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise StoreWriteError("no space left")

    monkeypatch.setattr("model_refresh.alerting.round.replace_file", full)
    with pytest.raises(StoreWriteError):
        world.round(make_alert())
    assert world.post.tasks == []


def test_the_log_holds_no_address(world: World) -> None:
    world.round(make_alert())
    assert "${URL}" not in world.store.alerts.path(1).read_text()


def test_a_test_goes_to_every_address_and_is_no_news(world: World) -> None:
    spec = make_spec(make_route(), make_route("other"))
    (sent,) = try_route(world.store, spec, "other", by=world.post)
    assert (sent.kind, sent.route, sent.delivered) == ("test", "other", True)
    assert len(world.round(make_alert(), spec=spec)) == 2
    with pytest.raises(
        ConfigError, match=r"no route 'otter' in alerts\.yaml; there are ops, other"
    ):
        try_route(world.store, spec, "otter", by=world.post)


@pytest.mark.parametrize("digest", ["48h", "2880m"])
def test_the_longest_digest_still_knows_what_it_told(world: World, digest: str) -> None:
    spec, still = make_spec(make_route(digest=digest)), make_alert(severity="warning")
    gone = make_alert("gone", severity="warning")
    world.round(still, gone, spec=spec)
    for _ in range(95):
        world.now += 60 * MINUTES
        world.round(still, spec=spec)
    assert [len(line.record.told) for line in world.store.alerts.lines()] == [2, 1]
    assert world.store.alerts.lines()[1].record.resolved == (gone.key,)


@pytest.mark.parametrize("digest", ["49h", "2881m", "9999h"])
def test_a_digest_longer_than_what_was_told_is_remembered_is_refused(digest: str) -> None:
    with pytest.raises(ValidationError, match="accepted: 15m, 1h, up to 48h"):
        make_route(digest=digest)


def test_only_the_last_days_of_the_log_are_read(world: World) -> None:
    for _ in range(12):
        world.now += dt.timedelta(hours=12)
        world.store.alerts.add(SentAlert(route="x", severity="info", sentence="", delivered=True))
    assert [line.number for line in recent(world.store.alerts)] == list(range(12, 3, -1))
