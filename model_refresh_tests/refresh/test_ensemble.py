"""The ensemble as a candidate: who is in it, what is fitted for it, and what becomes of it later."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms.version import Mixture, load_version
from model_refresh.config.ensemble import Ensemble
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Candidate, Dataset
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import promote
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset, frames_of
from model_refresh.refresh.override import override, roll_back
from model_refresh.refresh.predictions import Floats, FoldPredictions, publish_predictions
from model_refresh.refresh.proposal import folds_of
from model_refresh.refresh.rows import feature_names, load_frame, load_labelled
from model_refresh.refresh.verdict import give_verdict
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab
from model_refresh_tests.refresh.inside import fits_inside, fitted, fleet_of

MIXED = {
    "training.candidates": [{"algorithm": name} for name in ("ensemble", "constant", "linear")],
    "training.tuning": {"trials": 4, "seconds": 60},
    "training.blend": 1,
    "gates": [{"gate": "beats_constant"}],
}


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with fits_inside():
        yield


@pytest.fixture(scope="module")
def world(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A day on which two trials of the linear candidate seem to err in opposite ways."""
    return copy_lab(refreshed, tmp_path_factory.mktemp("ensemble"), MIXED)


@pytest.fixture(scope="module")
def others(world: Lab) -> tuple[Candidate, ...]:
    found = fitted(world, SECOND)
    return found["constant"], planted(world, found["linear"], noise=(0.3, 0.3))


@pytest.fixture(scope="module")
def candidate(world: Lab, others: tuple[Candidate, ...]) -> Candidate:
    """The ensemble of the two."""
    return fit_candidate(
        world.model, world.store, dataset_of(world), Ensemble(), others=others
    ).record


@pytest.fixture(scope="module")
def promoted(world: Lab, others: tuple[Candidate, ...], candidate: Candidate) -> Lab:
    """The same world, where the ensemble is champion."""
    dataset = dataset_of(world)
    comparison = compare(world.model, world.store, dataset, [*others, candidate]).record
    assert comparison.challenger == "ensemble"
    verdict = give_verdict(world.model, world.store, comparison).record
    challenger = refit_challenger(world.model, world.store, dataset, verdict).record
    world.test(challenger)
    assert promote(world.model, world.store, verdict, challenger).record.decision == "promote"
    return world


def dataset_of(lab: Lab) -> Dataset:
    return build_dataset(lab.model, lab.store, lab.day(SECOND)).record


def planted(lab: Lab, linear: Candidate, *, noise: tuple[float, float]) -> Candidate:
    """The candidate with other predictions of its own, of its best trial and of the second.

    They are the outcome, blurred by so much; the two blurs are of opposite sign.
    """
    targets: list[Floats] = []
    models: list[list[Floats]] = [[], [], []]
    rng = np.random.default_rng(5)
    for fold in folds_of(dataset_of(lab)):
        names = feature_names(dataset_of(lab).features)
        target = load_labelled(lab.store, fold.validation, names).target
        blur = rng.normal(size=len(target))
        targets.append(target)
        for model, size in zip(models, (noise[0], noise[0], -noise[1]), strict=True):
            model.append(np.clip(0.2 + 0.6 * target + size * blur, 0.02, 0.98))
    stored = publish_predictions(
        lab.store, FoldPredictions(tuple(targets), tuple(tuple(model) for model in models))
    )
    made = linear.model_copy(update={"predictions": stored, "kept": linear.kept[:2]})
    lab.store.candidates(made.as_of, made.name).record_once(made, key=made.digest())
    return made


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def lose_a_member(lab: Lab, ensemble: str) -> str:
    """Remove one of an ensemble's members from the store; returns its name."""
    version = load_version(lab.store, ensemble)
    assert isinstance(version.predictor, Mixture)
    member = version.predictor.members[0][0].name
    shutil.rmtree(lab.store.versions_folder / member)
    return member


def test_trials_that_err_in_opposite_ways_are_mixed(candidate: Candidate) -> None:
    assert candidate.absence is None
    assert candidate.recipe is not None
    assert candidate.recipe.algorithm == "ensemble"
    assert [each.recipe.algorithm for each in candidate.recipe.members] == ["linear"] * 2
    assert sum(each.weight for each in candidate.recipe.members) == pytest.approx(1.0)
    assert "the ensemble is kept" in str(candidate.note)


def test_its_figures_are_of_ensembles_that_other_rows_chose(
    candidate: Candidate, others: tuple[Candidate, ...]
) -> None:
    assert len(candidate.folds) == len(others[1].folds) == 1
    assert candidate.validation == candidate.folds[0]
    assert candidate.validation["log_loss"] < 0.4, "as planted"


def test_a_member_that_is_fitted_already_is_taken_by_reference(
    world: Lab, candidate: Candidate, others: tuple[Candidate, ...]
) -> None:
    version = load_version(world.store, str(candidate.version))
    assert isinstance(version.predictor, Mixture)
    members = [member.name for member, _ in version.predictor.members]
    assert others[1].version in members
    (second,) = set(members) - {others[1].version}
    assert load_version(world.store, second).recipe.parameters == others[1].kept[1]


def test_its_predictions_are_the_weighted_mean_of_its_members(
    world: Lab, candidate: Candidate
) -> None:
    version = load_version(world.store, str(candidate.version))
    assert isinstance(version.predictor, Mixture)
    assert candidate.recipe is not None
    rows = load_frame(
        world.store, dataset_of(world).current, feature_names(version.recipe.features)
    )
    mean = sum(
        stated.weight * member.raw(rows)
        for stated, (member, _) in zip(
            candidate.recipe.members, version.predictor.members, strict=True
        )
    )
    np.testing.assert_allclose(version.predict(rows), mean, rtol=1e-12)


def test_the_same_inputs_are_not_fitted_again(
    world: Lab, candidate: Candidate, others: tuple[Candidate, ...]
) -> None:
    before = world.store.versions()
    again = fit_candidate(world.model, world.store, dataset_of(world), Ensemble(), others=others)
    assert again.record == candidate
    assert world.store.versions() == before


def test_what_gains_nothing_beyond_its_error_is_dropped(world: Lab) -> None:
    linear = planted(world, fitted(world, SECOND)["linear"], noise=(0.3, -0.3))
    line = fit_candidate(
        world.model, world.store, dataset_of(world), Ensemble(), others=[linear]
    ).record
    assert "the ensemble is dropped" in str(line.dropped)
    assert (line.version, line.failure) == (None, None)


def test_a_mixture_that_rests_on_a_clock_is_not_mixed_anew(
    world: Lab, others: tuple[Candidate, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, dataset = Ensemble(latency_ms=1e6), dataset_of(world)
    first = fit_candidate(world.model, world.store, dataset, spec, others=others)
    assert not first.record.repeatable

    def slow(*timed: object) -> float:
        raise AssertionError("it was timed again")

    monkeypatch.setattr("model_refresh.refresh.library._latency", slow)
    again = fit_candidate(world.model, world.store, dataset, spec, others=others)
    assert again.record == first.record


def test_a_mixture_is_calibrated_as_the_others_are(
    world: Lab, others: tuple[Candidate, ...]
) -> None:
    lab = world.again({"training.calibration": "platt"})
    found = fit_candidate(lab.model, lab.store, dataset_of(lab), Ensemble(), others=others).record
    assert found.recipe is not None
    assert found.recipe.calibration == "platt"
    assert load_version(lab.store, str(found.version)).calibrator is not None


def test_without_others_it_is_dropped(world: Lab) -> None:
    constant = fitted(world, SECOND)["constant"].model_copy(update={"predictions": None})
    dataset = dataset_of(world)
    line = fit_candidate(world.model, world.store, dataset, Ensemble(), others=[constant])
    assert line.record.dropped == "no other candidate was fitted on validation folds"


def test_a_soft_one_is_dropped_where_one_candidate_alone_does_well(
    world: Lab, others: tuple[Candidate, ...]
) -> None:
    spec = Ensemble(weights="soft")
    line = fit_candidate(world.model, world.store, dataset_of(world), spec, others=others)
    assert line.record.dropped == "only linear does well enough to be mixed"


@pytest.mark.parametrize(("limit", "absent"), [(1e-9, True), (1e9, False)])
def test_a_latency_that_no_model_keeps_leaves_it_out(
    world: Lab, others: tuple[Candidate, ...], limit: float, absent: bool
) -> None:
    spec = Ensemble(latency_ms=limit)
    line = fit_candidate(world.model, world.store, dataset_of(world), spec, others=others)
    assert (line.record.absence is not None) == absent
    assert absent == (line.record.version is None)


def test_predictions_that_are_damaged_are_its_failure_and_the_others_go_on(
    promoted: Lab, others: tuple[Candidate, ...], tmp_path: Path
) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "damaged"), MIXED)
    file = lab.store.predictions(str(others[1].predictions)).path / "rows.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    spec = Ensemble(members=3)
    line = fit_candidate(lab.model, lab.store, dataset_of(lab), spec, others=others)
    assert str(file) in str(line.record.failure)


def test_its_final_twin_is_fitted_anew_member_by_member(promoted: Lab) -> None:
    entry = promoted.store.champion.lines()[-1].record
    trial, final = (load_version(promoted.store, str(n)) for n in (entry.trial, entry.version))
    assert isinstance(trial.predictor, Mixture)
    assert isinstance(final.predictor, Mixture)
    assert not {m.name for m, _ in trial.predictor.members} & {
        m.name for m, _ in final.predictor.members
    }
    assert [w for _, w in trial.predictor.members] == [w for _, w in final.predictor.members]
    plan = dataset_of(promoted).plan
    for member, _ in final.predictor.members:
        assert member.lineage.frames == frames_of(dataset_of(promoted), plan.final)
    assert problems(promoted) == []


def test_a_lost_member_is_named_and_nobody_loads_what_needs_it(
    promoted: Lab, tmp_path: Path
) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "lost"), MIXED)
    ensemble = lab.store.champion.lines()[-1].record.version
    member = lose_a_member(lab, ensemble)
    assert any(member in each for each in problems(lab))
    with pytest.raises(NotStored, match=member):
        load_version(lab.store, ensemble)


def test_a_changed_member_is_refused(promoted: Lab, tmp_path: Path) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "changed"), MIXED)
    version = load_version(lab.store, lab.store.champion.lines()[-1].record.version)
    assert isinstance(version.predictor, Mixture)
    recipe = lab.store.versions_folder / version.predictor.members[1][0].name / "recipe.json"
    recipe.chmod(0o644)
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | {"seed": 1}))
    with pytest.raises(CorruptError):
        load_version(lab.store, version.name)


def left(lab: Lab) -> str:
    """Put the first champion back by hand; returns the ensemble's version."""
    first, ensemble = (line.record.version for line in lab.store.champion.lines())
    override(lab.store, first, as_of=lab.day(SECOND), who="ann", reason="a try")
    return ensemble


def test_an_ensemble_comes_back_by_rollback(promoted: Lab, tmp_path: Path) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "back"), MIXED)
    ensemble = left(lab)
    entry = roll_back(lab.store, to=ensemble, who="ann", reason="it was better")
    assert lab.store.champion.lines()[-1].record == entry
    assert entry.version == ensemble
    assert problems(lab) == []


def test_an_ensemble_with_a_lost_member_does_not_come_back(promoted: Lab, tmp_path: Path) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "gone"), MIXED)
    ensemble = left(lab)
    member = lose_a_member(lab, ensemble)
    with pytest.raises(NotStored, match=member):
        roll_back(lab.store, to=ensemble, who="ann", reason="it was better")
    assert lab.store.champion.lines()[-1].record.version != ensemble


def test_the_next_refresh_meets_the_ensemble_as_incumbent(promoted: Lab, tmp_path: Path) -> None:
    lab = copy_lab(promoted, fleet_of(tmp_path / "next"), MIXED)
    ensemble = lab.store.champion.lines()[-1].record
    lab.refresh(SECOND + 1)
    comparison = lab.store.comparisons(lab.day(SECOND + 1)).lines()[-1].record
    assert comparison.incumbent is not None
    assert comparison.incumbent.trial == ensemble.trial
    assert comparison.incumbent.incomparable is None
