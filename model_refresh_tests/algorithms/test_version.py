from pathlib import Path

import numpy as np
from polars.testing import assert_frame_equal

from model_refresh.algorithms.version import Mixture, Version, load_version, read_learned
from model_refresh.refresh.rows import feature_names, load_labelled
from model_refresh.report.importances import importances
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import Lab, make_lab

BOTH = ("constant", "linear")


def make_version(folder: Path) -> tuple[Lab, Version]:
    lab = make_lab(folder, {"training.candidates": [{"algorithm": "linear"}]})
    lab.refresh(FIRST)
    candidate = lab.store.candidates(lab.day(FIRST), "linear").lines()[-1].record
    assert candidate.version is not None
    return lab, load_version(lab.store, candidate.version)


def test_what_a_version_learned_is_stored_with_it_and_told_by_row(tmp_path: Path) -> None:
    lab, version = make_version(tmp_path)
    stored = lab.store.version(version.name)
    told = read_learned(stored)
    assert told is not None
    assert importances(stored, version.recipe) == told.importances
    names = feature_names(version.recipe.features)
    assert sorted(told.importances) == sorted(names)
    rows = load_labelled(lab.store, version.lineage.frames, names).table.head(9)
    added = version.explain(rows)
    assert added.columns == [*names, "base"]
    odds = added.sum_horizontal().to_numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), version.raw(rows), rtol=1e-9)
    mixture = Mixture(((version, 1.0),))
    assert mixture.learned() == told
    mixed = Version("mixed", version.artifact, version.recipe, version.lineage, mixture)
    assert_frame_equal(mixed.explain(rows), added)


def test_what_a_mixture_says_of_a_row_sums_to_what_it_predicts(tmp_path: Path) -> None:
    lab, version = make_version(tmp_path)
    lab.refresh(FIRST + 1)
    later = lab.store.candidates(lab.day(FIRST + 1), "linear").lines()[-1].record.version
    assert later not in (None, version.name)
    other = load_version(lab.store, later or "")
    mixture = Mixture(((version, 0.25), (other, 0.75)))
    mixed = Version("mixed", version.artifact, version.recipe, version.lineage, mixture)
    names = feature_names(version.recipe.features)
    rows = load_labelled(lab.store, version.lineage.frames, names).table.head(9)
    odds = mixed.explain(rows).sum_horizontal().to_numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), mixed.raw(rows), rtol=1e-9)


def test_a_mixture_with_a_constant_is_explained_too(tmp_path: Path) -> None:
    lab = make_lab(tmp_path)
    lab.refresh(FIRST)
    names = [lab.store.candidates(lab.day(FIRST), a).lines()[-1].record.version for a in BOTH]
    constant, linear = (load_version(lab.store, name or "") for name in names)
    mixture = Mixture(((constant, 0.25), (linear, 0.75)))
    mixed = Version("mixed", linear.artifact, linear.recipe, linear.lineage, mixture)
    columns = feature_names(linear.recipe.features)
    rows = load_labelled(lab.store, linear.lineage.frames, columns).table.head(9)
    odds = mixed.explain(rows).sum_horizontal().to_numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), mixed.raw(rows), rtol=1e-9)
