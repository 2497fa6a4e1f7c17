"""The incumbent with nothing but its calibrator fitted anew, where only the level has moved."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_refresh.algorithms.version import Mixture, Version, load_version
from model_refresh.calibration import AnyCalibrator, fit_calibrator
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.records import Candidate
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.dataset import build_dataset, frames_of
from model_refresh.refresh.override import override
from model_refresh.refresh.resume import stored_dataset
from model_refresh.refresh.rows import feature_names, load_labelled
from model_refresh.refresh.verdict import give_verdict
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab, make_lab
from model_refresh_tests.refresh.inside import fits_inside, fleet_of, stored

ALONE = {
    "training.candidates": [
        {"algorithm": "constant"}, {"algorithm": "linear"}, {"algorithm": "recalibrated"},
    ],
}  # fmt: skip
MOVED = FIRST + 2
"""From this day on customers come much less often than they did."""
WINS = MOVED + 2
"""The first refresh whose validation frame shows it."""


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with fits_inside():
        yield


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab whose base rate fell after the champion was fitted; refreshed on the day it shows."""
    lab = make_lab(tmp_path_factory.mktemp("moved"), ALONE)
    lab.damage(thinned(lab))
    for day in (FIRST, WINS):
        assert lab.refresh(day).decision == "promote"
    return lab


def thinned(lab: Lab) -> pl.DataFrame:
    """The visits without most of those since the base rate moved."""
    rng = np.random.default_rng(3)
    rows = lab.rows()
    lost = (rows["day"] >= lab.day(MOVED).date()).to_numpy() & (rng.random(rows.height) < 0.4)
    kept = pl.Series(~lost).cast(pl.Int64)
    return rows.with_columns(visited=rows["visited"] * kept)


def versions(lab: Lab, number: int) -> tuple[Version, Version]:
    """Trial and final twin of a champion entry."""
    entry = lab.store.champion.line(number).record
    return load_version(lab.store, str(entry.trial)), load_version(lab.store, entry.version)


def recalibrated(lab: Lab, day: int, **declared: object) -> Candidate:
    dataset = build_dataset(lab.model, lab.store, lab.day(day)).record
    spec = Recalibrated.model_validate(declared)
    return fit_candidate(lab.model, lab.store, dataset, spec).record


def test_a_level_that_moved_is_put_right_and_it_wins(moved: Lab) -> None:
    ours, linear = (stored(moved, WINS, name) for name in ("recalibrated", "linear"))
    assert ours.validation["log_loss"] < linear.validation["log_loss"]
    comparison = moved.store.comparisons(moved.day(WINS)).lines()[-1].record
    assert comparison.challenger == "recalibrated"
    primary = comparison.metrics["log_loss"]
    assert primary.incumbent is not None
    assert primary.challenger < 0.95 * primary.incumbent


def test_the_trial_twin_holds_the_incumbents_trial_twin_and_the_final_its_final(moved: Lab) -> None:
    before, after = versions(moved, 1), versions(moved, 2)
    for old, new in zip(before, after, strict=True):
        assert isinstance(new.predictor, Mixture)
        assert [(member.name, weight) for member, weight in new.predictor.members] == [
            (old.name, 1.0)
        ]
        assert new.recipe.calibration == "platt"
        assert new.lineage.frames == old.lineage.frames


def test_each_twins_calibrator_learned_from_rows_that_are_legal_for_it(moved: Lab) -> None:
    trial, final = versions(moved, 2)
    incumbent, _ = versions(moved, 1)
    plan = stored_dataset(moved.model, moved.store, moved.day(WINS)).plan
    for version, instants in ((trial, plan.validation), (final, plan.holdout)):
        assert version.calibrator == learned(moved, incumbent, instants)
        assert min(instants) >= incumbent.lineage.learned_until
    assert trial.lineage.learned_until <= plan.holdout[0]
    assert final.lineage.learned_until > plan.holdout[0]


def learned(lab: Lab, incumbent: Version, instants: tuple[dt.datetime, ...]) -> AnyCalibrator:
    """The calibrator that the incumbent's trial twin gets on these frames."""
    frames = frames_of(stored_dataset(lab.model, lab.store, lab.day(WINS)), instants)
    rows = load_labelled(lab.store, frames, feature_names(incumbent.recipe.features))
    return fit_calibrator("platt", incumbent.raw(rows.table), rows.target, task="binary")


def test_calibrators_are_not_stacked_over_the_weeks(moved: Lab, tmp_path: Path) -> None:
    lab = copy_lab(moved, fleet_of(tmp_path / "weeks"), ALONE)
    first, _ = versions(lab, 1)
    found = recalibrated(lab, WINS + 2)
    assert found.absence is None
    version = load_version(lab.store, str(found.version))
    assert isinstance(version.predictor, Mixture)
    assert [member.name for member, _ in version.predictor.members] == [first.name]
    assert list(verify(Store(lab.home), [NAME])) == []


def test_a_lost_trial_twin_is_rebuilt_to_the_same_predictions(moved: Lab, tmp_path: Path) -> None:
    lab = copy_lab(moved, fleet_of(tmp_path / "lost"), ALONE)
    trial, _ = versions(lab, 2)
    shutil.rmtree(lab.store.versions_folder / trial.name)
    lab.refresh(WINS + 1)
    incumbent = lab.store.comparisons(lab.day(WINS + 1)).lines()[-1].record.incumbent
    assert incumbent is not None
    assert incumbent.rebuilt
    rebuilt = load_version(lab.store, incumbent.trial)
    dataset = stored_dataset(lab.model, lab.store, lab.day(WINS))
    rows = load_labelled(
        lab.store, frames_of(dataset, dataset.plan.holdout), feature_names(dataset.features)
    )
    assert np.array_equal(rebuilt.predict(rows.table), trial.predict(rows.table))


def test_without_a_champion_it_is_dropped(fresh: Lab) -> None:
    lab = fresh.again(ALONE)
    assert recalibrated(lab, FIRST).dropped == (
        "there is no champion yet whose calibrator could be fitted anew"
    )


def test_a_champion_that_knows_the_validation_rows_is_too_young(lab: Lab) -> None:
    found = recalibrated(lab.again({**ALONE, "training.validation": 2}), SECOND)
    assert "too young to be calibrated anew" in str(found.dropped)
    assert (found.version, found.failure) == (None, None)


def test_a_champion_of_other_sql_is_dropped(lab: Lab) -> None:
    features = (lab.folder / "features.sql").read_text()
    (lab.folder / "features.sql").write_text(features.replace("14 DAY", "7 DAY"))
    assert recalibrated(lab.again(ALONE), FIRST + 3).dropped == (
        "the champion's SQL or label is not that of the model now"
    )


def test_a_champion_that_learned_from_a_column_that_is_excluded_now_is_dropped(
    moved: Lab, tmp_path: Path
) -> None:
    lab = copy_lab(moved, tmp_path, {"columns.exclude": ["visits"]})
    assert (
        recalibrated(lab, WINS).dropped == "the champion learned from visits, no feature any more"
    )


def test_a_champion_that_can_not_be_read_is_dropped(lab: Lab) -> None:
    trial = str(lab.store.champion.line(1).record.trial)
    (lab.store.versions_folder / trial / "model.json").unlink()
    found = recalibrated(lab.again(ALONE), FIRST + 3)
    assert str(found.dropped).startswith("the champion's trial twin can't be read: ")
    assert found.failure is None


def test_too_few_validation_rows_are_a_failure_with_a_reason(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_refresh.calibration.protocol.MIN_ROWS", 1000)
    found = recalibrated(lab.again(ALONE), FIRST + 3)
    assert "150 rows are too few to calibrate on, it takes 1000" in str(found.failure)


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_the_declared_method_is_used(moved: Lab, tmp_path: Path, method: str) -> None:
    lab = copy_lab(moved, fleet_of(tmp_path / method), ALONE)
    found = recalibrated(lab, WINS + 2, method=method)
    assert found.recipe is not None
    assert found.recipe.calibration == method
    assert load_version(lab.store, str(found.version)).calibrator is not None


def test_a_regression_is_calibrated_by_a_line(fresh: Lab) -> None:
    lab = fresh.again({**ALONE, "task": "regression"})
    lab.refresh(FIRST)
    found = recalibrated(lab, FIRST + 2)
    assert found.recipe is not None
    assert found.recipe.calibration == "line"
    assert found.validation["predicted_to_actual"] == pytest.approx(1.0, abs=0.05)


def test_the_final_twin_stays_that_of_the_trial_when_the_champion_changes_meanwhile(
    moved: Lab, tmp_path: Path
) -> None:
    lab = copy_lab(
        moved, fleet_of(tmp_path / "meanwhile"), {**ALONE, "gates": [{"gate": "beats_constant"}]}
    )
    first, second = (versions(lab, number)[1] for number in (1, 2))
    dataset = build_dataset(lab.model, lab.store, lab.day(WINS + 2)).record
    found = recalibrated(lab, WINS + 2)
    other = str(stored(lab, WINS, "linear").version)
    override(lab.store, other, as_of=lab.day(WINS), who="ann", reason="meanwhile")
    comparison = compare(lab.model, lab.store, dataset, [found]).record
    verdict = give_verdict(lab.model, lab.store, comparison).record
    assert verdict.decision == "promote"
    challenger = refit_challenger(lab.model, lab.store, dataset, verdict).record
    final = load_version(lab.store, str(challenger.version))
    assert isinstance(final.predictor, Mixture)
    assert final.predictor.members[0][0].name == first.name != second.name
