"""A label of several classes, from the declaration to the scores."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from model_refresh import pipeline
from model_refresh.algorithms.version import load_version
from model_refresh.errors import DataError, PromotionRefused
from model_refresh.monitoring.performance import grade
from model_refresh.records import Comparison, Scores
from model_refresh.refresh.contest import constant_predictions
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.resume import stored_dataset
from model_refresh.refresh.rows import load_frame
from model_refresh_tests.lab import Lab, copy_lab, make_lab

FIRST, SECOND = 12, 13
CLASSES = ["none", "once", "often", "daily"]
"""No label is `daily`: a class may be declared and not met."""
LABELS = """
SELECT
    customer_id,
    CASE WHEN sum(visited) = 0 THEN 'none' WHEN sum(visited) = 1 THEN 'once' ELSE 'often' END
        AS visited
FROM visits
WHERE day >= $as_of AND day < $until
GROUP BY customer_id
"""
CHANGES: dict[str, object] = {
    "task": "multiclass",
    "label.classes": CLASSES,
    "label.horizon": "3d",
    "report": False,
    "training.candidates": [
        {"algorithm": "constant"},
        {"algorithm": "linear"},
        {"algorithm": "lightgbm", "rounds": 100},
    ],
}
IMPOSSIBLE = {"gates": [{"gate": "absolute", "metric": "log_loss", "at_most": 0.0001}]}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab of classes after its first refresh."""
    lab = make_lab(tmp_path_factory.mktemp("classes"))
    (lab.folder / "labels.sql").write_text(LABELS)
    lab = lab.again(CHANGES)
    assert lab.refresh(FIRST).decision == "promote"
    return lab


@pytest.fixture
def lab(once: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return copy_lab(once, tmp_path, CHANGES)


def comparison_of(lab: Lab, number: int) -> Comparison:
    return lab.store.comparisons(lab.day(number)).lines()[-1].record


def scored(lab: Lab, number: int) -> tuple[Scores, pl.DataFrame]:
    line = pipeline.score(lab.model, lab.store, lab.day(number))
    assert line is not None
    return line.record, pl.read_parquet(lab.store.place(line.record))


def named(prefix: str) -> list[str]:
    return [f"{prefix}_{name}" for name in CLASSES]


def predicted(lab: Lab, version: str, number: int) -> NDArray[np.float64]:
    loaded = load_version(lab.store, version)
    query = loaded.lineage.definition.frame
    frame = compute_frame(lab.model, lab.store, lab.day(number), query=query, backfilled=False)
    names = [column.name for column in loaded.recipe.features]
    return loaded.predict(load_frame(lab.store, frame, names))


def test_every_algorithm_is_fitted_and_tuned_by_the_log_loss(lab: Lab) -> None:
    losses = {}
    for name in ("constant", "linear", "lightgbm"):
        line = lab.store.candidates(lab.day(FIRST), name).last()
        assert line is not None
        assert line.record.failure is None
        losses[name] = line.record.validation["log_loss"]
        assert predicted(lab, line.record.version or "", FIRST).shape == (300, 4)
    assert max(losses["linear"], losses["lightgbm"]) < losses["constant"] < np.log(len(CLASSES))


def test_the_first_refresh_promotes_what_beats_the_classes_shares(lab: Lab) -> None:
    comparison = comparison_of(lab, FIRST)
    assert (comparison.task, comparison.primary) == ("multiclass", "log_loss")
    loss = comparison.metrics["log_loss"]
    assert loss.constant is not None
    assert 0 < loss.challenger < loss.constant
    assert loss.gain_over_constant is not None
    assert loss.gain_over_constant.lower > 0


def test_the_constant_of_a_comparison_is_the_algorithms_own(lab: Lab) -> None:
    dataset = stored_dataset(lab.model, lab.store, lab.day(FIRST))
    line = lab.store.candidates(lab.day(FIRST), "constant").last()
    assert line is not None
    own = predicted(lab, line.record.version or "", FIRST)
    np.testing.assert_allclose(own, constant_predictions(dataset, 300), rtol=1e-12)
    assert 0 < own[0, CLASSES.index("daily")] < 0.001


def test_the_second_refresh_meets_the_incumbent_on_common_rows(lab: Lab) -> None:
    assert lab.refresh(SECOND).decision in {"promote", "retain"}
    comparison = comparison_of(lab, SECOND)
    assert comparison.incumbent is not None
    assert comparison.incumbent.incomparable is None
    loss = comparison.metrics["log_loss"]
    assert loss.incumbent is not None
    assert abs(loss.incumbent - loss.challenger) < 0.2
    assert loss.gain_over_incumbent is not None
    assert loss.gain_over_incumbent.lower < loss.gain_over_incumbent.upper


def test_a_batch_has_a_column_a_class_and_its_rows_sum_to_1(lab: Lab) -> None:
    scores, table = scored(lab, FIRST)
    assert table.columns == ["customer_id", *named("score")]
    np.testing.assert_allclose(table.select(named("score")).sum_horizontal(), 1, rtol=1e-12)
    expected = predicted(lab, scores.champion, FIRST)
    np.testing.assert_array_equal(table.select(named("score")).to_numpy(), expected)


@pytest.mark.parametrize("other_sql", [False, True])
def test_a_challenger_that_lost_is_scored_beside_the_champion(lab: Lab, other_sql: bool) -> None:
    if other_sql:
        sql = (lab.folder / "features.sql").read_text()
        less = sql.replace("WHERE day", "WHERE customer_id > 9 AND day")
        (lab.folder / "features.sql").write_text(less)
    strict = lab.again(CHANGES | IMPOSSIBLE)
    assert strict.refresh(SECOND).decision == "retain"
    scores, table = scored(strict, SECOND)
    assert table.columns == ["customer_id", *named("score"), *named("challenger_score")]
    assert scores.challenger == comparison_of(strict, SECOND).trial
    beside = table.filter(pl.col("customer_id") > 9) if other_sql else table
    expected = predicted(strict, scores.challenger or "", SECOND)
    np.testing.assert_array_equal(beside.select(named("challenger_score")).to_numpy(), expected)
    assert table.height - beside.height == table["challenger_score_none"].null_count()


def test_other_classes_are_another_question(lab: Lab) -> None:
    turned = lab.again(CHANGES | {"label.classes": CLASSES[::-1]})
    with pytest.raises(PromotionRefused, match="incomparable: it predicts another label"):
        turned.refresh(SECOND)


def test_an_undeclared_class_stops_the_refresh_and_is_told(lab: Lab) -> None:
    fewer = lab.again(CHANGES | {"label.classes": ["none", "often"]})
    with pytest.raises(DataError, match=r"no class that is declared: 'once' \(\d+ rows\); add"):
        fewer.refresh(SECOND)


def test_a_batch_of_classes_is_graded_and_estimated(lab: Lab) -> None:
    batch, table = scored(lab, FIRST)
    line = grade(lab.model, lab.store, batch.as_of, now=lab.day(FIRST + 4))
    assert line is not None
    champion = line.record.of("champion")
    assert champion is not None
    shares = table.select(named("score")).to_numpy()
    entropy = -(shares * np.log(shares)).sum(axis=1).mean()
    assert line.record.estimated["log_loss"] == pytest.approx(entropy)
    visits = lab.rows().filter(
        pl.col("day").is_between(lab.day(FIRST).date(), lab.day(FIRST + 2).date())
    )
    met = table.join(visits.group_by("customer_id").agg(pl.col("visited").sum()), on="customer_id")
    code = np.minimum(met["visited"].to_numpy(), 2)
    happened = met.select(named("score")).to_numpy()[np.arange(met.height), code]
    assert champion.metrics["log_loss"] == pytest.approx(-np.log(happened).mean())
    assert line.record.skill is not None
    assert not line.record.has_decayed
