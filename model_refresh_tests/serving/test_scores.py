"""Scores: one batch a frame, whole or not at all, by the champion that counts for it."""

import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.algorithms.version import Single, load_version
from model_refresh.errors import CorruptError, DataError, ModelRefreshError
from model_refresh.records import Entry, Scores
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.override import roll_back
from model_refresh.refresh.resume import resume_promotion, resume_verdict
from model_refresh.refresh.rows import load_frame
from model_refresh.serving.scores import Role, publish_scores
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.crash import crash_points
from model_refresh_tests.lab import Lab


def scored(lab: Lab, number: int, *, again: bool = False) -> Scores:
    line = pipeline.score(lab.model, lab.store, lab.day(number), again=again)
    assert line is not None
    return line.record


def table_of(lab: Lab, scores: Scores) -> pl.DataFrame:
    return pl.read_parquet(lab.store.place(scores))


def role_of(lab: Lab, version: str, number: int) -> Role:
    loaded = load_version(lab.store, version)
    query = loaded.lineage.definition.frame
    frame = compute_frame(lab.model, lab.store, lab.day(number), query=query, backfilled=False)
    return Role(loaded, frame)


def newest_entry(lab: Lab) -> Entry:
    return lab.store.champion.lines()[-1].record


def test_without_a_champion_there_is_no_batch(fresh: Lab) -> None:
    assert pipeline.score(fresh.model, fresh.store, fresh.day(FIRST)) is None
    assert not (fresh.home / "visits" / "scores").exists()


def test_a_batch_holds_every_key_once_with_the_versions_own_prediction(lab: Lab) -> None:
    scores = scored(lab, FIRST)
    table = table_of(lab, scores)
    version = load_version(lab.store, scores.champion)
    names = [column.name for column in version.recipe.features]
    frame = compute_frame(
        lab.model, lab.store, lab.day(FIRST), query=lab.model.definition.frame, backfilled=False
    )
    rows = load_frame(lab.store, frame, names)
    assert table["customer_id"].to_list() == rows["customer_id"].to_list()
    np.testing.assert_array_equal(table["score"].to_numpy(), version.predict(rows))


def test_scoring_again_gives_the_same_batch(lab: Lab) -> None:
    first = scored(lab, FIRST)
    before = sorted(lab.home.rglob("*"))
    assert scored(lab, FIRST) == first
    assert sorted(lab.home.rglob("*")) == before


def test_the_same_inputs_give_the_same_bytes(lab: Lab) -> None:
    content = lab.store.place(scored(lab, FIRST)).read_bytes()
    shutil.rmtree(lab.home / "visits" / "scores")
    assert lab.store.place(scored(lab, FIRST)).read_bytes() == content


def test_a_challenger_that_lost_is_scored_beside_the_champion(lab: Lab) -> None:
    strict = lab.again({"gates": [{"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}]})
    resume_verdict(strict.model, strict.store, strict.day(SECOND))
    scores = scored(strict, SECOND)
    comparison = strict.store.comparisons(strict.day(SECOND)).lines()[-1].record
    assert scores.challenger == comparison.trial
    table = table_of(strict, scores)
    role = role_of(strict, str(comparison.trial), SECOND)
    names = [column.name for column in role.version.recipe.features]
    expected = role.version.predict(load_frame(strict.store, role.frame, names))
    np.testing.assert_array_equal(table["challenger_score"].to_numpy(), expected)


def test_a_challenger_with_other_sql_is_paired_on_the_key(lab: Lab) -> None:
    sql = (lab.folder / "features.sql").read_text()
    (lab.folder / "features.sql").write_text(
        sql.replace("WHERE day", "WHERE customer_id > 9 AND day")
    )
    strict = lab.again({"gates": [{"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}]})
    strict.refresh(SECOND)
    table = table_of(strict, scored(strict, SECOND))
    assert table.height == 300
    missing = table.filter(pl.col("challenger_score").is_null())["customer_id"].to_list()
    assert missing == list(range(10))


def test_each_frame_is_scored_by_the_champion_that_counts_for_it(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    lab.refresh(SECOND)
    assert [scored(lab, number).entry for number in (FIRST, SECOND, SECOND + 1)] == [1, 2, 2]


def test_a_rollback_takes_effect_from_the_next_unpublished_frame(lab: Lab) -> None:
    lab.refresh(SECOND)
    published = scored(lab, SECOND)
    roll_back(lab.store, to=None, who="ann", reason="complaints")
    assert scored(lab, SECOND) == published
    assert scored(lab, SECOND + 1).entry == 3
    beside = scored(lab, SECOND, again=True)
    assert (beside.entry, published.entry) == (3, 2)
    assert lab.store.place(published).exists()


def test_an_empty_frame_gives_an_empty_batch(lab: Lab) -> None:
    lab.damage(lab.rows().filter(pl.lit(value=False)))
    scores = scored(lab, SECOND + 1)
    assert scores.rows == 0
    assert table_of(lab, scores).columns == ["customer_id", "score"]


def test_a_score_that_is_not_finite_publishes_nothing(lab: Lab) -> None:
    role = role_of(lab, newest_entry(lab).version, SECOND)

    class Lost:
        def predict(self, matrix: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            del matrix
            return np.full(300, np.nan)

        def save(self, folder: object) -> None:
            del folder

        def importances(self) -> None:
            return None

        def contributions(self, matrix: object) -> None:
            del matrix

        def form(self) -> None:
            return None

    assert isinstance(role.version.predictor, Single)
    model = replace(role.version.predictor, fitted=Lost())
    lost = Role(replace(role.version, predictor=model), role.frame)
    with pytest.raises(DataError, match="300 scores that are not finite"):
        publish_scores(lab.store, newest_entry(lab), lost, None)
    assert lab.store.scores(lab.day(SECOND)).lines() == []


def test_a_damaged_champion_scores_nothing_and_is_named(lab: Lab) -> None:
    version = newest_entry(lab).version
    path = lab.store.versions_folder / version / "model.json"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelRefreshError, match=r"model\.json"):
        pipeline.score(lab.model, lab.store, lab.day(SECOND))
    assert lab.store.scores(lab.day(SECOND)).lines() == []


def test_a_kill_at_any_call_leaves_a_whole_batch_or_none(lab: Lab) -> None:
    entry = newest_entry(lab)
    role = role_of(lab, entry.version, SECOND)
    folder = lab.home / "visits" / "scores"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    seen = set()
    for _ in crash_points(partial(publish_scores, lab.store, entry, role, None), prepare):
        lines = lab.store.scores(lab.day(SECOND)).lines()
        seen.add(len(lines))
        if lines:
            assert table_of(lab, lines[0].record).height == 300
        assert publish_scores(lab.store, entry, role, None).record.rows == 300
    assert seen == {0, 1}


def test_a_promotion_is_not_needed_to_score_the_next_frame(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    with pytest.raises(ModelRefreshError, match="run the step challenger first"):
        resume_promotion(lab.model, lab.store, lab.day(SECOND))
    assert scored(lab, SECOND).champion == newest_entry(lab).version


def test_a_damaged_batch_is_named_and_made_anew_on_demand(lab: Lab) -> None:
    first = scored(lab, FIRST)
    path = lab.store.place(first)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CorruptError, match=r"scores\.parquet"):
        scored(lab, FIRST)
    assert scored(lab, FIRST, again=True) == first
    assert path.read_bytes() == whole


def test_a_lost_challenger_keeps_no_champion_back(lab: Lab) -> None:
    gate = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
    resume_verdict(lab.again({"gates": [gate]}).model, lab.store, lab.day(SECOND))
    trial = lab.store.comparisons(lab.day(SECOND)).lines()[-1].record.trial
    shutil.rmtree(lab.store.versions_folder / (trial or ""))
    scores = scored(lab, SECOND)
    assert (scores.rows, scores.challenger) == (300, None)
    assert "the challenger could not score" in scores.notes[0]
