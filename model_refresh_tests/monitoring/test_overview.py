"""A row a model: which state it is in and why, from a real store that something happened to."""

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pytest

from model_refresh.monitoring.alerts import Known, open_alerts
from model_refresh.monitoring.alerts.life import leave_sign
from model_refresh.monitoring.overview import Memo, fleet_rows, overview
from model_refresh.monitoring.overview.fleet import name_of
from model_refresh.monitoring.state import read_state
from model_refresh.pipeline.overview import FOLDER, MEMO, write_overview
from model_refresh.records import (
    CheckResult,
    Drift,
    FleetRow,
    Graded,
    Order,
    Performance,
    Promised,
    Reason,
    Scores,
    Verdict,
)
from model_refresh.refresh.resume import resume_verdict
from model_refresh.storage import Store
from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import CLOCK, NAME, Lab
from model_refresh_tests.monitoring.worlds import BUG, DAY, crown, unreadable

HOUR = dt.timedelta(hours=1)
DIGEST = "0" * 64


def row_of(lab: Lab, now: dt.datetime | None = None, memo: Memo | None = None) -> FleetRow:
    when = now or lab.day(FIRST) + 7 * HOUR
    return overview(read_state(lab.model, lab.store, when), memo or Memo())


def publish(lab: Lab, number: int) -> None:
    entry = lab.store.champion.line(1).record
    batch = Scores(as_of=lab.day(number), frame=DIGEST, entry=1, champion=entry.version, challenger=None, rows=300, content=DIGEST)  # fmt: skip
    assert lab.store.scores(lab.day(number)).append(batch, number=1)


@pytest.fixture
def well(lab: Lab) -> Lab:
    """As if only the first day had been refreshed, which promoted, and scored."""
    lab.store.promotions(lab.day(SECOND)).folder.parent.rename(lab.home / "_gone")
    publish(lab, FIRST)
    long_ago = lab.day(0).timestamp()
    os.utime(lab.folder / "model.yaml", (long_ago, long_ago))
    return lab


def failed_check(sentence: str) -> tuple[CheckResult, ...]:
    return (CheckResult(name="c", outcome="failed", sentence=sentence),)


def grade(lab: Lab, number: int, *, realised: float, decayed: bool = False) -> None:
    entry = lab.store.champion.line(1).record
    record = Performance(
        as_of=lab.day(number), batch=DIGEST, entry=1, champion=entry.version, primary="log_loss",
        rows=300, graded=(Graded(role="champion", version=entry.version, metrics={"log_loss": realised}),),
        promised=(Promised(metric="log_loss", value=0.5, realised=realised),),
        checks=failed_check("log loss is worse") if decayed else (),
    )  # fmt: skip
    assert lab.store.performances(lab.day(number)).append(record, number=1)


def measure_drift(lab: Lab, number: int, *, found: bool) -> None:
    record = Drift(
        as_of=lab.day(number), frame=DIGEST, version="v", entry=1, limits=DIGEST, rows=300,
        reference_rows=900, weighted=0.31, checks=failed_check("spend: psi 0.41") if found else (),
    )  # fmt: skip
    assert lab.store.drifts(lab.day(number)).append(record, number=1)


def order(lab: Lab, **fields: object) -> None:
    number = len(lab.store.orders.lines()) + 1
    record = Order.model_validate({"kind": "hold", "who": "ann", "reason": "a migration"} | fields)
    assert lab.store.orders.append(record, number=number)


def test_a_model_in_production_is_fresh_and_its_row_says_since_when(well: Lab) -> None:
    row = row_of(well)
    assert (row.state, row.also, row.needs_person) == ("fresh", (), False)
    assert row.champion == well.store.champion.line(1).record.version
    assert (row.champion_as_of, row.age) == (well.day(FIRST), 7 * 3600)
    assert (row.refreshed, row.decision) == (well.day(FIRST), "promote")
    assert row.max_age == well.model.max_age.total_seconds()
    assert row.next_run == well.day(SECOND) + 6 * HOUR


def test_what_a_refresh_used_is_summed_and_counts_for_a_week(well: Lab) -> None:
    at = well.day(FIRST)
    candidates = [well.store.candidates(at, name).last() for name in ("constant", "linear")]
    steps = (
        well.store.datasets(at), well.store.comparisons(at), well.store.challengers(at)
    )  # fmt: skip
    costs = [line.cost for line in (*candidates, *(log.last() for log in steps)) if line]
    assert len(costs) == 5
    assert all(costs)
    used = sum(cost.cpu_seconds for cost in costs if cost)
    assert used > 0
    row = row_of(well, CLOCK + HOUR)
    assert row.cpu_seconds == pytest.approx(used)
    assert row.week_cpu_seconds == pytest.approx(used)
    assert row_of(well, CLOCK + dt.timedelta(days=8)).week_cpu_seconds == 0


def test_before_its_first_refresh_a_model_is_new(fresh: Lab) -> None:
    row = row_of(fresh, fresh.day(0))
    assert (row.state, row.needs_person, row.champion, row.cpu_seconds) == (
        "new",
        False,
        None,
        None,
    )
    assert row.sentence.startswith("the first refresh is possible on 2024-01-")


def test_a_refresh_that_stopped_has_failed_unless_somebody_is_at_it(lab: Lab) -> None:
    row = row_of(lab, lab.day(SECOND) + 7 * HOUR)
    assert (row.state, row.decision, row.needs_person) == ("failed", None, True)
    assert "stopped before a verdict" in row.sentence
    with lease(lab.store, holder=Holder.here("a test")):
        row = row_of(lab, lab.day(SECOND) + 7 * HOUR)
    assert row.state == "fresh"
    assert row.decision_sentence == "under way: a test"


def test_a_rejected_challenger_needs_a_person(lab: Lab) -> None:
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    rejected: Verdict = verdict.model_copy(
        update={"decision": "reject", "sentence": "labels are off"}
    )
    lab.store.verdicts(lab.day(SECOND)).append(rejected, number=2)
    row = row_of(lab, lab.day(SECOND) + 7 * HOUR)
    assert (row.state, row.decision, row.sentence) == ("rejected", "reject", "labels are off")


def test_what_waits_for_approval_is_named(manual: Lab) -> None:
    row = row_of(manual, manual.day(SECOND) + 7 * HOUR)
    assert (row.state, row.decision) == ("waiting", "wait")
    assert row.sentence.endswith("passed everything and waits for approval")


def test_grades_make_a_line_and_decay_is_told_of_the_champion_that_is(well: Lab) -> None:
    grade(well, FIRST - 1, realised=0.48)
    grade(well, FIRST, realised=0.6, decayed=True)
    row = row_of(well)
    assert (row.state, row.sentence) == ("decayed", "log loss is worse")
    assert [(p.realised, p.promised) for p in row.performance] == [(0.48, 0.5), (0.6, 0.5)]
    assert row.metric == "log loss"


def drift_told(lab: Lab, now: dt.datetime) -> tuple[str, str]:
    """The sentence of the row, and of the alert: one rule has both."""
    row, known = row_of(lab, now), Known()
    found = open_alerts([lab.model], [], store=Store(lab.home), now=now, known=known).alerts
    (alert,) = [each for each in found if each.kind == "drift"]
    assert (row.state, row.needs_person, row.drift) == ("drifted", False, 0.31)
    return row.sentence, alert.sentence


def test_drift_is_told_alike_by_page_and_alert_and_what_follows(well: Lab) -> None:
    measure_drift(well, FIRST, found=True)  # against the champion that its own refresh promoted
    said = (
        "the frame of 2024-01-25 has drifted: spend: psi 0.41; its refresh had begun: the next one "
        "searches wide"
    )
    assert drift_told(well, well.day(FIRST) + 7 * HOUR) == (said, said)
    measure_drift(well, SECOND, found=True)
    row, alert = drift_told(well, well.day(SECOND) + HOUR)
    assert row == alert
    assert row.endswith("; triggers.drift asks for an early refresh, which searches wide")
    off = well.again({"triggers.drift": False})
    row, _ = drift_told(off, well.day(SECOND) + HOUR)
    assert row.endswith("; triggers.drift is off: no refresh follows from it")


def test_drift_from_what_an_earlier_champion_learned_from_is_told_no_more(well: Lab) -> None:
    measure_drift(well, FIRST, found=True)
    crown(well.store, well.day(FIRST))
    assert row_of(well).state == "fresh"


def test_a_model_that_never_won_a_champion_is_overdue_for_page_and_alerts(well: Lab) -> None:
    well.store.champion.path(1).unlink()
    ended = well.store.promotions(well.day(FIRST))
    (line,) = ended.lines()
    ended.append(
        line.record.model_copy(update={"decision": "retain", "sentence": "retain: not better"}),
        number=2,
    )
    began = read_state(well.model, well.store, CLOCK).first_began
    assert began is not None
    until = began + well.model.max_age
    assert "overdue" not in (row_of(well, until).state, *row_of(well, until).also)
    row = row_of(well, until + DAY)
    assert (row.state, row.needs_person, "new" in row.also) == ("overdue", True, True)
    assert row.sentence == (
        "no champion yet, 9 days after the first refresh began on 2026-01-02: champion.max_age is "
        "8d; the newest refresh, of 2024-01-25: retain: not better"
    )
    assert row.command == "model-refresh why visits"
    found = open_alerts([well.model], [], store=Store(well.home), now=until + DAY).alerts
    (alert,) = [each for each in found if each.kind == "overdue"]
    assert (alert.sentence, alert.command) == (row.sentence, row.command)
    assert (alert.severity, alert.since) == ("warning", until)


def test_a_hold_says_who_and_until_when_and_starts_nothing(well: Lab) -> None:
    order(well, until=well.day(20))
    row = row_of(well)
    assert (row.state, row.next_run, row.needs_person) == ("held", None, False)
    assert row.sentence == "held by ann until 2024-02-04: a migration"
    assert row_of(well, well.day(20)).state != "held"
    order(well, kind="release")
    assert row_of(well).state == "fresh"


def test_a_refresh_that_did_not_begin_is_late_unless_it_was_left_out(well: Lab) -> None:
    publish(well, SECOND)
    due = well.day(SECOND) + 6 * HOUR
    assert row_of(well, due + HOUR).state == "fresh"
    row = row_of(well, due + 3 * HOUR)
    assert (row.state, row.needs_person) == ("late", True)
    assert (
        row.sentence
        == "the refresh of 2024-01-26 was due at 2024-01-26 06:00 UTC and has not begun"
    )
    order(well, kind="skip", as_of=well.day(SECOND))
    assert row_of(well, due + 3 * HOUR).state == "fresh"


def test_scores_that_are_missing_make_a_model_late(well: Lab) -> None:
    order(well, kind="skip", as_of=well.day(SECOND))
    row = row_of(well, well.day(SECOND) + 9 * HOUR)
    assert (row.state, row.sentence) == ("late", "the scores of 2024-01-26 are due and not there")


def test_a_model_without_a_schedule_is_late_only_where_its_scores_are(well: Lab) -> None:
    off = well.again({"schedule.active": False})
    row = row_of(off, well.day(SECOND) + 9 * HOUR)
    assert (row.state, row.sentence) == ("late", "the scores of 2024-01-26 are due and not there")
    publish(off, SECOND)
    row = row_of(off, well.day(SECOND) + 9 * HOUR)
    assert (row.state, row.next_run, row.next_sentence) == ("fresh", None, "no schedule")


def test_a_row_says_that_a_refresh_is_late_and_scores_too_where_they_stay_away_for_longer(
    well: Lab,
) -> None:
    row = row_of(well, well.day(SECOND + 1) + 9 * HOUR)
    assert row.state == "late"
    assert row.sentence == (
        "the refresh of 2024-01-27 was due at 2024-01-27 06:00 UTC and has not begun; "
        "the scores of 2024-01-27 are due and not there"
    )


def test_a_model_declared_just_now_is_not_late(fresh: Lab) -> None:
    assert row_of(fresh, fresh.day(20)).state == "new"
    assert row_of(fresh, fresh.day(20)).sentence == "never refreshed"


def test_the_most_urgent_state_names_the_row_and_the_others_are_told(well: Lab) -> None:
    grade(well, FIRST, realised=0.6, decayed=True)
    row = row_of(well, well.day(FIRST) + well.model.max_age + HOUR)
    assert (row.state, row.also) == ("decayed", ("overdue", "late"))


def test_why_a_refresh_began_is_told(well: Lab) -> None:
    reason = Reason(kind="new_data", as_of=well.day(FIRST), sentence="files changed", request="r")
    log = well.store.reasons(well.day(FIRST))
    log.append(reason, number=len(log.lines()) + 1)
    row = row_of(well)
    assert (row.reason, row.reason_sentence) == ("new_data", "files changed")


def test_a_damaged_store_makes_a_row_that_says_what_to_do(well: Lab) -> None:
    file = well.store.champion.path(1)
    file.write_bytes(file.read_bytes().replace(b"2024", b"2025"))
    row = row_of(well)
    assert (row.state, row.needs_person) == ("unreadable", True)
    assert "restore it from a backup" in row.sentence


def test_a_file_in_place_of_a_folder_makes_a_row_and_not_a_crash(well: Lab) -> None:
    folder = well.store.performances(well.day(FIRST)).folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not ours")
    assert row_of(well).state == "unreadable"


def test_a_bug_that_one_model_is_enough_for_is_told_by_its_row_and_stops_no_other(
    well: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = dataclasses.replace(well.model, spec=well.model.spec.model_copy(update={"name": "odd"}))
    unreadable(monkeypatch, "odd", BUG)
    found = write_overview([odd, well.model], [], store=Store(well.home), now=well.day(FIRST))
    assert [(row.name, row.state) for row in found.rows] == [("odd", "unreadable"), (NAME, "fresh")]
    assert found.rows[0].sentence == f"RuntimeError: {BUG}"


def test_the_page_and_alerts_obey_the_same_grace_and_what_dagster_knows(well: Lab) -> None:
    store, now = Store(well.home), well.day(SECOND) + 9 * HOUR

    def state(grace: dt.timedelta | None = None) -> str:
        found = write_overview([well.model], [], store=store, now=now, grace=grace)
        return found.rows[0].state

    publish(well, SECOND)
    assert (state(), state(4 * HOUR)) == ("late", "fresh")
    leave_sign(store, Known(grace=4 * HOUR), now)
    assert (state(), state(HOUR)) == ("fresh", "late")
    leave_sign(store, Known(stopped=frozenset({NAME})), now)
    assert state() == "fresh"


def blank(file: Path) -> None:
    """Other bytes in a file that looks the same from outside."""
    stat = file.stat()
    file.write_bytes(b" " * stat.st_size)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_line_is_read_once_and_again_where_the_memo_is_lost(well: Lab, tmp_path: Path) -> None:
    grade(well, FIRST, realised=0.48)
    memo, file = Memo(), tmp_path / "memo.json"
    before = row_of(well, memo=memo)
    memo.write(file)
    blank(well.store.performances(well.day(FIRST)).path(1))
    assert row_of(well, memo=Memo.read(file)) == before
    assert row_of(well).state == "unreadable"


def test_a_line_that_changed_is_gleaned_anew(well: Lab) -> None:
    grade(well, FIRST, realised=0.48)
    memo = Memo()
    row_of(well, memo=memo)
    first = well.store.performances(well.day(FIRST)).line(1).record
    again = first.model_copy(
        update={"graded": (Graded(role="champion", version="v", metrics={"log_loss": 0.7}),)}
    )
    well.store.performances(well.day(FIRST)).append(again, number=2)
    assert row_of(well, memo=memo).performance[-1].realised == 0.7


@pytest.mark.parametrize("rubbish", [b"", b"[]", b'{"format": 1}', b'{"format": 0, "kept": {}}', b"\xff"])  # fmt: skip
def test_a_memo_that_is_not_ours_is_an_empty_one(tmp_path: Path, rubbish: bytes) -> None:
    file = tmp_path / "memo.json"
    file.write_bytes(rubbish)
    assert Memo.read(file)._kept == {}


def test_models_that_were_left_out_have_a_row_each_and_come_first(well: Lab) -> None:
    problems = [
        "fleet/torn/model.yaml:7:3 frame.every: '6d' is not accepted",
        "fleet/torn/model.yaml:9:1 another",
        "fleet/defaults.yaml:1:1 what many share (3 models, a among them)",
    ]
    rows = fleet_rows(
        [well.model], problems, store=Store(well.home), memo=Memo(), now=well.day(FIRST)
    )
    assert [row.name for row in rows] == ["defaults.yaml", "torn", NAME]
    assert rows[1].sentence == f"{problems[0]} (and 1 more)"


@pytest.mark.parametrize(
    ("problem", "name"),
    [("/a b/fleet/m/features.sql:3:1 syntax", "m"), ("a/nowhere: there is no such folder", "nowhere"), ("fleet/alerts.yaml:1:1 rotes", "alerts.yaml"), ("odd", "fleet")],
)  # fmt: skip
def test_a_problem_belongs_to_a_folder(problem: str, name: str) -> None:
    assert name_of(problem) == name


def test_the_page_is_written_over_the_one_before_and_links_lead_to_the_store(
    well: Lab, tmp_path: Path
) -> None:
    store, now = Store(well.home), well.day(FIRST) + HOUR
    first = write_overview([well.model], [], store=store, now=now)
    assert first.page == well.home.absolute() / FOLDER / "fleet.html"
    assert f"{NAME}</" in first.page.read_text()
    order(well)
    again = write_overview([well.model], [], store=store, now=now)
    assert "held by ann" in again.page.read_text()
    assert {path.name for path in again.page.parent.iterdir()} == {"fleet.html", MEMO}
    assert store.models() == [NAME]
    out = tmp_path / "elsewhere" / "deep" / "page.html"
    assert write_overview([well.model], [], store=store, now=now, page=out).page == out
    assert out.is_file()
