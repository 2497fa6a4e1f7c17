"""scorer: the champion's folder, as it was tested."""

from pathlib import Path

import pytest

from model_refresh.records import CheckResult
from model_refresh.serving import scorers
from model_refresh.serving.conformance.checks import Findings
from model_refresh.serving.scorers import read_files
from model_refresh_tests.cli.terminal import every_byte, run
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab

BROKEN = Findings((CheckResult(name="suite", outcome="failed", sentence="2 of 36 failed"),))


def champion(lab: Lab) -> str:
    return lab.store.champion.lines()[-1].record.version


def stored_bytes(lab: Lab) -> dict[str, bytes]:
    return read_files(lab.store, lab.store.scorers(lab.day(SECOND)).lines()[-1].record)


def test_it_unpacks_exactly_what_was_tested(answering: Lab, tmp_path: Path) -> None:
    ended = run(answering, "scorer", NAME, "--out", str(tmp_path / "it"))
    assert ended.code == 0
    assert every_byte(tmp_path / "it") == stored_bytes(answering)
    first, told, *what_next = ended.out.splitlines()
    assert first.startswith(f"version {champion(answering)} in {tmp_path / 'it'}: ")
    assert "passes in a clean environment" in told
    assert what_next == [
        f"  go there: cd {tmp_path / 'it'}",
        "  test it:  python -m pip install -r requirements-test.txt && python -m pytest",
        "  run it:   python -m scorer",
    ]


def test_as_json_it_tells_what_is_where(answering: Lab, tmp_path: Path) -> None:
    out = str(tmp_path / "it")
    told = run(answering, "scorer", NAME, "--out", out, "--version", champion(answering), "--json")
    assert list(told.json) == ["path", "version", "digest", "content", "passed", "files"]
    assert told.json["passed"] is True
    assert told.json["files"] == sorted(stored_bytes(answering))


def test_a_folder_that_holds_something_is_left_alone(answering: Lab, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    ended = run(answering, "scorer", NAME, "--out", str(tmp_path))
    assert (ended.code, ended.out) == (1, "")
    assert ended.last_line == f"{tmp_path} is there already, and is no empty folder: name another"
    assert every_byte(tmp_path) == {"mine": b"precious"}


def test_an_empty_folder_is_filled(answering: Lab, tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()
    assert run(answering, "scorer", NAME, "--out", str(tmp_path / "it")).code == 0
    assert every_byte(tmp_path / "it") == stored_bytes(answering)


def test_a_version_without_a_scorer_is_told_of(lab: Lab, tmp_path: Path) -> None:
    ended = run(lab, "scorer", NAME, "--out", str(tmp_path / "it"))
    assert ended.code == 1
    assert ended.last_line.startswith(f"{NAME}: no scorer of version {champion(lab)} is stored; ")
    assert not (tmp_path / "it").exists()


def test_without_a_champion_there_is_nothing_to_unpack(fresh: Lab, tmp_path: Path) -> None:
    ended = run(fresh, "scorer", NAME, "--out", str(tmp_path / "it"))
    assert ended.last_line == f"{NAME} has no champion yet: model-refresh refresh {NAME}"


def test_what_failed_its_tests_is_given_only_to_who_asks(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = copy_lab(lab, tmp_path / "lab", {"deploy": ["batch", "realtime"]})
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: BROKEN)
    refused = run(lab, "refresh", NAME, "--as-of", lab.model.cadence.key(lab.day(SECOND)))
    assert "2 of 36 failed" in refused.last_line
    version = str(lab.store.challengers(lab.day(SECOND)).lines()[-1].record.version)
    asked = ["scorer", NAME, "--version", version, "--out", str(tmp_path / "it")]
    ended = run(lab, *asked)
    assert ended.code == 1
    assert ended.last_line.endswith("2 of 36 failed; add --untested to look at it")
    assert run(lab, *asked, "--untested").code == 0
    assert every_byte(tmp_path / "it") == stored_bytes(lab)


def test_why_tells_that_a_scorer_kept_it_back(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = copy_lab(lab, tmp_path / "lab", {"deploy": ["batch", "realtime"]})
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: BROKEN)
    run(lab, "refresh", NAME, "--as-of", lab.model.cadence.key(lab.day(SECOND)))
    told = run(lab, "why", NAME).out
    assert "a test kept it back: suite: 2 of 36 failed" in " ".join(told.split())


def test_a_champion_from_before_realtime_was_declared_gets_its_scorer_now(
    lab: Lab, tmp_path: Path
) -> None:
    later = lab.again({"deploy": ["batch", "realtime"]})
    ended = run(later, "scorer", NAME, "--out", str(tmp_path / "it"))
    assert ended.code == 0, ended.err
    assert f"version {champion(later)} in " in ended.out
    assert "passes in a clean environment" in ended.out
