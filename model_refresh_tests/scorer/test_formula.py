"""A formula scores what its version predicts, whatever it is made of, and stays what it was."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.algorithms.version import Version, load_version
from model_refresh.calibration import methods
from model_refresh.errors import FitError
from model_refresh.records import Task
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.rows import feature_names, load_frame
from model_refresh.scorer.formula.errors import FormulaError, ReasonsUnavailable
from model_refresh.scorer.formula.formula import Formula
from model_refresh.serving.folder.formula import formula_of
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import make_lab
from model_refresh_tests.scorer.versions import (
    CLASSES,
    ENCODINGS,
    TASKS,
    as_sent,
    calibrator,
    make_blend,
    make_mixture,
    make_table,
    make_version,
    strange_rows,
)

ALGORITHMS = ["constant", "linear", "lightgbm", "forest", "xgboost"]


def assert_agrees(version: Version, rows: pl.DataFrame, *, within: float = 1e-12) -> None:
    """Scores of the decoded formula are those of the version, relative to their size over 1."""
    formula = Formula.decode(formula_of(version).encode())
    scoring = formula.ready()
    scores = np.array([scoring.score(row) for row in as_sent(rows)])
    expected = version.predict(rows).reshape(rows.height, -1)
    assert scores.shape == expected.shape
    assert np.abs(scores - expected).max() <= within * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_version_is_reproduced_by_its_formula(task: Task, algorithm: str, encoding: str) -> None:
    version = make_version(task, algorithm, encoding=ENCODINGS[encoding])
    assert_agrees(version, make_table(rows=150, seed=3))
    assert_agrees(version, strange_rows())


@pytest.mark.parametrize("task", TASKS)
def test_curves_are_reproduced(task: Task) -> None:
    version = make_version(task, "linear", options={"splines": 5})
    assert_agrees(version, make_table(rows=150, seed=3))
    assert_agrees(version, strange_rows())


@pytest.mark.parametrize(("task", "column"), [("binary", "member"), ("regression", "gappy")])
def test_a_carried_column_is_reproduced(task: Task, column: str) -> None:
    version = make_version(task, "naive", options={"column": column})
    assert_agrees(version, make_table(rows=150, seed=3))
    assert_agrees(version, strange_rows())


@pytest.mark.parametrize("task", TASKS)
def test_a_mixture_of_mixtures_is_reproduced_as_one(task: Task) -> None:
    version = make_blend(task)
    formula = formula_of(version)
    told = [(member.algorithm, round(member.weight, 9)) for member in formula.members]
    assert told == [
        ("lightgbm", 0.1), ("lightgbm", 0.3), ("linear", 0.125), ("forest", 0.2),
        ("xgboost", 0.175), ("constant", 0.1),
    ]  # fmt: skip
    assert [member.encoding for member in formula.members] == [0, 1, 2, 3, 0, 0]
    assert_agrees(version, make_table(rows=150, seed=3))
    assert_agrees(version, strange_rows())


@pytest.mark.parametrize(
    ("task", "method"),
    [(task, method) for task in TASKS for method in methods(task)],
)
@pytest.mark.parametrize("mixed", [False, True])
def test_a_calibrator_is_reproduced(task: Task, method: str, mixed: bool) -> None:
    parts = [(make_version(task, "linear"), 0.5), (make_version(task, "lightgbm"), 0.5)]
    version = make_mixture(task, parts if mixed else [(parts[1][0], 1.0)], calibrator(task, method))
    assert (formula_of(version).calibrator is None) == (method == "none")
    assert_agrees(version, make_table(rows=150, seed=3))
    assert_agrees(version, strange_rows())


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("algorithm", ["constant", "linear", "lightgbm", "forest"])
def test_reasons_are_those_of_the_version(task: Task, algorithm: str) -> None:
    assert_explains(make_version(task, algorithm, encoding=ENCODINGS["both"]), within=1e-9)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_reasons_of_a_mixture_are_those_of_the_version(task: Task) -> None:
    parts = [("constant", 0.1, "codes"), ("linear", 0.5, "target"), ("lightgbm", 0.4, "both")]
    members = [(make_version(task, each, encoding=ENCODINGS[e]), w) for each, w, e in parts]
    assert_explains(make_mixture(task, members), within=1e-9)


def test_reasons_of_xgboost_are_as_near_as_its_single_precision() -> None:
    assert_explains(make_version("regression", "xgboost"), within=1e-5)


@pytest.mark.parametrize(("task", "column"), [("binary", "member"), ("regression", "gappy")])
def test_reasons_of_a_carried_column_are_those_of_the_version(task: Task, column: str) -> None:
    assert_explains(make_version(task, "naive", options={"column": column}), within=1e-9)


def assert_explains(version: Version, *, within: float) -> None:
    rows = make_table(rows=30, seed=3)
    scoring = formula_of(version).ready()
    expected = version.explain(rows)
    for row, told in zip(as_sent(rows), expected.to_dicts(), strict=True):
        reasons = scoring.reasons(row)
        assert list(reasons) == expected.columns
        assert reasons == pytest.approx(told, abs=within, rel=within)


def test_a_multiclass_version_has_no_reasons() -> None:
    row = as_sent(make_table(rows=1))[0]
    for algorithm in ALGORITHMS:
        scoring = formula_of(make_version("multiclass", algorithm)).ready()
        with pytest.raises(ReasonsUnavailable):
            scoring.reasons(row)


def test_the_same_version_gives_the_same_bytes_and_they_the_same_formula() -> None:
    for task in TASKS:
        version = make_blend(task)
        written = formula_of(version).encode()
        assert written == formula_of(version).encode() == formula_of(make_blend(task)).encode()
        assert Formula.decode(written) == formula_of(version)
        assert Formula.decode(written).encode() == written


def test_what_a_formula_takes_is_every_feature_with_its_learned_categories() -> None:
    version = make_version("multiclass", "lightgbm", encoding=ENCODINGS["both"])
    formula = formula_of(version)
    assert (formula.task, formula.classes) == ("multiclass", CLASSES)
    assert (formula.model, formula.version) == ("purchases", version.name)
    assert [each.name for each in formula.inputs] == make_table(rows=1).columns
    told = {each.name: each for each in formula.inputs}
    assert sorted(told["city"].categories or ()) == sorted(["Oslo", "São Paulo", "東京", "N/A", ""])
    assert sorted(told["flag"].categories or ()) == ["false", "true"]
    assert set(told["region"].categories or ()) == {str(i) for i in range(9)}
    assert told["spend"].categories is None
    assert [name for name, each in told.items() if not each.used] == ["same"]


def test_what_cannot_be_written_out_is_said_in_one_sentence() -> None:
    version = make_version("binary", "catboost")
    mixture = make_mixture("binary", [(make_version("binary", "linear"), 0.5), (version, 0.5)])
    for each in (version, mixture):
        with pytest.raises(FitError, match="by catboost can't be written out"):
            formula_of(each)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"format":1}'])
def test_other_bytes_are_no_formula(damage: bytes) -> None:
    with pytest.raises(FormulaError, match="no formula"):
        Formula.decode(damage)


@pytest.mark.parametrize("members", [b"[]", b'[{"algorithm":"constant","weight":1.0,"encoding":7'])
def test_a_formula_whose_members_read_nothing_is_refused(members: bytes) -> None:
    written = formula_of(make_version("binary", "constant")).encode()
    before, after = written.split(b'"members":')
    end = after.index(b',"calibrator"') if members == b"[]" else after.index(b',"form"')
    with pytest.raises(FormulaError, match="a member has no encoding"):
        Formula.decode(before + b'"members":' + members + after[end:])


def test_a_formula_of_another_format_is_refused() -> None:
    written = formula_of(make_version("binary", "constant")).encode()
    with pytest.raises(FormulaError, match="format 2; this scorer reads format 1"):
        Formula.decode(written.replace(b'"format":1', b'"format":2'))


def test_the_formula_of_a_stored_version_agrees_with_its_published_batch(tmp_path: Path) -> None:
    candidates = [{"algorithm": name} for name in ("constant", "linear", "lightgbm", "ensemble")]
    lab = make_lab(tmp_path, {"training.candidates": candidates, "training.calibration": "platt"})
    assert lab.refresh(FIRST).decision == "promote"
    line = pipeline.score(lab.model, lab.store, lab.day(FIRST))
    assert line is not None
    batch = pl.read_parquet(lab.store.place(line.record))
    version = load_version(lab.store, line.record.champion)
    names = feature_names(version.recipe.features)
    frame = compute_frame(
        lab.model, lab.store, lab.day(FIRST), query=lab.model.definition.frame, backfilled=False
    )
    formula = Formula.decode(formula_of(version).encode())
    scoring = formula.ready()
    scores = [scoring.score(row)[0] for row in as_sent(load_frame(lab.store, frame, names))]
    assert (formula.artifact, formula.model) == (version.artifact, lab.model.name)
    assert batch.height == len(scores) == 300
    assert np.abs(np.array(scores) - batch["score"].to_numpy()).max() < 1e-9
