"""champion: who is in production, who was at any instant, by frame and by clock, and what waits."""

import datetime as dt

import pytest

from model_refresh.records import Entry
from model_refresh.refresh.override import override, roll_back
from model_refresh.storage import ModelStore, Store
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

KEYS = ["number", "prev", "kind", "as_of", "version", "artifact", "trial", "verdict", "challenger",
        "who", "reason", "recorded_at", "waiting", "hold"]  # fmt: skip
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def at_clock(lab: Lab, now: dt.datetime) -> ModelStore:
    """The lab's store at another time of the clock."""
    return Store(lab.home, lambda: now).model(NAME)


def asked(lab: Lab, at: str, *options: str) -> int | None:
    """The number of the entry that `champion --at` tells."""
    told = run(lab, "champion", NAME, "--at", at, *options, "--json").json
    return int(told["number"]) if told else None


def test_the_champion_is_told_with_its_verdict_and_since_when(lab: Lab) -> None:
    entry = lab.store.champion.line(1).record
    verdict = str(entry.verdict)[:16]
    assert run(lab, "champion", NAME).out.splitlines() == [
        f"{entry.version} since 2024-01-25",
        f"  promotion by model_refresh: {entry.reason}",
        f"  entry 1 of the champion log, verdict {verdict}, recorded 2026-01-02T03:04:00Z",
    ]
    told = run(lab, "champion", NAME, "--json").json
    assert list(told) == KEYS
    assert (told["version"], told["waiting"]) == (entry.version, None)
    assert told["recorded_at"] == "2026-01-02T03:04:00Z"


def test_the_champion_at_any_instant_is_the_one_that_counts_for_its_frame(lab: Lab) -> None:
    first = lab.store.champion.line(1).record
    override(lab.store, str(first.trial), as_of=lab.day(SECOND), who="ann", reason="trying")
    told = {
        at: run(lab, "champion", NAME, "--at", at).out.split(" ")[0]
        for at in ("2024-01-25", "2024-01-25T23:59Z", "2024-01-26T01:00+02:00", "2024-01-26")
    }
    assert list(told.values()) == [first.version] * 3 + [first.trial]
    assert run(lab, "champion", NAME, "--at", "2024-01-24").out == (
        "visits has no champion at 2024-01-24\n"
    )
    assert run(lab, "champion", NAME, "--at", "2024-01-24", "--json").json is None


def test_an_override_is_shown_as_such(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    override(lab.store, trial, as_of=lab.day(SECOND), who="ann", reason="trying")
    told = run(lab, "champion", NAME).out
    assert "override by ann: trying" in told
    assert "no verdict" in told
    roll_back(lab.store, to=None, who="bob", reason="it did not do")
    assert "rollback by bob: it did not do" in run(lab, "champion", NAME).out


def test_no_champion_is_no_error(fresh: Lab) -> None:
    assert run(fresh, "champion", NAME).out == "visits has no champion yet\n"
    assert run(fresh, "champion", NAME, "--json").json is None


def test_a_frame_is_asked_for_by_what_is_known_now_and_the_clock_by_what_was_known_then(
    twice: Lab,
) -> None:
    """Entries 1 and 2 were recorded on January 2; at noon of March 1 the second is taken back."""
    roll_back(at_clock(twice, NOON), to=None, who="ann", reason="complaints")
    of_frame = [asked(twice, at) for at in ("2024-01-25", "2024-01-25T23:59Z", "2024-01-26")]
    assert of_frame == [1, 1, 3], "the rollback counts from the second's own frame on"
    instants = ("2026-01-02T03:03:59Z", "2026-01-02T03:04:00Z", "2026-03-01T11:59:59Z",
                "2026-03-01T12:00:00Z", "2026-03-01T14:00:00+02:00", "2030-01-01")  # fmt: skip
    by_clock = [asked(twice, at, "--recorded") for at in instants]
    assert by_clock == [None, 2, 2, 3, 3, 3]
    told = run(twice, "champion", NAME, "--at", "2026-03-01T11:59:59Z", "--recorded").out
    assert "recorded 2026-01-02T03:04:00Z" in told


def test_a_rollback_that_counts_from_a_later_frame_leaves_the_frames_before_it(twice: Lab) -> None:
    later = at_clock(twice, NOON)
    roll_back(later, to=None, who="ann", reason="from then on", as_of=twice.day(SECOND + 3))
    of_frame = [asked(twice, day(twice, SECOND + days)) for days in (-1, 0, 2, 3, 9)]
    assert of_frame == [1, 2, 2, 3, 3]


def test_without_at_the_newest_entry_is_told_whenever_it_counts(twice: Lab) -> None:
    roll_back(twice.store, to=None, who="ann", reason="later", as_of=twice.day(SECOND + 9000))
    assert run(twice, "champion", NAME, "--json").json["number"] == 3
    assert asked(twice, day(twice, SECOND)) == 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--recorded"], "add --at DATE"),
        (["--at", "yesterday"], "yesterday"),
        (["--at", "2026-03-01T12:00"], "2026-03-01T12:00"),
    ],
)
def test_an_instant_that_is_none_is_refused(lab: Lab, options: list[str], why: str) -> None:
    ended = run(lab, "champion", NAME, *options)
    assert ended.code in (1, 2)
    assert ended.out == ""
    assert why in ended.err


def test_what_waits_for_approval_is_told_with_the_command_that_approves_it(lab: Lab) -> None:
    manual = lab.again({"approval": "manual"})
    promotion = manual.refresh(SECOND)
    told = run(manual, "champion", NAME).out.splitlines()
    assert told[0].startswith(f"{lab.store.champion.line(1).record.version} since 2024-01-25")
    asked_for = run(manual, "champion", NAME, "--json").json["waiting"]
    assert told[-1] == f"{asked_for['version']} of 2024-01-26 {promotion.sentence}"
    command = f"model-refresh promote visits {asked_for['version']} --reason ..."
    assert promotion.sentence.startswith(f"passed, and waits for approval: {command} (log loss")
    assert asked_for["as_of"] == "2024-01-26T00:00:00Z"
    assert run(manual, "champion", NAME, "--at", "2024-01-26", "--json").json["waiting"] is None


def test_a_first_version_that_waits_is_told_where_there_is_no_champion(fresh: Lab) -> None:
    manual = fresh.again({"approval": "manual"})
    manual.refresh(FIRST)
    first, second = run(manual, "champion", NAME).out.splitlines()
    assert first == "visits has no champion yet"
    assert "passed, and waits for approval" in second
    told = run(manual, "champion", NAME, "--json").json
    assert list(told) == KEYS
    assert all(told[field] is None for field in Entry.model_fields)
