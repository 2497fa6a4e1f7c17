"""Candidates: each in its own process; one that fails is recorded and the others go on."""

from pathlib import Path

import pytest

from model_refresh.algorithms import AnyAlgorithm, Constant, Forest, LightGBM, Linear
from model_refresh.records import Dataset
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.resume import resume_comparison
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab, make_lab


def dataset_of(lab: Lab) -> Dataset:
    return build_dataset(lab.model, lab.store, lab.day(SECOND)).record


@pytest.mark.parametrize(
    ("child", "limits", "why"),
    [
        ("endless", {"seconds_per_fit": 1, "memory_mib": 2048}, "stopped at its deadline of 2 s"),
        ("greedy", {"seconds_per_fit": 60, "memory_mib": 256}, "memory cap of 256 MiB"),
        ("failing", {"seconds_per_fit": 60, "memory_mib": 2048}, ""),
    ],
)
def test_a_fit_that_fails_is_recorded_with_its_reason_and_the_others_go_on(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    child: str,
    limits: dict[str, object],
    why: str,
) -> None:
    poor = lab.again({"training.limits": limits, "training.tuning": {"trials": 2, "seconds": 1}})
    dataset = dataset_of(poor)
    with monkeypatch.context() as patch:
        patch.setattr("model_refresh.refresh.twins._CHILD", f"model_refresh_tests.isolated.{child}")
        failed = fit_candidate(poor.model, poor.store, dataset, Linear()).record
    assert failed.failure is not None
    assert why in failed.failure
    assert failed.version is None
    assert fit_candidate(lab.model, lab.store, dataset, Constant()).record.failure is None
    comparison, _ = resume_comparison(poor.model, poor.store, poor.day(SECOND))
    assert comparison.record.challenger is None, "the only algorithm that could win has failed"


def test_a_failed_candidate_is_tried_again_and_a_fitted_one_is_not(lab: Lab) -> None:
    dataset = dataset_of(lab)
    first = fit_candidate(lab.model, lab.store, dataset, Linear())
    assert fit_candidate(lab.model, lab.store, dataset, Linear()) == first
    log = lab.store.candidates(lab.day(SECOND), "linear")
    failed = first.record.model_copy(update={"version": None, "failure": "stopped"})
    log.record_once(failed, key="f" * 64)
    again = fit_candidate(lab.model, lab.store, dataset, Linear())
    assert again.record == first.record
    assert again.number == 3


def test_a_failure_is_no_answer_to_the_same_inputs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, other = dataset_of(lab), lab.again({"training.seed": 1})
    with monkeypatch.context() as patch:
        patch.setattr("model_refresh.refresh.twins._CHILD", "model_refresh_tests.isolated.failing")
        failed = fit_candidate(other.model, other.store, dataset, Linear())
        assert failed.record.failure is not None
        assert fit_candidate(other.model, other.store, dataset, Linear()) == failed
    fitted = fit_candidate(other.model, other.store, dataset, Linear())
    assert (fitted.record.failure, fitted.number) == (None, failed.number + 1)
    assert other.store.candidates(lab.day(SECOND), "linear").last() == fitted


def test_the_same_inputs_give_the_same_version(lab: Lab) -> None:
    dataset = dataset_of(lab)
    version = fit_candidate(lab.model, lab.store, dataset, Linear()).record.version
    other = lab.again({"training.seed": 1})
    assert fit_candidate(other.model, other.store, dataset, Linear()).record.version != version


def test_what_its_process_fitted_before_changes_nothing_of_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithms: list[AnyAlgorithm] = [Forest(), LightGBM(), Linear(), Constant()]
    declared = {"training.candidates": [each.model_dump() for each in algorithms]}
    together, alone = (make_lab(tmp_path / name, declared) for name in ("together", "alone"))
    versions: dict[str, list[str | None]] = {"together": [], "alone": []}
    for algorithm in algorithms:
        fit = fit_candidate(together.model, together.store, dataset_of(together), algorithm)
        versions["together"].append(fit.record.version)
    for algorithm in reversed(algorithms):
        monkeypatch.setenv("A_CHILD_OF_ITS_OWN", algorithm.algorithm)
        fit = fit_candidate(alone.model, alone.store, dataset_of(alone), algorithm)
        versions["alone"].insert(0, fit.record.version)
    assert versions["together"] == versions["alone"]
    assert None not in versions["alone"]
