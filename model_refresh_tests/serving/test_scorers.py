"""The steps between challenger and champion of a model that answers one row at a time."""

from pathlib import Path

import pytest

from model_refresh.algorithms.version import load_version
from model_refresh.errors import CorruptError, PromotionRefused
from model_refresh.pipeline import steps
from model_refresh.pipeline.realtime import generate_scorer, try_scorer
from model_refresh.records import Challenger, CheckResult, Conformance, Scorer
from model_refresh.records.production import CONFORMANCE_CHECKS
from model_refresh.refresh.champion import promote
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Golden
from model_refresh.serving import scorers
from model_refresh.serving.conformance.checks import Findings
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.production import scorer_of
from model_refresh.serving.scorers import ARCHIVE, read_files
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.cli.terminal import every_byte
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
REALTIME = {"deploy": ["batch", "realtime"]}
BROKEN = Findings((CheckResult(name="suite", outcome="failed", sentence="2 of 36 failed"),))


def scorer_in(lab: Lab) -> Scorer:
    return lab.store.scorers(lab.day(SECOND)).lines()[-1].record


def conformance_in(lab: Lab) -> Conformance:
    return lab.store.conformances(lab.day(SECOND)).lines()[-1].record


def challenger_in(lab: Lab) -> Challenger:
    return lab.store.challengers(lab.day(SECOND)).lines()[-1].record


def archive(lab: Lab) -> Path:
    return lab.store.scorers(lab.day(SECOND)).folder / str(scorer_in(lab).content)[:16] / ARCHIVE


def test_a_refresh_stores_the_champion_s_scorer_and_its_tests(answering: Lab) -> None:
    scorer, tested = scorer_in(answering), conformance_in(answering)
    (*_, champion) = answering.store.champion.lines()
    assert (scorer.version, scorer.artifact) == (champion.record.version, champion.record.artifact)
    assert scorer.challenger == champion.record.challenger
    assert scorer.limits == answering.model.realtime_digest
    assert tested.scorer == scorer.digest()
    assert tested.passes
    assert [check.name for check in tested.checks] == [
        "suite", "golden", "batch_agreement", "latency",
    ]  # fmt: skip
    assert list(verify(Store(answering.home), [NAME])) == []


def test_the_steps_are_told_where_they_are_taken(answering: Lab, refreshed: Lab) -> None:
    assert steps(answering.model)[-3:] == ("scorer", "conformance", "champion")
    assert "scorer" not in steps(refreshed.model)


def test_stored_are_the_folder_as_it_is_given_away_and_what_is_served(answering: Lab) -> None:
    files = read_files(answering.store, scorer_in(answering))
    version = load_version(answering.store, str(scorer_in(answering).version))
    assert Formula.decode(files["formula.json"]) == formula_of(version)
    assert scorer_of(answering.store, version.name) == (files["formula.json"], files["golden.json"])


def test_repeated_nothing_changes(realtime: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: pytest.fail("tested again"))
    monkeypatch.setattr(scorers, "scorer_files", lambda *a, **k: pytest.fail("made again"))
    before = every_byte(realtime.home)
    scorer = generate_scorer(realtime.model, realtime.store, challenger_in(realtime)).record
    assert scorer == scorer_in(realtime)
    assert try_scorer(realtime.model, realtime.store, scorer).record == conformance_in(realtime)
    assert every_byte(realtime.home) == before


def test_a_changed_byte_of_the_archive_is_noticed(realtime: Lab) -> None:
    path = archive(realtime)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CorruptError, match=ARCHIVE):
        try_scorer(realtime.model, realtime.store, scorer_in(realtime))
    (problem,) = verify(Store(realtime.home), [NAME])
    assert ARCHIVE in problem


def test_a_damaged_scorer_is_made_anew_with_the_same_bytes(realtime: Lab) -> None:
    whole = archive(realtime).read_bytes()
    archive(realtime).write_bytes(b"")
    line = generate_scorer(realtime.model, realtime.store, challenger_in(realtime))
    assert line.record == scorer_in(realtime)
    assert archive(realtime).read_bytes() == whole


def test_other_limits_ask_for_another_test(realtime: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[float]()

    def note(files: object, batch: object, *, latency_ms: float) -> Findings:
        asked.append(latency_ms)
        return Findings(())

    monkeypatch.setattr(scorers, "try_folder", note)
    strict = realtime.again({**REALTIME, "realtime.latency_ms": 3})
    scorer = generate_scorer(strict.model, strict.store, challenger_in(strict)).record
    assert scorer.limits == strict.model.realtime_digest
    assert scorer.content == strict.store.scorers(strict.day(SECOND)).lines()[0].record.content
    assert try_scorer(strict.model, strict.store, scorer).record.scorer == scorer.digest()
    assert asked == [3.0]


def test_what_failed_is_tested_again_and_what_passed_is_not(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = copy_lab(lab, tmp_path / "again", REALTIME)
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: BROKEN)
    with pytest.raises(PromotionRefused, match="2 of 36 failed"):
        lab.refresh(SECOND)
    assert not conformance_in(lab).passes
    good = tuple(
        CheckResult(name=name, outcome="passed", sentence="all well") for name in CONFORMANCE_CHECKS
    )
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: Findings(good))
    assert lab.refresh(SECOND).decision == "promote"
    assert [line.record.passes for line in lab.store.conformances(lab.day(SECOND)).lines()] == [
        False, True,
    ]  # fmt: skip


def test_without_a_stored_pass_nothing_is_promoted(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lab = copy_lab(lab, tmp_path / "untested", REALTIME)
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: BROKEN)
    with pytest.raises(PromotionRefused):
        lab.refresh(SECOND)
    for path in lab.store.conformances(lab.day(SECOND)).folder.iterdir():
        path.unlink()
    verdict = lab.store.verdicts(lab.day(SECOND)).lines()[-1].record
    with pytest.raises(PromotionRefused, match="the scorer was not tested"):
        promote(lab.model, lab.store, verdict, challenger_in(lab))
    assert len(lab.store.champion.lines()) == 1


def test_a_week_without_a_challenger_has_nothing_to_test(lab: Lab, tmp_path: Path) -> None:
    strict = copy_lab(lab, tmp_path / "strict", {**REALTIME, "gates": [IMPOSSIBLE]})
    assert strict.refresh(SECOND).decision == "retain"
    assert scorer_in(strict).version is None
    assert conformance_in(strict).checks == ()
    assert conformance_in(strict).passes
    assert conformance_in(strict).sentence == "there is no scorer to test: the incumbent stays"


def test_a_version_without_a_stored_scorer_is_written_out_where_it_is_served(lab: Lab) -> None:
    (champion,) = lab.store.champion.lines()
    formula, golden = scorer_of(lab.store, champion.record.version)
    version = load_version(lab.store, champion.record.version)
    assert Formula.decode(formula) == formula_of(version)
    cases = Golden.decode(golden)
    assert any(case.kind == "real" for case in cases.cases)
    assert cases.disagreements(formula_of(version).ready().score) == []
