"""score, promote and rollback: what they say, and what they leave in the store."""

from pathlib import Path

import polars as pl
import pytest

from model_refresh_tests.cli.terminal import WHO, Ended, day, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
ENTRY = ["number", "prev", "kind", "as_of", "version", "artifact", "trial", "verdict",
         "challenger", "who", "reason"]  # fmt: skip


def refresh(lab: Lab, number: int, *options: str) -> Ended:
    return run(lab, "refresh", NAME, "--as-of", day(lab, number), *options)


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def test_a_score_tells_rows_champion_and_where(lab: Lab) -> None:
    ended = run(lab, "score", NAME, "--as-of", day(lab, FIRST))
    told, place = ended.out.strip().split(": ")
    assert told == f"300 rows scored by champion {champions(lab)[0]}"
    assert pl.read_parquet(place).height == 300


def test_a_score_as_json_has_the_path(lab: Lab) -> None:
    scores = run(lab, "score", NAME, "--as-of", day(lab, FIRST), "--json").json
    assert list(scores) == ["as_of", "frame", "entry", "champion", "challenger", "rows", "content",
                            "notes", "path", "delivered"]  # fmt: skip
    assert Path(scores["path"]).exists()
    assert scores["delivered"] is None


def test_a_score_tells_where_it_was_delivered(lab: Lab) -> None:
    lab = lab.again({"scores.sink": {"sink": "parquet", "path": "out"}})
    ended = run(lab, "score", NAME, "--as-of", day(lab, FIRST))
    place = lab.folder / "out" / "model=visits" / f"as_of={day(lab, FIRST)}" / "scores.parquet"
    assert f"delivered: 300 rows to {place}" in " ".join(ended.out.split())
    told = run(lab, "score", NAME, "--as-of", day(lab, FIRST), "--json").json["delivered"]
    assert (told["place"], told["rows"]) == (str(place), 300)


def test_a_challenger_that_lost_is_told_beside_the_champion(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    refresh(strict, SECOND)
    trial = strict.store.comparisons(lab.day(SECOND)).lines()[-1].record.trial
    ended = run(strict, "score", NAME, "--as-of", day(lab, SECOND))
    assert f"{champions(lab)[0]}, beside it challenger {trial}: " in ended.out


def test_a_challenger_that_can_not_score_is_told_and_the_champion_scores(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    refresh(strict, SECOND)
    trial = str(strict.store.comparisons(lab.day(SECOND)).lines()[-1].record.trial)
    (lab.store.versions_folder / trial / "model.json").unlink()
    ended = run(strict, "score", NAME, "--as-of", day(lab, SECOND))
    assert ended.code == 0
    first, second = ended.out.splitlines()
    assert first.startswith(f"300 rows scored by champion {champions(lab)[0]}: ")
    assert second.startswith("  the challenger could not score: ")


def test_without_a_champion_a_score_says_so_succeeds_and_writes_nothing(fresh: Lab) -> None:
    ended = run(fresh, "score", NAME, "--as-of", day(fresh, FIRST))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "visits has no champion for 2024-01-25 yet: no batch\n"
    assert run(fresh, "score", NAME, "--as-of", day(fresh, FIRST), "--json").json is None
    assert not fresh.home.exists()


def test_a_published_batch_is_final_unless_it_is_asked_for_again(twice: Lab) -> None:
    typed = ["score", NAME, "--as-of", day(twice, SECOND), "--json"]
    first = run(twice, *typed).json
    run(twice, "rollback", NAME, "--reason", "complaints")
    assert run(twice, *typed).json == first
    beside = run(twice, *typed, "--again").json
    assert (first["entry"], beside["entry"]) == (2, 3)
    assert Path(first["path"]).exists()


def test_an_empty_frame_is_flagged(lab: Lab) -> None:
    lab.damage(lab.rows().filter(pl.lit(value=False)))
    ended = run(lab, "score", NAME, "--as-of", day(lab, SECOND + 1))
    assert ended.code == 0
    assert ended.out.startswith("0 rows scored by champion")
    assert "(the frame is empty)" in ended.out


def test_a_damaged_champion_is_named_and_a_rollback_offered(lab: Lab) -> None:
    path = lab.store.versions_folder / champions(lab)[0] / "model.json"
    path.write_bytes(path.read_bytes()[:-1])
    ended = run(lab, "score", NAME, "--as-of", day(lab, SECOND))
    assert (ended.code, ended.out) == (1, "")
    assert str(path) in ended.err
    assert "model-refresh rollback visits --reason ... brings another back" in ended.err


def test_gates_are_overridden_by_force_only(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    refused = run(lab, "promote", NAME, trial, "--reason", "trying")
    assert (refused.code, refused.out) == (1, "")
    assert "add --force" in refused.err
    assert len(champions(lab)) == 1
    ended = run(lab, "promote", NAME, trial, "--force", "--reason", "trying")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"champion: {trial} from 2024-01-26 on",
        "  entry 2 of the champion log: override by ann",
    ]


def test_an_override_as_json_names_person_and_reason(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    typed = ["promote", NAME, trial, "--force", "--reason", "trying", "--as-of", "2024-01-25"]
    entry = run(lab, *typed, "--json").json
    assert list(entry) == ENTRY
    told = (entry["kind"], entry["who"], entry["reason"], entry["as_of"], entry["verdict"])
    assert told == ("override", WHO, "trying", "2024-01-25T00:00:00Z", None)


@pytest.mark.parametrize("version", ["0123456789abcdef", "nonsense", "../../x", ""])
def test_a_version_that_is_not_there_is_not_promoted(lab: Lab, version: str) -> None:
    ended = run(lab, "promote", NAME, version, "--force", "--reason", "x")
    assert (ended.code, ended.out) == (1, "")
    assert f"visits has no version {version!r}" in ended.err
    assert len(champions(lab)) == 1


def test_a_damaged_version_is_not_promoted_even_by_force(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    (lab.store.versions_folder / trial / "model.json").unlink()
    ended = run(lab, "promote", NAME, trial, "--force", "--reason", "x")
    assert ended.code == 1
    assert "model.json is missing" in ended.err
    assert len(champions(lab)) == 1


def test_any_former_champion_comes_back_with_one_command(twice: Lab) -> None:
    first, second = champions(twice)
    versions = twice.store.versions()
    ended = run(twice, "rollback", NAME, "--reason", "complaints")
    assert ended.out.splitlines() == [
        f"champion: {first} from 2024-01-26 on",
        "  entry 3 of the champion log: rollback by ann",
    ]
    assert champions(twice) == [first, second, first]
    assert twice.store.versions() == versions, "nothing is trained"


def test_a_rollback_goes_to_the_version_that_is_named(twice: Lab) -> None:
    trial = str(twice.store.champion.line(1).record.trial)
    run(twice, "promote", NAME, trial, "--force", "--reason", "trying")
    first = champions(twice)[0]
    entry = run(twice, "rollback", NAME, "--to", first, "--reason", "complaints", "--json").json
    assert list(entry) == ENTRY
    assert (entry["version"], entry["kind"], entry["who"]) == (first, "rollback", WHO)


def test_a_rollback_may_take_effect_later(twice: Lab) -> None:
    later = day(twice, SECOND + 3)
    ended = run(twice, "rollback", NAME, "--reason", "complaints", "--as-of", later)
    first, second, _ = champions(twice)
    assert ended.out.startswith(f"champion: {first} from {later} on")
    assert second in run(twice, "champion", NAME, "--at", day(twice, SECOND + 2)).out


@pytest.mark.parametrize("to", [[], ["--to", "nonsense"], ["--to", "0123456789abcdef"]])
def test_a_rollback_to_nowhere_is_refused(lab: Lab, to: list[str]) -> None:
    (first,) = champions(lab)
    ended = run(lab, "rollback", NAME, "--reason", "complaints", *to)
    assert (ended.code, ended.out) == (1, "")
    assert f"visits: the champion is {first}, and " in ended.err
    assert "--to takes" not in ended.err
    assert len(champions(lab)) == 1


def test_a_rollback_to_nowhere_says_where_one_could_go(twice: Lab) -> None:
    first, second = champions(twice)
    ended = run(twice, "rollback", NAME, "--reason", "complaints", "--to", second)
    assert f"{second} is no former champion; --to takes {first}" in ended.err


def test_without_a_champion_there_is_nothing_to_roll_back(fresh: Lab) -> None:
    ended = run(fresh, "rollback", NAME, "--reason", "x")
    assert ended.code == 1
    assert ended.err == "visits has no champion yet: nothing to roll back\n"


def test_a_version_that_was_rolled_back_returns_by_force_only(twice: Lab) -> None:
    first, second = champions(twice)
    run(twice, "rollback", NAME, "--reason", "complaints")
    told = refresh(twice, SECOND).out.splitlines()[1]
    assert told == f"champion: {first} since 2024-01-26, by rollback: complaints"
    again = refresh(twice, SECOND, "--json").json
    assert (again["decision"], again["entry"], again["champion"]) == ("promote", 3, first)
    back = run(twice, "rollback", NAME, "--to", second, "--reason", "it was fine")
    assert back.code == 1
    assert f"model-refresh promote visits {second} --force" in back.err
    assert run(twice, "promote", NAME, second, "--reason", "it was fine").code == 1
    assert champions(twice) == [first, second, first]
    assert run(twice, "promote", NAME, second, "--force", "--reason", "it was fine").code == 0
    assert champions(twice) == [first, second, first, second]


def test_a_user_without_a_name_is_told_by_number(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr("getpass.getuser", nameless)
    trial = str(lab.store.champion.line(1).record.trial)
    entry = run(lab, "promote", NAME, trial, "--force", "--reason", "x", "--json").json
    assert entry["who"].startswith("uid ")


def asked(lab: Lab) -> Lab:
    """The lab with a second day that passed and waits for a person."""
    manual = lab.again({"approval": "manual"})
    ended = refresh(manual, SECOND)
    assert ended.code == 0
    assert ended.out.startswith("visits 2024-01-26 wait: passed, and waits for approval: ")
    assert ended.out.splitlines()[1] == f"champion: {champions(lab)[0]} since 2024-01-25"
    assert "the challenger waits for approval" in ended.err
    return manual


def test_what_waits_is_promoted_by_the_command_that_its_refresh_names(lab: Lab) -> None:
    manual = asked(lab)
    version = run(manual, "champion", NAME, "--json").json["waiting"]["version"]
    ended = run(manual, "promote", NAME, version, "--reason", "looked at it")
    assert ended.out.splitlines() == [
        f"champion: {version} from 2024-01-26 on",
        "  entry 2 of the champion log: promotion by ann",
    ]
    again = run(manual, "promote", NAME, version, "--reason", "twice", "--json").json
    assert list(again) == ENTRY
    assert again["reason"].endswith("; approved: looked at it")
    assert champions(manual)[1:] == [version]
    told = run(manual, "history", NAME, "--json").json
    assert [event["decision"] for event in told] == ["promote", "wait", "promote"]
    assert run(manual, "champion", NAME, "--json").json["waiting"] is None


def test_what_the_champion_changed_under_is_not_approved_and_says_what_to_do(lab: Lab) -> None:
    manual = asked(lab)
    version = run(manual, "champion", NAME, "--json").json["waiting"]["version"]
    trial = str(lab.store.champion.line(1).record.trial)
    run(manual, "promote", NAME, trial, "--force", "--reason", "meanwhile")
    ended = run(manual, "promote", NAME, version, "--reason", "looked at it")
    assert (ended.code, ended.out) == (1, "")
    assert "run this refresh again, from comparison to champion" in ended.err
    assert champions(manual)[1:] == [trial]


def test_an_approval_takes_no_as_of(lab: Lab) -> None:
    ended = run(lab, "promote", NAME, "x", "--reason", "x", "--as-of", day(lab, FIRST))
    assert ended.code == 2
    assert "--as-of goes with --force" in ended.err


def test_a_challenger_that_waits_is_scored_beside_the_champion(lab: Lab) -> None:
    manual = asked(lab)
    trial = manual.store.comparisons(lab.day(SECOND)).lines()[-1].record.trial
    told = run(manual, "score", NAME, "--as-of", day(lab, SECOND), "--json").json
    assert (told["champion"], told["challenger"]) == (champions(lab)[0], trial)
