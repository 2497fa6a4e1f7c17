"""plan: what a refresh would do and why; nothing is computed or written."""

from model_refresh.storage.leases import Holder, lease
from model_refresh_tests.cli.terminal import day, every_byte, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab


def test_a_plan_says_which_frames_serve_what_and_which_are_to_be_computed(lab: Lab) -> None:
    before = every_byte(lab.home)
    said = run(lab, "plan", NAME, "--as-of", day(lab, SECOND + 1))
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("visits 2024-01-27: not due: no reason asks for it; the schedule ")
    assert lines[1] == ("  frames to compute: 2024-01-27; 5 are stored and are used again")
    assert lines[2] == ("  candidates: constant, linear; searches look as training.tuning says")
    assert lines[-5:] == [
        "tuning      3       2024-01-22  2024-01-24",
        "validation  1       2024-01-25  2024-01-25",
        "trial       3       2024-01-23  2024-01-25",
        "holdout     1       2024-01-26  2024-01-26",
        "final       3       2024-01-24  2024-01-26",
    ]
    assert any(line.startswith("  the refresh of 2024-01-26 took ") for line in lines)
    assert every_byte(lab.home) == before


def test_a_plan_as_json_has_it_all(lab: Lab) -> None:
    told = run(lab, "plan", NAME, "--as-of", day(lab, SECOND + 1), "--json").json
    assert told["is_due"] is False
    assert told["reasons"] == []
    assert told["to_compute"] == ["2024-01-27T00:00:00Z"]
    assert told["frames"]["holdout"] == ["2024-01-26T00:00:00Z"]
    assert told["seconds"] > 0
    assert (told["barred"], told["under_way"]) == (None, None)


def test_the_newest_frame_is_due_by_the_schedule(lab: Lab) -> None:
    """The lab's frames are long past: today's refresh has never begun."""
    told = run(lab, "plan", NAME, "--json").json
    kinds = [reason["kind"] for reason in told["reasons"]]
    assert "staleness" in kinds
    assert told["is_due"] is True
    run(lab, "hold", NAME, "--reason", "a test")
    told = run(lab, "plan", NAME, "--json").json
    assert told["is_due"] is False
    assert told["barred"].startswith("visits is held by ann since ")
    assert told["sentence"].startswith("asked for, but kept from starting: ")


def test_a_due_refresh_whose_data_are_not_there_waits_and_says_for_what(lab: Lab) -> None:
    (lab.folder / "ready.sql").write_text("SELECT TIMESTAMP '2024-01-20'")
    source = {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}}
    waiting = lab.again({"source": {**source, "ready": "ready.sql"}})
    told = run(waiting, "plan", NAME, "--json").json
    assert told["is_due"] is False
    assert told["sentence"].startswith("due, but waits for its data: ")
    assert told["waits_for"].startswith("visits: the source has reached 2024-01-20 00:00 UTC, the ")
    assert f"\n  {told['waits_for']}\n" in run(waiting, "plan", NAME).out


def test_a_frame_whose_folder_is_empty_is_to_be_computed(lab: Lab) -> None:
    """As one whose refresh was refused leaves it."""
    query = lab.model.definition.frame.digest()
    lab.store.frames(query, lab.day(SECOND + 1)).folder.mkdir(parents=True)
    said = run(lab, "plan", NAME, "--as-of", day(lab, SECOND + 1)).out
    assert "  frames to compute: 2024-01-27; 5 are stored and are used again\n" in said


def test_a_frame_of_the_future_is_told_with_when_it_begins(lab: Lab) -> None:
    told = run(lab, "plan", NAME, "--as-of", "2999-01-01", "--json").json
    assert told["sentence"] == "not due: it begins at 2999-01-01 00:00 UTC"


def test_a_refresh_that_has_promoted_would_do_nothing(lab: Lab) -> None:
    said = run(lab, "plan", NAME, "--as-of", day(lab, FIRST)).out
    assert said.startswith(
        "visits 2024-01-25: it has promoted already, so it would do nothing: log loss "
    )


def test_a_frame_that_is_too_early_is_told_with_the_first_possible_date(lab: Lab) -> None:
    told = run(lab, "plan", NAME, "--as-of", "2024-01-16", "--json").json
    assert told["frames"] is None
    assert "the first possible one is on " in told["sentence"]


def test_who_refreshes_it_now_is_told_by_plan_and_by_a_second_refresh(lab: Lab) -> None:
    with lease(lab.store, holder=Holder.here("bob's refresh")):
        said = run(lab, "plan", NAME, "--as-of", day(lab, SECOND)).out
        second = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND))
    assert "  it is being refreshed by bob's refresh\n" in said
    assert second.code == 1
    assert second.last_line.startswith("visits is being refreshed by bob's refresh since ")


def test_a_refresh_by_hand_keeps_its_reason_and_goes_past_a_hold(lab: Lab) -> None:
    run(lab, "hold", NAME, "--reason", "a test")
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND))
    assert ended.code == 0
    assert ended.out.startswith("started by hand all the same: visits is held by ann since ")
    (line,) = lab.store.reasons(lab.day(SECOND)).lines()
    assert (line.record.kind, line.record.sentence) == ("demand", "asked for by ann")
    event = run(lab, "history", NAME, "--json").json[1]
    assert (event["as_of"], event["reason"]) == ("2024-01-26", "demand")
    verified = run(lab, "verify", NAME)
    assert verified.code == 0, verified.out
