"""A process that dies in the middle, or meets another one: nothing half done is ever seen."""

import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from model_refresh import pipeline
from model_refresh.algorithms.linear import Linear
from model_refresh.algorithms.version import load_version, publish_version
from model_refresh.records import Record
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.override import override
from model_refresh.storage import Store
from model_refresh.storage.files import sweep
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.crash import crash_points
from model_refresh_tests.faults.world import champions, command, drafts, problems, run, small
from model_refresh_tests.lab import NAME, Lab


def test_a_kill_in_the_dataset_step_leaves_nothing_that_is_reused_half_written(
    tmp_path: Path,
) -> None:
    lab = small(tmp_path)
    do = partial(build_dataset, lab.model, lab.store, lab.day(FIRST))
    expected, seen = do().record, set()
    for _ in crash_points(do, partial(shutil.rmtree, lab.home), every=40):
        assert lab.store.name not in Store(lab.home).models() or problems(lab) == []
        seen.add(len(list(lab.home.rglob("manifest.json"))))
        assert do().record == expected
        sweep(lab.home)
        assert drafts(lab) == []
    assert seen >= {0, 7}, "from before the first frame to after the last labels"


def test_a_kill_while_duckdb_writes_a_frame_leaves_a_draft_that_is_swept(
    tmp_path: Path, strace: list[str]
) -> None:
    lab = small(tmp_path)
    refresh = command(lab, "refresh", NAME, "--as-of", stamp(lab.day(FIRST)))
    inject = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:signal=SIGKILL:when=1"]
    assert run([*strace, *inject, sys.executable, *refresh]).returncode != 0
    files = {path.relative_to(lab.store.root) for path in lab.home.rglob("*") if path.is_file()}
    made = {path for path in files if "leases" not in path.parts and "reason" not in path.parts}
    assert {path.name for path in made} == {"rows.parquet"}
    assert len(drafts(lab)) == 2
    assert problems(lab) == []
    assert sweep(lab.home) > 0
    assert drafts(lab) == []


def test_a_fit_killed_before_its_manifest_is_invisible_and_swept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record
    again = lab.again({"training.seed": 1})
    before = again.store.versions()
    with monkeypatch.context() as patch:
        patch.setattr("model_refresh.refresh.twins._CHILD", "model_refresh_tests.isolated.dying")
        failed = fit_candidate(again.model, again.store, dataset, Linear()).record
    assert str(failed.failure).startswith("died of SIGKILL")
    assert again.store.versions() == before
    assert problems(again) == []
    assert len(drafts(again)) == 1
    assert sweep(again.home) == 1
    assert fit_candidate(again.model, again.store, dataset, Linear()).record.failure is None


def test_a_kill_at_any_call_of_publishing_leaves_a_whole_version_or_none(lab: Lab) -> None:
    (name,) = champions(lab)
    version = load_version(lab.store, name)
    folder = lab.store.versions_folder / name
    do = partial(
        publish_version, lab.store, version.recipe, version.lineage, predictor=version.predictor
    )
    seen = set()
    for _ in crash_points(do, partial(shutil.rmtree, folder)):
        seen.add(name in lab.store.versions())
        if name in lab.store.versions():
            assert load_version(lab.store, name).artifact == version.artifact
        assert do().digest == version.artifact
        sweep(lab.home)
        assert drafts(lab) == []
    assert seen == {False, True}


def test_a_champion_that_changes_while_a_refresh_runs_is_the_one_that_is_met(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    rounds = []

    def interfere(step: str, record: Record) -> None:
        del record
        if step == "challenger":
            rounds.append(step)
        if len(rounds) == 1 and step == "challenger":
            override(lab.store, trial, as_of=lab.day(FIRST), who="ann", reason="meanwhile")

    pipeline.refresh(lab.model, lab.store, lab.day(SECOND), on_step=interfere)
    comparison = lab.store.comparisons(lab.day(SECOND)).lines()[-1].record
    assert len(rounds) == 2
    assert comparison.incumbent is not None
    assert comparison.incumbent.entry == 2
    assert problems(lab) == []
