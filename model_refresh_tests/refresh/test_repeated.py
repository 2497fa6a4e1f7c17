"""Everything at once: refreshes with all kinds of candidates, done twice, killed, and calibrated."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import Linear
from model_refresh.algorithms.version import load_version
from model_refresh.calibration import fit_calibrator
from model_refresh.errors import FitError
from model_refresh.records import Candidate
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset, frames_of
from model_refresh.refresh.predictions import read_predictions
from model_refresh.refresh.resume import stored_dataset
from model_refresh.refresh.rows import feature_names, load_labelled
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh.tuning import Attempt, Journal
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab, make_lab
from model_refresh_tests.refresh.inside import fits_inside, fitted, fleet_of, run_inside, stored

NAMES = ("ensemble", "recalibrated", "constant", "linear", "lightgbm")
EVERYTHING = {
    "training.candidates": [
        {"algorithm": name, **({"rounds": 10} if name == "lightgbm" else {})} for name in NAMES
    ],
    "training.tuning": {"trials": 6, "seconds": 600},
    "training.calibration": "auto",
    "training.window": [3, 2],
    "training.half_life": ["1d"],
    "training.folds": 2,
}
REFRESHES = (FIRST, FIRST + 2)
CALIBRATED = {"training.calibration": "platt", "gates": [{"gate": "beats_constant"}]}


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with fits_inside():
        yield


def whole(folder: Path) -> Lab:
    lab = make_lab(folder, EVERYTHING)
    for day in REFRESHES:
        lab.refresh(day)
    return lab


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return whole(tmp_path_factory.mktemp("once"))


def test_a_refresh_with_everything_gives_the_same_digests_elsewhere(
    once: Lab, tmp_path: Path
) -> None:
    twice = whole(tmp_path)
    for day in REFRESHES:
        for name in NAMES:
            assert stored(twice, day, name).digest() == stored(once, day, name).digest(), name
        compared = [lab.store.comparisons(lab.day(day)).lines()[-1].record for lab in (once, twice)]
        assert compared[0].digest() == compared[1].digest()
    assert twice.store.versions() == once.store.versions()
    assert [line.record for line in twice.store.champion.lines()] == [
        line.record for line in once.store.champion.lines()
    ]


def test_what_it_leaves_is_whole(once: Lab) -> None:
    assert list(verify(Store(once.home), [NAME])) == []
    assert not list(once.store.root.glob("studies/*")), "journals go once the record is there"


def test_the_second_week_is_narrow_around_the_first(once: Lab) -> None:
    first, second = (stored(once, day, "lightgbm") for day in REFRESHES)
    assert (first.search, second.search) == ("cold", "narrow")
    assert {each["window"] for each in first.kept} <= {2, 3}
    assert stored(once, REFRESHES[0], "recalibrated").dropped is not None
    assert stored(once, REFRESHES[1], "recalibrated").absence is None


def test_the_stored_predictions_are_of_every_kept_trial_and_give_its_loss(once: Lab) -> None:
    for name in ("linear", "lightgbm"):
        found = stored(once, FIRST, name)
        predicted = read_predictions(once.store, str(found.predictions))
        assert len(predicted.models) == len(found.kept) + 1, "the candidate itself comes first"
        losses = sorted(each.loss for each in found.trials)
        for model, loss in zip(predicted.models[1:], losses, strict=False):
            folds = zip(predicted.targets, model, strict=True)
            assert np.mean([_log_loss(*fold) for fold in folds]) == pytest.approx(loss)


def _log_loss(target: np.ndarray, chance: np.ndarray) -> float:
    happened = np.clip(np.where(target == 1, chance, 1 - chance), 1e-15, 1)
    return float(-np.log(happened).mean())


class Struck(Exception):
    """The machine went down."""


def test_trials_survive_a_refresh_that_died_and_the_next_one_ends_alike(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searching = {"training.tuning": {"trials": 6, "seconds": 600}}
    lab, other = lab.again(searching), copy_lab(lab, fleet_of(tmp_path / "other"), searching)
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record
    add = Journal.add

    def strike(journal: Journal, attempt: Attempt) -> None:
        add(journal, attempt)
        if attempt.number == 4:
            raise Struck

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", strike)
        with pytest.raises(Struck):
            fit_candidate(lab.model, lab.store, dataset, Linear())
    (journal,) = lab.store.root.glob("studies/*")
    assert sorted(Journal(journal).attempts()) == [1, 2, 3, 4]
    assert list(verify(Store(lab.home), [NAME])) == []
    added: list[int] = []

    def noted(journal: Journal, attempt: Attempt) -> None:
        added.append(attempt.number)
        add(journal, attempt)

    monkeypatch.setattr(Journal, "add", noted)
    resumed = fit_candidate(lab.model, lab.store, dataset, Linear())
    assert added == [5, 6]
    assert resumed.record == fitted(other, SECOND)["linear"]
    assert not journal.exists()


def test_a_journal_that_a_crash_left_behind_goes_with_the_next_refresh(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab.again({"training.seed": 6})
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record

    def strike(journal: Journal) -> None:
        del journal
        raise Struck

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "remove", strike)
        with pytest.raises(Struck):
            fit_candidate(lab.model, lab.store, dataset, Linear())
    assert fit_candidate(lab.model, lab.store, dataset, Linear()).record.version is not None
    assert not list(lab.store.root.glob("studies/*"))


def test_a_search_that_failed_is_recorded_and_keeps_its_journal(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab.again({"training.seed": 5})
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record

    def late(*given: object, **named: object) -> object:
        run_inside(*given, **named)  # type: ignore[arg-type]
        raise FitError("died of SIGKILL")

    with monkeypatch.context() as patch:
        patch.setattr("model_refresh.refresh.candidates.run_fit", late)
        failed = fit_candidate(lab.model, lab.store, dataset, Linear()).record
    assert failed.failure == "died of SIGKILL"
    assert len(list(lab.store.root.glob("studies/*"))) == 1
    assert fit_candidate(lab.model, lab.store, dataset, Linear()).record.failure is None


@pytest.fixture(scope="module")
def calibrated(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("calibrated"), CALIBRATED)
    assert lab.refresh(SECOND).decision == "promote"
    return lab


def test_the_trials_calibrator_learned_from_fits_that_had_not_seen_the_rows(
    calibrated: Lab,
) -> None:
    found = stored(calibrated, SECOND, "linear")
    predicted = read_predictions(calibrated.store, str(found.predictions))
    target, chance = predicted.of(0)[0]
    trial = load_version(calibrated.store, str(found.version))
    assert trial.calibrator == fit_calibrator("platt", chance, target, task="binary")
    assert found.note == "calibrated by platt: as declared"


def test_the_final_twins_calibrator_learned_from_trial_predictions_of_the_holdout(
    calibrated: Lab,
) -> None:
    entry = calibrated.store.champion.lines()[-1].record
    trial, final = (load_version(calibrated.store, str(n)) for n in (entry.trial, entry.version))
    dataset = stored_dataset(calibrated.model, calibrated.store, calibrated.day(SECOND))
    frames = frames_of(dataset, dataset.plan.holdout)
    rows = load_labelled(calibrated.store, frames, feature_names(dataset.features))
    expected = fit_calibrator("platt", trial.raw(rows.table), rows.target, task="binary")
    assert final.calibrator == expected != trial.calibrator
    assert np.array_equal(final.predict(rows.table), expected.apply(final.raw(rows.table))), (
        "and is what its predictions go through"
    )


def test_auto_picks_none_where_nothing_is_to_be_put_right(once: Lab) -> None:
    found: Candidate = stored(once, FIRST, "linear")
    assert found.recipe is not None
    assert found.recipe.calibration == "none"
    assert str(found.note).startswith("not calibrated: ")
    assert load_version(once.store, str(found.version)).calibrator is None


def test_the_constant_is_never_calibrated(calibrated: Lab) -> None:
    found = stored(calibrated, SECOND, "constant")
    assert found.recipe is not None
    assert found.recipe.calibrator is None
