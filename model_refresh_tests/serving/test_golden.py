"""Golden rows hold real rows and every place where scores may turn, and notice what is wrong."""

import datetime as dt
import math
from collections import Counter
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model_refresh.algorithms.version import Version
from model_refresh.calibration import fit_calibrator
from model_refresh.records import Task
from model_refresh.records.encoding import Encoding
from model_refresh.scorer.formula.columns import columns_of
from model_refresh.scorer.formula.errors import FormulaError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.trees import Trees
from model_refresh.scorer.golden import Case, Golden, distance
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.golden import golden_rows
from model_refresh.serving.folder.probes.near import Column
from model_refresh.serving.folder.probes.probe import Probe, choose, shares, spread
from model_refresh_tests.scorer.versions import as_sent, make_mixture, make_table, make_version
from model_refresh_tests.serving.mutations import (
    numeric_nodes,
    reached_leaves,
    trees_of,
    with_classes_swapped,
    with_code,
    with_leaf,
    with_threshold,
)

ROWS = make_table(rows=600, seed=3)
NUMBERS = Encoding(date_parts=("day", "minute"))


@cache
def judged(task: Task, algorithm: str) -> tuple[Formula, Golden, Version]:
    version = make_version(task, algorithm, encoding=NUMBERS)
    return formula_of(version), golden_rows(version, ROWS), version


def wrong(golden: Golden, formula: Formula) -> list[str]:
    return golden.disagreements(formula.ready().score)


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("algorithm", ["linear", "lightgbm", "forest", "xgboost"])
def test_the_formula_of_the_version_is_right(task: Task, algorithm: str) -> None:
    formula, golden, _ = judged(task, algorithm)
    assert wrong(golden, formula) == []
    scoring = formula.ready()
    assert golden.furthest([scoring.score(row) for row in golden.rows]) < 1e-12


def test_real_rows_have_the_scores_of_their_batch_and_the_first_and_last_are_there() -> None:
    _, golden, version = judged("binary", "lightgbm")
    real = [case for case in golden.cases if case.kind == "real"]
    assert len(real) == 300
    expected = dict(zip(map(str, as_sent(utc(ROWS))), version.predict(ROWS).tolist(), strict=True))
    for case in real:
        assert expected[str({**case.row, "gappy": case.row["gappy"]})] == case.scores[0]
    assert real[0].row["spend"] == ROWS["spend"][0]
    assert real[-1].row["spend"] == ROWS["spend"][-1]
    for name in ROWS.columns[:-1]:
        assert any(case.row[name] is None for case in real)


def utc(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.col("zoned").dt.convert_time_zone("UTC").dt.replace_time_zone(None),
        pl.col("gappy").fill_nan(None),
    )


def test_every_threshold_has_rows_on_both_sides_one_step_away() -> None:
    formula, golden, _ = judged("binary", "lightgbm")
    assert golden.left_out == {}
    trees = trees_of(formula)
    place = [each.name for each in formula.inputs].index("spend")
    asked = {case.row["spend"] for case in golden.cases if case.kind == "threshold"}
    for node in numeric_nodes(trees):
        if trees.feature[node] == place:
            at = trees.threshold[node]
            assert {math.nextafter(at, -math.inf), at, math.nextafter(at, math.inf)} <= asked


def test_every_category_an_unknown_one_nulls_and_extremes_are_asked() -> None:
    _, golden, _ = judged("binary", "lightgbm")
    asked = {case.row["city"] for case in golden.cases if case.kind == "category"}
    assert {"Oslo", "São Paulo", "東京", "N/A", "", "never met"} <= asked
    blank = [case for case in golden.cases if case.kind == "null"]
    assert len(blank) == 1 + len(ROWS.columns)
    assert any(set(case.row.values()) == {None} for case in blank)
    extremes = [case.row for case in golden.cases if case.kind == "extreme"]
    assert {5e-324, 1e308, -1e308} <= {row["spend"] for row in extremes}
    assert any(row["spend"] == 0 and math.copysign(1, row["spend"]) < 0 for row in extremes)
    assert {2**63 - 1, -(2**63)} <= {row["visits"] for row in extremes}
    assert {"1900-01-01", "2200-12-31"} <= {row["born"] for row in extremes}
    assert "2000-01-01T17:45:00+05:45" in {row["seen"] for row in extremes}


def test_breakpoints_of_a_calibrator_are_met_by_the_nearest_real_rows() -> None:
    single = make_version("binary", "lightgbm")
    raw = single.predict(ROWS)
    target = (np.random.default_rng(0).random(len(raw)) < raw).astype(np.float64)
    calibrator = fit_calibrator("isotonic", raw, target, task="binary")
    version = make_mixture("binary", [(single, 1.0)], calibrator)
    golden = golden_rows(version, ROWS)
    assert wrong(golden, formula_of(version)) == []
    dropped = wrong(golden, replace(formula_of(version), calibrator=None))
    assert len(dropped) > 0.9 * len(golden.cases)


def test_the_same_version_and_rows_give_the_same_bytes_which_are_read_again() -> None:
    version = make_version("multiclass", "lightgbm")
    golden = golden_rows(version, ROWS)
    assert golden.encode() == golden_rows(version, ROWS).encode()
    assert Golden.decode(golden.encode()) == golden
    assert Golden.decode(golden.encode()).encode() == golden.encode()


@pytest.mark.parametrize("most", [50, 400])
def test_no_more_rows_than_declared_of_every_kind_and_what_is_left_out_is_counted(
    most: int,
) -> None:
    golden = golden_rows(make_version("binary", "forest", encoding=NUMBERS), ROWS, most=most)
    kinds = Counter(case.kind for case in golden.cases)
    assert len(golden.cases) <= most
    assert golden.left_out["threshold"] > 0
    if most > 300:
        assert min(kinds[kind] for kind in ("threshold", "category", "null", "extreme")) >= 10


def test_without_real_rows_there_are_synthetic_ones() -> None:
    version = make_version("binary", "linear")
    golden = golden_rows(version, ROWS.clear())
    assert {case.kind for case in golden.cases} == {"category", "bend", "null", "extreme"}
    assert wrong(golden, formula_of(version)) == []


@pytest.mark.parametrize("algorithm", ["lightgbm", "forest", "xgboost"])
def test_99_of_100_changed_leaves_are_noticed(algorithm: str) -> None:
    formula, golden, _ = judged("binary", algorithm)
    read = columns_of(formula.encodings[0])
    reached = reached_leaves(trees_of(formula), [[*read(row)] for row in golden.rows])
    assert len(reached) >= 0.98 * len(trees_of(formula).leaves)
    chosen = np.random.default_rng(1).choice(reached, 100)
    noticed = [bool(wrong(golden, with_leaf(formula, int(leaf)))) for leaf in chosen]
    assert sum(noticed) >= 99


def test_most_changed_thresholds_are_noticed() -> None:
    formula, golden, _ = judged("binary", "lightgbm")
    rng = np.random.default_rng(2)
    nodes = rng.choice(numeric_nodes(trees_of(formula)), 100)
    noticed = [bool(wrong(golden, with_threshold(formula, int(node), rng))) for node in nodes]
    assert sum(noticed) >= 95


def test_a_category_s_code_swapped_classes_and_a_dropped_member_are_noticed() -> None:
    formula, golden, _ = judged("binary", "linear")
    for name in ("city", "level", "region", "flag"):
        assert wrong(golden, with_code(formula, name))
    formula, golden, _ = judged("multiclass", "lightgbm")
    assert wrong(golden, with_classes_swapped(formula))
    told = wrong(golden, with_classes_swapped(formula))[0]
    for part in ("golden row 0 (real)", "batch score none ", "here none ", "apart", "'spend': "):
        assert part in told


def test_a_row_without_a_score_is_told() -> None:
    golden = Golden("m", "v", "a", (), (Case({"x": 1.5}, (0.25,), "real"),))

    def refuse(row: object) -> float:
        raise ValueError("no")

    assert golden.disagreements(lambda row: 0.25) == []
    assert golden.disagreements(refuse) == [
        "golden row 0 (real): batch score 0.25, here none (ValueError: no), of {'x': 1.5}"
    ]
    odd: list[float | list[float]] = [math.nan, math.inf, [0.25, 0.5], []]
    for answer in odd:
        assert golden.furthest([answer]) == math.inf
    assert len(golden.disagreements(lambda row: math.nan)) == 1


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"format":1}'])
def test_other_bytes_are_no_golden_rows(damage: bytes) -> None:
    with pytest.raises(FormulaError, match="no golden rows"):
        Golden.decode(damage)


@pytest.mark.parametrize(
    ("expected", "score", "apart"),
    [(0.5, 0.5, 0.0), (0.5, 0.75, 0.25), (1e6, 1e6 + 1, 1e-3), (0.5, math.nan, math.inf)],
)
def test_the_distance_of_large_scores_is_relative(
    expected: float, score: float, apart: float
) -> None:
    assert distance([expected], [score]) == pytest.approx(apart, rel=1e-9)


@given(st.floats(-1e300, 1e300))
def test_around_a_place_a_number_is_its_neighbours(place: float) -> None:
    near = Column("x", "number").around(place, None, single=False)
    assert near == sorted({math.nextafter(place, -9e307), place, math.nextafter(place, 9e307)})


@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_around_a_place_in_single_precision_the_border_is_halfway(place: float) -> None:
    near = [float(str(v)) for v in Column("x", "number").around(place, None, single=True)]
    single = np.array(near).astype(np.float32)
    assert {*single.tolist()} == {float(single[0]), float(single[-1])}
    assert single[0] == np.float32(place)
    assert single[-1] == np.nextafter(np.float32(place), np.float32(np.inf))
    (border,) = np.flatnonzero(np.diff(single))
    assert math.nextafter(near[border], math.inf) == near[border + 1]


@given(st.floats(-(2.0**62), 2.0**62))
def test_around_a_place_an_integer_stands_on_both_sides(place: float) -> None:
    near = Column("x", "integer").around(place, None, single=False)
    whole = [value for value in near if isinstance(value, int)]
    assert min(whole) <= place < max(whole)
    assert whole == sorted(whole) == near


@pytest.mark.parametrize("base", [None, dt.datetime.fromisoformat("2024-02-29T10:11:12")])
def test_around_a_minute_are_its_last_instant_and_the_next_one(base: dt.datetime | None) -> None:
    last, first = Column("x", "timestamp", "minute").around(600.5, base, single=False)
    assert str(last).endswith("10:00:59.999999")
    assert str(first).endswith("10:01:00")


@given(st.lists(st.integers(0, 50)), st.integers(0, 100))
def test_shares_are_fair(sizes: list[int], most: int) -> None:
    given_ = shares(sizes, most)
    assert sum(given_) == min(most, sum(sizes))
    cut = [each for each, size in zip(given_, sizes, strict=True) if each < size]
    assert all(each <= min(cut) + 1 for each in cut)
    assert all(each >= min([*cut, size]) - 1 for each, size in zip(given_, sizes, strict=True))


def test_chosen_units_stay_whole_and_are_spread() -> None:
    unit = [Probe("threshold", "", 0, {})] * 3
    assert len(choose([[unit] * 50, [unit] * 2], 60)) == 60
    assert spread(range(100), 3) == [0, 50, 99]
    assert spread(range(100), 1) == [50]
    assert spread([], 5) == []


def test_a_tree_s_rows_are_those_that_come_to_a_split() -> None:
    formula, _, _ = judged("binary", "lightgbm")
    from model_refresh.serving.folder.probes.splits import comers

    read = columns_of(formula.encodings[0])
    matrix = np.array([[*read(row)] for row in as_sent(utc(ROWS))])
    trees: Trees = trees_of(formula)
    for node, rows in enumerate(comers(trees, matrix)):
        for row in rows:
            assert any(node in path(trees, root, matrix[row]) for root in trees.roots)


def path(trees: Trees, root: int, row: np.ndarray) -> list[int]:
    place, met = root, []
    while place >= 0:
        met.append(place)
        left = trees.goes_left(place, float(row[trees.feature[place]]))
        place = trees.left[place] if left else trees.right[place]
    return met
