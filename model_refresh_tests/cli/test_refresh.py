"""refresh: how it goes on stderr, how it ends on stdout, and one line for each failure."""

import re
import shutil
from collections.abc import Callable

import polars as pl
import pytest

from model_refresh.storage.files import temporary_prefix
from model_refresh_tests.cli.terminal import Ended, day, every_byte, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def refresh(lab: Lab, number: int, *options: str) -> Ended:
    return run(lab, "refresh", NAME, "--as-of", day(lab, number), *options)


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def test_a_refresh_ends_with_decision_sentence_and_champion(lab: Lab) -> None:
    ended = refresh(lab, SECOND)
    assert ended.code == 0
    first, second = ended.out.splitlines()
    assert first.startswith("visits 2024-01-26 promote: log loss 0.4257 against the incumbent's")
    assert second == f"champion: {champions(lab)[1]} since 2024-01-26"


def test_a_refresh_that_has_promoted_says_that_nothing_was_left_to_do(twice: Lab) -> None:
    before = every_byte(twice.home)
    ended = refresh(twice, SECOND)
    assert ended.code == 0
    assert ended.out.startswith("visits 2024-01-26 promote: ")
    assert ended.err == "  nothing was left to do: this refresh has promoted already\n"
    assert every_byte(twice.home) == before


def test_a_refresh_as_json_prints_the_promotion_and_nothing_else(lab: Lab) -> None:
    ended = refresh(lab, SECOND, "--json")
    assert list(ended.json) == [
        "as_of", "decision", "sentence", "verdict", "entry", "champion", "trial_scores",
        "conformance",
    ]  # fmt: skip

    assert (ended.json["decision"], ended.json["entry"]) == ("promote", 2)
    assert ended.json["champion"] == champions(lab)[1]
    assert "dataset" in ended.err, "how it goes is told on stderr"


def test_a_challenger_that_is_not_good_enough_is_no_failure(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    ended = refresh(strict, SECOND)
    assert ended.code == 0
    assert "visits 2024-01-26 retain: absolute: ROC AUC 0.890, below the required" in ended.out
    assert ended.out.splitlines()[1] == f"champion: {champions(lab)[0]} since 2024-01-25"
    assert re.search(r"challenger: \d+\.\d s, none: the gates did not let it pass", ended.err)


def test_a_rejected_challenger_fails_with_the_reason(lab: Lab) -> None:
    strict = lab.again({"gates": [{**IMPOSSIBLE, "severity": "reject"}]})
    ended = refresh(strict, SECOND, "--json")
    assert (ended.code, ended.out) == (1, "")
    told = "visits, verdict of 2024-01-26: reject: absolute: ROC AUC 0.890, below the required"
    assert ended.last_line.startswith(told)
    assert len(champions(lab)) == 1


def test_a_first_refresh_that_promotes_nobody_leaves_none(lab: Lab) -> None:
    shutil.rmtree(lab.store.root / "champion")
    strict = lab.again({"gates": [IMPOSSIBLE]})
    assert refresh(strict, FIRST).out.splitlines()[1] == "champion: none yet"


def test_a_refresh_of_the_past_promotes_nobody_and_says_so(lab: Lab) -> None:
    ended = refresh(lab, FIRST - 1)
    assert ended.code == 0
    assert "visits 2024-01-24 retain: a later " in ended.out
    assert ended.out.splitlines()[1] == f"champion: {champions(lab)[0]} since 2024-01-25"
    (oldest, *_) = run(lab, "history", NAME, "--json").json
    assert (oldest["as_of"], oldest["decision"]) == ("2024-01-24", "retain")


def test_candidates_that_all_fail_are_told_one_by_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = lab.again({"training.seed": 1})
    child = "model_refresh_tests.isolated.failing"
    monkeypatch.setattr("model_refresh.refresh.twins._CHILD", child)
    ended = refresh(changed, SECOND)
    assert ended.code == 1
    failed = [line.split(":")[0].strip() for line in ended.err.splitlines() if "failed: " in line]
    assert failed == ["candidate constant", "candidate linear"]
    assert "reject: no candidate could be fitted" in ended.last_line


def test_a_tuning_that_met_its_seconds_is_told_and_kept(lab: Lab) -> None:
    hasty = lab.again({"training.tuning": {"trials": 10_000, "seconds": 1}})
    ended = refresh(hasty, SECOND)
    assert "cut short by tuning.seconds: can't be repeated exactly" in ended.err
    kept = run(hasty, "why", NAME).out
    assert "the tuning of linear met tuning.seconds after" in kept
    assert "this refresh can't be repeated exactly" in kept


def half_of_the_rows(lab: Lab) -> Lab:
    lab.damage(lab.rows().filter(pl.col("customer_id") < 100))
    return lab


def renamed_column(lab: Lab) -> Lab:
    lab.damage(lab.rows().rename({"spend": "spends"}))
    return lab


def no_data(lab: Lab) -> Lab:
    lab.data.unlink()
    return lab


def not_ready(lab: Lab) -> Lab:
    (lab.folder / "ready.sql").write_text("SELECT DATE '2024-01-20' AS reached")
    return lab.again({"source.ready": "ready.sql"})


def damaged_log(lab: Lab) -> Lab:
    path = lab.store.champion.path(1)
    path.write_text(path.read_text().replace("model_refresh", "model_reflesh"))
    return lab


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (half_of_the_rows, "100 rows against 300 in the last 4 frames (-67%)"),
        (renamed_column, 'features.sql:7:9 Binder Error: Referenced column "spend" not found'),
        (no_data, "table 'visits': no file 'data/visits.parquet'"),
        (not_ready, "the source has reached 2024-01-20 00:00 UTC, the frame needs 2024-01-27"),
        (damaged_log, "was edited or damaged: restore it from a backup"),
    ],
)
def test_each_kind_of_failure_is_one_line_and_leaves_the_champion(
    lab: Lab, damage: Callable[[Lab], Lab], why: str
) -> None:
    entries = every_byte(lab.store.root / "champion")
    damaged = damage(lab)
    ended = refresh(damaged, SECOND + 1)
    assert (ended.code, ended.out) == (1, "")
    assert why in ended.last_line
    if damage is not damaged_log:
        assert every_byte(lab.store.root / "champion") == entries


def test_too_early_a_refresh_names_the_first_date_and_writes_nothing(fresh: Lab) -> None:
    ended = refresh(fresh, 1, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "the first possible one is on 2024-01-19" in ended.err
    assert not list(fresh.home.rglob("*.*"))


def test_a_store_that_can_not_be_written_is_told(lab: Lab) -> None:
    home = lab.home.with_name("a-file")
    home.write_text("")
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND), "--home", str(home))
    assert (ended.code, ended.out) == (1, "")
    assert "Not a directory. Nothing was published" in ended.last_line


@pytest.mark.parametrize("command", ["refresh", "score"])
def test_what_a_crash_left_of_the_model_is_swept(twice: Lab, command: str) -> None:
    pid = temporary_prefix().split("-")[-2]
    left = twice.store.root / temporary_prefix().replace(f"-{pid}-", "-999999999-")
    left.mkdir()
    assert run(twice, command, NAME, "--as-of", day(twice, SECOND)).code == 0
    assert not left.exists()
