"""Which alerts are open, from a real store that something happened to, at a moved `now`."""

import datetime as dt
import math
import os
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.alerts import Known, open_alerts
from model_refresh.monitoring.alerts.life import (
    is_watched,
    known_of,
    last_sign,
    leave_sign,
    silence,
    unwatched,
)
from model_refresh.monitoring.lateness import Patience
from model_refresh.records import (
    Alert,
    CheckResult,
    Delivery,
    Drift,
    Entry,
    Graded,
    Interval,
    Order,
    Performance,
    Reason,
    RunFailure,
    Scores,
)
from model_refresh.refresh.champion import AUTOMATIC
from model_refresh.refresh.resume import resume_verdict
from model_refresh.serving.batch.delivery import sink_digest
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import CLOCK, NAME, Lab
from model_refresh_tests.monitoring.worlds import BUG, unreadable

HOUR = dt.timedelta(hours=1)
DIGEST = "0" * 64


@dataclass(frozen=True)
class World:
    """A lab whose store is written at a given time of its own days."""

    lab: Lab

    def at(self, day: int, hour: float = 7) -> dt.datetime:
        """An hour of a day of the lab; the schedule fires at six."""
        return self.lab.day(day) + hour * HOUR

    def store(self, when: dt.datetime) -> ModelStore:
        """The store as somebody at this time writes to it."""
        return Store(self.lab.home, lambda: when).model(NAME)

    def open(self, when: dt.datetime, **known: object) -> list[Alert]:
        """The alerts that are open."""
        shell = Known(**known)  # type: ignore[arg-type]
        store = Store(self.lab.home)
        found = open_alerts([self.lab.model], [], store=store, now=when, known=shell)
        for alert in found.alerts:
            assert alert.sentence
            assert alert.works
            assert "model-refresh" in alert.command
        return list(found.alerts)

    def kinds(self, when: dt.datetime, **known: object) -> list[str]:
        """What they are about."""
        return [alert.kind for alert in self.open(when, **known)]

    def crown(self, when: dt.datetime) -> None:
        """As if the only champion had been promoted then."""
        log = self.lab.store.champion
        entry = log.line(1).record
        log.path(1).unlink()
        self.store(when).champion.append(entry, number=1)

    def publish(self, day: int, when: dt.datetime) -> None:
        """A batch of one day."""
        entry = self.lab.store.champion.lines()[-1].record
        batch = Scores(as_of=self.lab.day(day), frame=DIGEST, entry=entry.number,
                       champion=entry.version, challenger=None, rows=3, content=DIGEST)  # fmt: skip
        self.store(when).scores(self.lab.day(day)).add(batch)

    def grade(self, day: int, when: dt.datetime, **fields: object) -> None:
        """Grades of one day's batch."""
        entry = self.lab.store.champion.lines()[-1].record
        champion = Graded(role="champion", version=entry.version, metrics={"log_loss": 0.6})
        record = Performance(as_of=self.lab.day(day), batch=DIGEST, entry=entry.number,
                             champion=entry.version, primary="log_loss", graded=(champion,))  # fmt: skip
        log = self.store(when).performances(self.lab.day(day))
        log.add(record.model_copy(update=fields))


@pytest.fixture
def world(lab: Lab) -> World:
    """As if only the first day had been refreshed, at its hour; it promoted, and was scored."""
    lab.store.promotions(lab.day(SECOND)).folder.parent.rename(lab.home / "_gone")
    world = World(lab)
    declare(lab, world.at(0))
    world.crown(world.at(FIRST))
    world.publish(FIRST, world.at(FIRST))
    return world


def declare(lab: Lab, when: dt.datetime) -> None:
    """As if model.yaml had been written then."""
    os.utime(lab.folder / "model.yaml", (when.timestamp(), when.timestamp()))


def failure(selection: str, at: dt.datetime, sentence: str = "the disk is full") -> RunFailure:
    partition = f"{at:%Y-%m-%d}"
    return RunFailure(model=NAME, selection=selection, partition=partition, run="r",
                      sentence=sentence, at=at)  # fmt: skip


def failed(*runs: RunFailure) -> dict[tuple[str, str], RunFailure]:
    return {(run.model, run.selection): run for run in runs}


def failed_check(sentence: str) -> tuple[CheckResult, ...]:
    return (CheckResult(name="decay", outcome="failed", sentence=sentence),)


def test_a_model_of_which_all_is_well_raises_none(world: World) -> None:
    assert world.open(world.at(FIRST)) == []
    assert world.open(world.at(SECOND, 7.9)) == []


def test_a_refresh_that_never_began_is_a_dead_mans_alert_once_the_grace_is_over(
    world: World,
) -> None:
    (alert,) = world.open(world.at(SECOND, 8))
    assert (alert.kind, alert.severity) == ("not_started", "critical")
    assert alert.sentence == (
        "the refresh of 2024-01-26 was due at 2024-01-26 06:00 UTC (0 6 * * * UTC) and has not "
        "begun; is Dagster's daemon running, and the schedule on?"
    )
    assert alert.works.endswith("stays in production; the newest scores are those of 2024-01-25")
    assert alert.since == world.at(SECOND, 6)
    assert world.open(world.at(SECOND, 8), grace=3 * HOUR) == []
    later = [a for a in world.open(world.at(SECOND + 1, 8)) if a.kind == "not_started"]
    assert [each.key for each in later] == [alert.key]


@pytest.mark.parametrize("why", ["held", "skipped", "stopped", "queued", "leased", "off"])
def test_what_should_not_have_run_is_not_missed(world: World, why: str) -> None:
    when, known, lab = world.at(SECOND, 9), {}, world.lab
    if why == "held":
        world.store(when).orders.add(Order(kind="hold", who="ann", reason="a migration"))
    if why == "skipped":
        order = Order(kind="skip", as_of=lab.day(SECOND), who="ann", reason="a holiday")
        world.store(when).orders.add(order)
    if why == "stopped":
        known = {"stopped": frozenset({NAME})}
    if why == "queued":
        known = {"under_way": frozenset({NAME})}
    if why == "off":
        world = World(lab.again({"schedule.active": False}))
    with lease(lab.store, holder=Holder.here("a test")) if why == "leased" else nullcontext():
        assert "not_started" not in world.kinds(when, **known)


def test_what_was_due_before_a_model_was_declared_is_not_missed(fresh: Lab) -> None:
    world = World(fresh)
    assert world.kinds(world.at(30)) == []
    declare(fresh, world.at(5))
    assert world.kinds(world.at(30)) == ["not_started"]


def test_the_first_refresh_of_a_new_model_makes_no_earlier_tick_missed(world: World) -> None:
    declare(world.lab, world.at(SECOND, 7))
    world.crown(world.at(SECOND, 7.5))
    assert world.kinds(world.at(SECOND, 9)) == []
    assert "not_started" in world.kinds(world.at(SECOND + 1, 9))


def test_a_file_that_is_written_anew_makes_no_new_model(world: World) -> None:
    began = world.store(world.at(FIRST)).reasons(world.lab.day(FIRST))
    if not began.lines():
        began.add(Reason(kind="demand", as_of=world.lab.day(FIRST), sentence="ann", request="r"))
    declare(world.lab, world.at(SECOND, 7))
    assert "not_started" in world.kinds(world.at(SECOND, 9))


def test_scores_that_are_due_and_missing_are_said_with_the_run_that_failed(world: World) -> None:
    began = world.store(world.at(SECOND)).promotions(world.lab.day(SECOND))
    began.add(world.lab.store.promotions(world.lab.day(FIRST)).lines()[0].record)
    (alert,) = world.open(world.at(SECOND, 9))
    assert (alert.kind, alert.severity) == ("scores_missing", "critical")
    assert alert.sentence == (
        "the scores of 2024-01-26 are due and not there; is Dagster's daemon running, and the "
        "sensor scoring on?"
    )
    run = failure("score", world.at(SECOND, 7))
    (alert,) = world.open(world.at(SECOND, 9), failures=failed(run))
    assert alert.sentence == "the scores of 2024-01-26 are due and not there: the disk is full"
    assert alert.command == "model-refresh score visits --as-of 2024-01-26"


def test_a_failed_run_is_open_until_a_later_one_succeeds(world: World) -> None:
    run = failure("refresh", CLOCK + HOUR, "labels of 2025-12-31: none matched")
    alerts = world.open(CLOCK + 2 * HOUR, failures=failed(run))
    (alert,) = [each for each in alerts if each.kind == "run_failed"]
    assert (alert.severity, alert.since) == ("warning", CLOCK + HOUR)
    assert alert.sentence == "the refresh of 2026-01-02 failed: labels of 2025-12-31: none matched"
    ended = world.lab.store.promotions(world.lab.day(FIRST)).lines()[0].record
    world.store(CLOCK + 2 * HOUR).promotions(world.lab.day(SECOND)).add(ended)
    assert "run_failed" not in world.kinds(CLOCK + 2 * HOUR, failures=failed(run))


def test_a_failed_batch_is_critical_until_one_is_published(world: World) -> None:
    run = failure("score", world.at(SECOND, 6.2))
    (alert,) = world.open(world.at(SECOND, 7), failures=failed(run))
    assert (alert.kind, alert.severity) == ("run_failed", "critical")
    world.publish(SECOND, world.at(SECOND, 6.5))
    assert world.kinds(world.at(SECOND, 7), failures=failed(run)) == []


def test_a_failed_grading_is_open_until_its_own_batch_is_graded(world: World) -> None:
    run = failure("grade", world.at(SECOND)).model_copy(update={"partition": "2024-01-25"})
    world.grade(FIRST, world.at(FIRST))
    world.grade(SECOND, world.at(SECOND) + HOUR / 4)
    (alert,) = world.open(world.at(SECOND) + HOUR / 2, failures=failed(run))
    assert alert.key == f"run_failed|{NAME}|grade"
    world.grade(FIRST, world.at(SECOND) + HOUR / 4)
    assert world.open(world.at(SECOND) + HOUR / 2, failures=failed(run)) == []


def test_a_refresh_that_stopped_without_a_word_of_dagster_is_told_too(lab: Lab) -> None:
    alerts = World(lab).open(World(lab).at(SECOND, 9))
    (alert,) = [each for each in alerts if each.kind == "run_failed"]
    assert "stopped before a verdict" in alert.sentence


def test_a_rejected_challenger_is_told_once_and_not_as_a_failed_run(lab: Lab) -> None:
    world = World(lab)
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    rejected = verdict.model_copy(update={"decision": "reject", "sentence": "labels are off"})
    lab.store.verdicts(lab.day(SECOND)).add(rejected)
    run = failure("refresh", world.at(SECOND))
    alerts = world.open(world.at(SECOND), failures=failed(run))
    (alert,) = [a for a in alerts if a.kind in ("rejected", "run_failed")]
    assert alert.sentence == "the refresh of 2024-01-26 was rejected: labels are off"
    assert alert.command == "model-refresh why visits --as-of 2024-01-26"


def test_a_challenger_that_retained_raises_none(world: World) -> None:
    ended = world.lab.store.promotions(world.lab.day(FIRST)).lines()[0].record
    retained = ended.model_copy(update={"decision": "retain", "as_of": world.lab.day(SECOND)})
    world.store(world.at(SECOND)).promotions(world.lab.day(SECOND)).add(retained)
    world.publish(SECOND, world.at(SECOND))
    assert world.open(world.at(SECOND, 9)) == []


def test_what_waits_for_approval_names_the_command_that_approves(manual: Lab) -> None:
    alerts = World(manual).open(World(manual).at(SECOND))
    (alert,) = [each for each in alerts if each.kind == "waits_for_approval"]
    assert alert.command.startswith("model-refresh promote visits ")


def test_a_champion_older_than_its_model_allows_is_overdue(world: World) -> None:
    old = world.lab.day(FIRST) + world.lab.model.max_age
    assert "overdue" not in world.kinds(old)
    (alert,) = [each for each in world.open(old + HOUR) if each.kind == "overdue"]
    assert (alert.severity, alert.since) == ("warning", old)


@pytest.mark.parametrize(
    ("remedy", "severity", "does"),
    [
        ("alert", "critical", "a person decides"),
        ("refresh", "warning", "a refresh with a wide search is asked for"),
        ("rollback", "warning", "the champion before is being brought back"),
    ],
)
def test_decay_says_what_the_policy_does_about_it(
    world: World, remedy: str, severity: str, does: str
) -> None:
    when = world.at(SECOND)
    world.grade(FIRST, when, checks=failed_check("log loss 0.6 against 0.5"), remedy=remedy)
    (alert,) = world.open(when)
    assert (alert.kind, alert.severity) == ("decayed", severity)
    assert "log loss 0.6 against 0.5" in alert.sentence
    assert does in alert.sentence


def test_a_rollback_by_the_policy_is_told_for_a_week_and_a_persons_is_not(world: World) -> None:
    entry = world.lab.store.champion.lines()[-1].record
    when = world.at(SECOND)

    def roll_back(number: int, who: str) -> None:
        fields = {"number": number, "kind": "rollback", "who": who, "reason": "decay"}
        world.store(when).champion.add(Entry.model_validate({**entry.model_dump(), **fields}))

    roll_back(2, AUTOMATIC)
    assert "rolled_back" in world.kinds(when)
    assert "rolled_back" not in world.kinds(when + dt.timedelta(days=8))
    roll_back(3, "ann")
    assert "rolled_back" not in world.kinds(when)


def test_a_champion_worse_than_no_model_is_critical(world: World) -> None:
    worse = Interval(estimate=-0.02, lower=-0.03, upper=-0.01, confidence=0.95, groups=9)
    graded = Graded(role="champion", version="v", gain_over_constant=worse)
    world.grade(FIRST, world.at(SECOND), graded=(graded,))
    (alert,) = world.open(world.at(SECOND))
    assert (alert.kind, alert.severity) == ("worse_than_constant", "critical")
    assert "worse than the constant by 0.02 (at least 0.01 at 95% confidence)" in alert.sentence
    for upper in (0.0, math.nan):  # too few rows for a bound say nothing
        unsure = worse.model_copy(update={"upper": upper})
        maybe = graded.model_copy(update={"gain_over_constant": unsure})
        world.grade(FIRST, world.at(SECOND), graded=(maybe,))
        assert world.open(world.at(SECOND)) == []


def test_labels_that_should_have_matured_and_are_not_there_are_late(world: World) -> None:
    world.publish(SECOND, world.at(SECOND))
    due = world.lab.day(SECOND) + world.lab.model.sizes.gap
    late = due + 26 * HOUR
    assert [a.sentence for a in world.open(late - HOUR) if "2024-01-26 matured" in a.sentence] == []
    (alert,) = [a for a in world.open(late) if a.kind == "labels_late"]
    assert alert.since == due
    world.grade(SECOND, due, graded=(), notes=("no labels yet",))
    (alert,) = [a for a in world.open(late) if a.kind == "labels_late"]
    assert alert.sentence.endswith("not graded: not graded: no labels yet")
    world.grade(SECOND, due)
    assert "labels_late" not in world.kinds(late)


def test_a_batch_that_did_not_reach_its_sink_is_told_and_where_it_lies(world: World) -> None:
    lab = world.lab.again({"scores.sink": {"sink": "parquet", "path": "out"}})
    sunk = World(lab)
    (alert,) = sunk.open(sunk.at(FIRST, 8))
    assert (alert.kind, alert.severity) == ("scores_undelivered", "critical")
    assert "scores.parquet" in alert.works
    delivery = Delivery(as_of=lab.day(FIRST), batch=DIGEST, sink=sink_digest(lab.model),
                        place="out", rows=3)  # fmt: skip
    lab.store.deliveries(lab.day(FIRST)).add(delivery)
    assert sunk.open(sunk.at(FIRST, 8)) == []


def test_drift_pages_nobody(world: World) -> None:
    drift = Drift(as_of=world.lab.day(FIRST), frame=DIGEST, version="v", entry=1, limits=DIGEST,
                  rows=3, reference_rows=9, checks=failed_check("psi of spend 0.4"))  # fmt: skip
    world.lab.store.drifts(world.lab.day(FIRST)).add(drift)
    (alert,) = world.open(world.at(FIRST))
    assert (alert.kind, alert.severity) == ("drift", "info")


def test_a_model_that_cannot_be_read_and_one_whose_store_is_damaged_delay_no_other(
    world: World,
) -> None:
    file = world.lab.store.champion.path(1)
    file.write_bytes(file.read_bytes().replace(b"2024", b"2025"))
    problems = ["fleet/churn/model.yaml:3:1 name is missing", "fleet/alerts.yaml:1:1 rotes"]
    models = [world.lab.model]
    found = open_alerts(models, problems, store=Store(world.lab.home), now=world.at(FIRST))
    assert {(a.kind, a.severity, a.model) for a in found.alerts} == {
        ("unreadable", "critical", NAME),
        ("unreadable", "warning", "churn"),
        ("unreadable", "warning", None),
    }
    assert not found.observed.covers(f"overdue|{NAME}|")
    assert not found.observed.covers("overdue|churn|")
    assert not found.observed.covers("overdue|churn_de|")
    assert found.observed.covers("overdue||")


def test_a_bug_that_one_model_is_enough_for_is_an_alert_and_delays_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = replace(world.lab.model, spec=world.lab.model.spec.model_copy(update={"name": "odd"}))
    models, store = [odd, world.lab.model], Store(world.lab.home)
    before = open_alerts(models[1:], [], store=store, now=world.at(SECOND, 30))
    unreadable(monkeypatch, "odd", BUG)
    found = open_alerts(models, [], store=store, now=world.at(SECOND, 30))
    assert tuple(alert for alert in found.alerts if alert.model != "odd") == before.alerts
    (alert,) = [alert for alert in found.alerts if alert.model == "odd"]
    assert alert.kind == "unreadable"
    assert alert.sentence == f"it can't be looked at: RuntimeError: {BUG}"


def test_only_where_the_whole_fleet_was_read_is_a_model_that_is_not_there_gone(
    world: World,
) -> None:
    def covers(*problems: str) -> bool:
        models, store = [world.lab.model], Store(world.lab.home)
        found = open_alerts(models, problems, store=store, now=world.at(FIRST))
        assert found.observed.covers(f"decayed|{NAME}|v")
        return found.observed.covers("decayed|geo_web|v")

    assert covers()
    assert covers("fleet/alerts.yaml:1:1 rotes")
    assert not covers("fleet/geo/model.yaml:3:1 for_each")
    assert not covers("fleet/defaults.yaml:1:1 foo (3 models, geo_web among them)")
    assert not covers("fleet: there is no such folder")


@pytest.mark.parametrize(
    "problem",
    [
        "fleet/defaults.yaml:1:1 foo is not known",
        "fleet/geo/defaults.yaml:3:9 engine.url: the environment has no GEO",
        "fleet: there is no such folder; it should hold a folder for each model",
    ],
)
def test_what_keeps_all_models_below_it_from_being_read_is_critical(
    tmp_path: Path, problem: str
) -> None:
    found = open_alerts([], [problem], store=Store(tmp_path), now=CLOCK)
    (alert,) = found.alerts
    assert (alert.kind, alert.severity, alert.model) == ("unreadable", "critical", None)
    assert alert.sentence == problem
    assert alert.works == (
        "models below it are not read: no refresh and no batch of them begins; what is in the "
        "store stays"
    )
    assert found.is_blind


def test_a_fleet_is_blind_only_where_no_model_of_it_can_be_read(world: World) -> None:
    def is_blind(models: list[Model], *problems: str) -> bool:
        store = Store(world.lab.home)
        return open_alerts(models, problems, store=store, now=world.at(FIRST)).is_blind

    problem = "fleet/churn/model.yaml:3:1 name is missing"
    assert is_blind([], problem)
    assert not is_blind([world.lab.model], problem)
    assert not is_blind([])
    assert not is_blind([], "fleet/alerts.yaml:1:1 rotes")


@pytest.mark.parametrize("who", ["a run that waits", "a lease"])
def test_what_a_run_that_is_under_way_may_mend_is_not_over_before_its_end(
    world: World, who: str
) -> None:
    when, store = world.at(SECOND, 9), Store(world.lab.home)
    ended = world.lab.store.promotions(world.lab.day(FIRST)).lines()[0].record
    world.store(world.at(SECOND)).promotions(world.lab.day(SECOND)).add(ended)
    (missing,) = world.open(when)
    assert missing.kind == "scores_missing"
    known = Known(under_way=frozenset({NAME} if who == "a run that waits" else {}))
    holder = Holder.here("a test")
    with lease(world.lab.store, holder=holder) if who == "a lease" else nullcontext():
        found = open_alerts([world.lab.model], [], store=store, now=when, known=known)
    assert found.alerts == ()
    for key in (missing.key, f"not_started|{NAME}|", f"run_failed|{NAME}|score"):
        assert not found.observed.covers(key)
    for key in (f"decayed|{NAME}|v", "scores_missing|other|", "not_started||dagster"):
        assert found.observed.covers(key)


def test_the_worst_comes_first(world: World) -> None:
    world.grade(FIRST, world.at(SECOND), checks=failed_check("worse"), remedy="alert")
    late = world.lab.day(FIRST) + world.lab.model.max_age + 9 * HOUR
    severities = [alert.severity for alert in world.open(late)]
    assert severities == sorted(severities)
    assert world.kinds(late)[:2] == ["scores_missing", "not_started"]


def test_a_sensor_that_stopped_looking_is_itself_a_dead_mans_alert(world: World) -> None:
    store, now = Store(world.lab.home), world.at(SECOND)
    assert last_sign(store) is None
    assert silence(None, now) is None
    run = failure("score", now)
    known = Known(
        failures=failed(run),
        under_way=frozenset({NAME}),
        stopped=frozenset({"off"}),
        started={"on": now},
    )
    leave_sign(store, known, now)
    sign = last_sign(store)
    assert sign is not None
    assert silence(sign, now + HOUR / 4) is None
    alert = silence(sign, now + HOUR)
    assert alert is not None
    assert alert.sentence.startswith(
        "Dagster has not looked after the fleet since 2024-01-26 07:00"
    )
    again = sign.known(2 * HOUR, now)
    assert again.under_way == {NAME}
    assert again.stopped == {"off"}
    assert again.started == {"on": now}
    assert sign.known(2 * HOUR, now + HOUR).under_way == frozenset()
    assert sign.known(2 * HOUR, now + HOUR).failures == failed(run)


def test_a_sign_that_cannot_be_read_is_not_taken_for_none(world: World) -> None:
    store, now = Store(world.lab.home), world.at(SECOND)
    assert (unwatched(store, now), is_watched(store, now)) == (None, False)
    leave_sign(store, Known(), now)
    assert (unwatched(store, now), is_watched(store, now)) == (None, True)
    assert is_watched(store, now + HOUR) is False
    file = store.alerts.folder / "alive.json"
    file.write_text('{"at": "2024-')
    damaged = unwatched(store, now)
    file.unlink()
    file.symlink_to("elsewhere")
    linked = unwatched(store, now)
    for alert in (damaged, linked):
        assert alert is not None
        assert (alert.kind, alert.severity) == ("unreadable", "critical")
        assert alert.sentence.startswith("whether Dagster looks after the fleet is not known: ")
    assert is_watched(store, now) is False
    assert known_of(store, now, HOUR).patience == Patience(HOUR)
