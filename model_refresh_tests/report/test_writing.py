"""A report is stored once a verdict, whole or not at all, and verify covers it."""

import shutil
from pathlib import Path

import pytest

from model_refresh.algorithms.version import load_version
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Verdict
from model_refresh.refresh.resume import resume_verdict
from model_refresh.report import facts, read_report, write_report
from model_refresh.report.importances import importances
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.cli.terminal import every_byte
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab, clock, copy_lab, make_lab
from model_refresh_tests.report.pages import read_page


def verdict_of(lab: Lab, number: int = FIRST) -> Verdict:
    line = lab.store.verdicts(lab.day(number)).last()
    assert line is not None
    return line.record


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home, clock), [NAME]))


def test_a_first_refresh_has_a_report(lab: Lab) -> None:
    report = write_report(lab.model, lab.store, verdict_of(lab)).record
    path = read_report(lab.store, report)
    assert path.name == "report.html"
    assert path.parent.parent == lab.store.root / "reports" / "2024-01-25"
    assert path.stat().st_size == report.size_bytes < 1_000_000
    read = read_page(path.read_text())
    assert "visits, 2024-01-25" in read.text
    assert "There is no incumbent yet" in read.text
    assert problems(lab) == []


def test_the_second_is_compared_with_the_first(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    report = write_report(lab.model, lab.store, verdict_of(lab, SECOND)).record
    read = read_page(read_report(lab.store, report).read_text())
    assert "What changed since the incumbent" in read.text
    assert "Both learned from the same features." in read.text
    assert "Importances" in read.text
    assert "visits_14d" in read.text


def test_writing_it_again_changes_nothing(lab: Lab) -> None:
    first = write_report(lab.model, lab.store, verdict_of(lab))
    before = every_byte(lab.home)
    assert write_report(lab.model, lab.store, verdict_of(lab)) == first
    assert every_byte(lab.home) == before


def test_the_same_verdict_gives_the_same_bytes_anywhere(lab: Lab, tmp_path: Path) -> None:
    other = copy_lab(lab, tmp_path / "other")
    reports = [write_report(each.model, each.store, verdict_of(each)) for each in (lab, other)]
    assert reports[0].record == reports[1].record


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_a_damaged_report_is_found_and_made_anew(lab: Lab, damage: str) -> None:
    report = write_report(lab.model, lab.store, verdict_of(lab)).record
    path = read_report(lab.store, report)
    content = path.read_bytes()
    path.unlink()
    if damage == "changed":
        path.write_bytes(content.replace(b"promote", b"retain!"))
    assert any("report.html" in problem for problem in problems(lab))
    with pytest.raises((CorruptError, NotStored)):
        read_report(lab.store, report)
    assert write_report(lab.model, lab.store, verdict_of(lab)).record == report
    assert read_report(lab.store, report).read_bytes() == content


def test_a_report_whose_folder_is_gone_is_told(lab: Lab) -> None:
    report = write_report(lab.model, lab.store, verdict_of(lab)).record
    shutil.rmtree(read_report(lab.store, report).parent)
    (problem,) = problems(lab)
    assert "is missing from the store" in problem


def test_nothing_is_left_of_a_report_that_fails(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NotStored("gone")

    monkeypatch.setattr(facts, "_entry", fail)
    before = every_byte(lab.home)
    with pytest.raises(NotStored):
        write_report(lab.model, lab.store, verdict_of(lab))
    assert every_byte(lab.home) == before


def test_a_verdict_without_its_comparison_can_not_be_reported(lab: Lab) -> None:
    verdict = verdict_of(lab).model_copy(update={"comparison": "0" * 64})
    with pytest.raises(NotStored, match="the comparison 0000000000000000 that the verdict judged"):
        write_report(lab.model, lab.store, verdict)


def test_a_lost_version_is_told_and_the_rest_is_shown(lab: Lab) -> None:
    comparison = lab.store.comparisons(lab.day(FIRST)).lines()[-1].record
    assert comparison.trial is not None
    shutil.rmtree(lab.store.versions_folder / comparison.trial)
    report = write_report(lab.model, lab.store, verdict_of(lab)).record
    text = read_page(read_report(lab.store, report).read_text()).text
    assert "Not shown, as it can't be read: visits/versions/" in text
    assert str(lab.home) not in text


@pytest.mark.parametrize("algorithm", ["linear", "lightgbm", "constant"])
def test_importances_are_shares_by_feature(tmp_path: Path, algorithm: str) -> None:
    names = dict.fromkeys(["linear", algorithm])
    lab = make_lab(tmp_path, {"training.candidates": [{"algorithm": name} for name in names]})
    lab.refresh(FIRST)
    candidate = lab.store.candidates(lab.day(FIRST), algorithm).lines()[-1].record
    assert candidate.version is not None
    recipe = load_version(lab.store, candidate.version).recipe
    shares = importances(lab.store.version(candidate.version), recipe)
    if algorithm == "constant":
        assert shares is None
        return
    assert shares is not None
    assert sorted(shares) == sorted(column.name for column in recipe.features)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=lambda name: shares[name]) != "most_spent"
