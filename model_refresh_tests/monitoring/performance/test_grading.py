"""A batch graded through the real store: figures, answers to decay, and what stops it."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from model_refresh import pipeline
from model_refresh.errors import DataError, NotDue, NotStored
from model_refresh.monitoring.performance import (
    gradable_from,
    grade,
    is_gradable,
    next_gradable,
    ungraded,
)
from model_refresh.monitoring.performance.batch import require_frame_of_its_time
from model_refresh.pipeline.aftercare import grade_batch, grade_matured
from model_refresh.records import Entry
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.labels import label_digest
from model_refresh.refresh.override import override
from model_refresh.refresh.resume import resume_verdict
from model_refresh.storage import Store
from model_refresh.storage.store import SCORES
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

THIRD = SECOND + 1


def later(lab: Lab, day: int) -> dt.datetime:
    """An hour after the data of a day's labels should be there."""
    return gradable_from(lab.model, lab.day(day)) + dt.timedelta(hours=1)


def with_watermark(lab: Lab) -> Lab:
    """The lab with a source that says up to when it is complete: the day after its last one."""
    (lab.folder / "ready.sql").write_text("SELECT max(day) + INTERVAL 1 DAY FROM visits")
    source = {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}}
    return lab.again({"champion.on_decay": "rollback", "source": {**source, "ready": "ready.sql"}})


def truth(lab: Lab, day: int) -> pl.DataFrame:
    """The kept scores of a day beside what the data say, by our own join."""
    line = lab.store.scores(lab.day(day)).last()
    assert line is not None
    kept = pl.read_parquet(
        lab.store.scores(lab.day(day)).folder / line.record.content[:16] / SCORES
    )
    met = lab.rows().filter(pl.col("day") == lab.day(day).date())
    return kept.join(met.select("customer_id", "visited"), on="customer_id")


def test_realised_figures_are_those_of_the_kept_scores_and_the_data(scored: Lab) -> None:
    line = grade(scored.model, scored.store, scored.day(FIRST), now=later(scored, FIRST))
    assert line is not None
    champion, table = line.record.of("champion"), truth(scored, FIRST)
    assert champion is not None
    y, p = table["visited"].to_numpy(), table["score"].to_numpy()
    assert champion.metrics["log_loss"] == pytest.approx(sklearn.metrics.log_loss(y, p))
    assert champion.metrics["roc_auc"] == pytest.approx(sklearn.metrics.roc_auc_score(y, p))
    assert line.record.rows == table.height == 300
    assert line.record.estimated["log_loss"] == pytest.approx(
        float(np.mean(-p * np.log(p) - (1 - p) * np.log(1 - p)))
    )


def test_beside_them_stands_what_the_verdict_promised(scored: Lab) -> None:
    line = grade(scored.model, scored.store, scored.day(FIRST), now=later(scored, FIRST))
    comparison = scored.store.comparisons(scored.day(FIRST)).last()
    assert line is not None
    assert comparison is not None
    promised = {each.metric: each for each in line.record.promised}
    judged = comparison.record.metrics["log_loss"]
    assert promised["log_loss"].value == judged.challenger
    assert promised["log_loss"].interval == judged.challenger_interval
    assert line.record.promise == comparison.record.digest()
    skill = line.record.skill
    assert skill is not None
    assert skill.promised is not None
    assert judged.constant is not None
    assert skill.promised.estimate == pytest.approx(1 - judged.challenger / judged.constant)
    assert not line.record.has_decayed


def test_the_constant_is_the_mean_of_the_labels_that_were_known_then(scored: Lab) -> None:
    line = grade(scored.model, scored.store, scored.day(FIRST), now=later(scored, FIRST))
    assert line is not None
    constant = line.record.of("constant")
    assert constant is not None
    days = [scored.day(FIRST - back).date() for back in (1, 2, 3)]
    mean = scored.rows().filter(pl.col("day").is_in(days))["visited"].mean()
    y = truth(scored, FIRST)["visited"].to_numpy()
    expected = sklearn.metrics.log_loss(y, np.full(len(y), mean))
    assert constant.metrics["log_loss"] == pytest.approx(expected)


def test_a_batch_is_due_once_the_data_of_its_labels_should_be_there_and_until_it_is_graded(
    scored: Lab,
) -> None:
    model, store = scored.model, scored.store
    first, second = scored.day(FIRST), scored.day(SECOND)
    moment = first + model.sizes.gap + dt.timedelta(hours=6)  # the schedule ticks at 06:00
    assert gradable_from(model, first) == moment
    assert ungraded(model, store, moment - dt.timedelta(seconds=1)) == []
    assert ungraded(model, store, moment) == [first]
    assert is_gradable(model, first, moment)
    assert next_gradable(model, store, moment) == moment + dt.timedelta(days=1)
    told = "labels of 2024-01-26 mature at 2024-01-27 00:00 UTC and .* expected at .*27 06:00 UTC"
    with pytest.raises(NotDue, match=told):
        grade(model, store, second, now=second + model.sizes.gap)
    assert [each.as_of for each in grade_matured(model, store, later(scored, SECOND))] == [
        first,
        second,
    ]
    assert ungraded(model, store, later(scored, SECOND)) == []
    assert grade(model, store, scored.day(THIRD), now=later(scored, THIRD)) is None


def test_a_bad_champion_is_taken_back_once_with_the_figures(scored: Lab) -> None:
    model, store, undone = scored.model, scored.store, list[Entry]()
    champion = store.champion.line(1).record
    for _ in range(2):
        line = grade_batch(
            model, store, scored.day(SECOND), now=later(scored, SECOND), on_undone=undone.append
        )
    assert line is not None
    assert line.record.remedy == "rollback"
    (entry,) = undone
    newest = store.champion.last()
    assert newest is not None
    assert newest.record == entry
    assert (entry.kind, entry.version, entry.who) == ("rollback", champion.version, "model_refresh")
    assert entry.as_of == scored.day(THIRD)
    assert entry.reason.startswith("decay as of 2024-01-26: log loss 0.6")
    assert "the former one is better by 0." in entry.reason
    assert store.champion.last() == newest
    assert list(verify(Store(scored.home), [NAME])) == []
    batch = pipeline.score(model, store, scored.day(THIRD))
    assert batch is not None
    assert batch.record.champion == champion.version


def test_a_frame_that_was_not_computed_at_its_time_is_not_computed_with_hindsight(
    scored: Lab,
) -> None:
    model, store, when = scored.model, scored.store, scored.day(SECOND)
    line, query = store.scores(when).last(), model.definition.frame
    assert line is not None
    require_frame_of_its_time(store, query, line.record)
    other = query.model_copy(update={"sql": f"{query.sql} -- said otherwise"})
    with pytest.raises(NotStored, match="not computed at the time"):
        require_frame_of_its_time(store, other, line.record)
    compute_frame(model, store, when, query=other, backfilled=True)
    with pytest.raises(NotStored, match="not computed at the time"):
        require_frame_of_its_time(store, other, line.record)


def test_grading_twice_gives_the_same_record_and_spends_one_look(scored: Lab) -> None:
    lines = [
        grade(scored.model, scored.store, scored.day(SECOND), now=later(scored, SECOND))
        for _ in range(2)
    ]
    assert lines[0] == lines[1]
    assert len(scored.store.performances(scored.day(SECOND)).lines()) == 1


def test_each_further_frame_of_a_champion_is_one_more_look_with_less_error_left(lab: Lab) -> None:
    for day in (FIRST, SECOND, THIRD):
        pipeline.score(lab.model, lab.store, lab.day(day))
    graded = grade_matured(lab.model, lab.store, later(lab, THIRD))
    assert [each.look for each in graded] == [1, 2, 3]
    assert [each.confidence for each in graded] == sorted(each.confidence for each in graded)
    again = lab.again({"monitoring.confidence": 0.9})
    line = grade(again.model, again.store, again.day(SECOND), now=later(again, THIRD))
    assert line is not None
    assert line.record.look == 2


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"champion.on_decay": "alert"}, "alert"),
        ({"champion.on_decay": "refresh"}, "refresh"),
        ({"champion.on_decay": "rollback", "approval": "manual"}, "alert"),
    ],
)
def test_any_other_policy_leaves_the_champion_where_it_is(
    scored: Lab, changes: dict[str, object], remedy: str
) -> None:
    lab = scored.again(changes)
    before = lab.store.champion.lines()
    line = grade_batch(lab.model, lab.store, lab.day(SECOND), now=later(lab, SECOND))
    assert line is not None
    assert line.record.has_decayed
    assert line.record.remedy == remedy
    assert lab.store.champion.lines() == before


def test_who_puts_a_decayed_version_in_again_is_not_overruled_by_old_labels(scored: Lab) -> None:
    bad = scored.store.champion.lines()[-1].record
    grade_batch(scored.model, scored.store, scored.day(SECOND), now=later(scored, SECOND))
    assert scored.store.champion.lines()[-1].record.kind == "rollback"
    override(scored.store, bad.version, as_of=scored.day(THIRD), who="ann", reason="I know better")
    before = scored.store.champion.lines()
    grade_batch(scored.model, scored.store, scored.day(SECOND), now=later(scored, SECOND))
    assert scored.store.champion.lines() == before


def test_what_came_after_the_bad_champion_is_not_taken_back(scored: Lab) -> None:
    good = scored.store.champion.line(1).record
    override(
        scored.store, good.version, as_of=scored.day(THIRD), who="ann", reason="I saw it myself"
    )
    before = scored.store.champion.lines()
    line = grade_batch(scored.model, scored.store, scored.day(SECOND), now=later(scored, SECOND))
    assert line is not None
    assert line.record.remedy == "rollback"
    assert scored.store.champion.lines() == before


def test_the_challenger_that_was_kept_out_is_graded_by_its_own_kept_scores(lab: Lab) -> None:
    strict = lab.again({"gates": [{"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}]})
    assert (
        resume_verdict(strict.model, strict.store, strict.day(SECOND)).record.decision == "retain"
    )
    pipeline.score(strict.model, strict.store, strict.day(SECOND))
    line = grade(strict.model, strict.store, strict.day(SECOND), now=later(strict, SECOND))
    assert line is not None
    challenger, table = line.record.of("challenger"), truth(strict, SECOND)
    assert challenger is not None
    losses = [
        sklearn.metrics.log_loss(table["visited"], table[name])
        for name in ("challenger_score", "score")
    ]
    assert challenger.metrics["log_loss"] == pytest.approx(losses[0])
    gain = challenger.gain_over_champion
    assert gain is not None
    assert gain.estimate == pytest.approx(losses[1] - losses[0])


def test_damaged_labels_are_an_error_with_their_sentence_and_no_decay(scored: Lab) -> None:
    scored.damage(scored.rows().with_columns(visited=pl.lit(0)))
    with pytest.raises(DataError, match="label mean 0 against"):
        grade_batch(scored.model, scored.store, scored.day(SECOND), now=later(scored, SECOND))
    assert scored.store.graded() == []
    assert len(scored.store.champion.lines()) == 2


def test_labels_are_not_stored_while_the_source_says_that_their_data_are_not_there(
    scored: Lab,
) -> None:
    whole, lab = scored.rows(), with_watermark(scored)
    lab.damage(whole.filter(pl.col("day") < lab.day(SECOND).date()))
    now, log = later(lab, SECOND), lab.store.labels(label_digest(lab.model), lab.day(SECOND))
    with pytest.raises(NotDue, match="source has not reached 2024-01-27 00:00 UTC"):
        grade(lab.model, lab.store, lab.day(SECOND), now=now)
    assert log.lines() == []
    lab.damage(whole)
    line = grade(lab.model, lab.store, lab.day(SECOND), now=now)
    assert line is not None
    assert line.record.rows == 300
    assert len(log.lines()) == 1


def test_a_batch_whose_labels_are_stored_is_graded_whatever_the_source_says(scored: Lab) -> None:
    grade(scored.model, scored.store, scored.day(FIRST), now=later(scored, FIRST))
    lab = with_watermark(scored.again({"monitoring.confidence": 0.9}))
    lab.damage(lab.rows().filter(pl.col("day") < lab.day(FIRST).date()))
    assert grade(lab.model, lab.store, lab.day(FIRST), now=later(lab, FIRST)) is not None


def test_a_batch_that_is_scored_again_is_graded_again(scored: Lab) -> None:
    model, store, now = scored.model, scored.store, later(scored, SECOND)
    grade_matured(model, store, now)
    good = store.champion.line(1).record
    override(store, good.version, as_of=scored.day(SECOND), who="ann", reason="score it again")
    pipeline.score(model, store, scored.day(SECOND), again=True)
    assert ungraded(model, store, now) == [scored.day(SECOND)]
    line = grade(model, store, scored.day(SECOND), now=now)
    assert line is not None
    assert line.record.champion == good.version
    assert ungraded(model, store, now) == []


def test_a_champion_that_learned_from_later_labels_is_not_graded_and_says_so(lab: Lab) -> None:
    newest, before = lab.store.champion.last(), lab.day(FIRST - 1)
    assert newest is not None
    override(lab.store, newest.record.version, as_of=before, who="ann", reason="back in time")
    pipeline.score(lab.model, lab.store, before)
    line = grade(lab.model, lab.store, before, now=later(lab, SECOND))
    assert line is not None
    assert line.record.graded == ()
    assert line.record.sentence.startswith("not graded: the champion learned from labels known on")
    assert ungraded(lab.model, lab.store, later(lab, SECOND)) == []


def test_labels_that_a_grade_rests_on_are_missed_where_they_are_lost(scored: Lab) -> None:
    line = grade(scored.model, scored.store, scored.day(FIRST), now=later(scored, FIRST))
    assert line is not None
    assert line.record.labels is not None
    assert line.record.label_query is not None
    folder = scored.store.labels(line.record.label_query, scored.day(FIRST)).folder
    (folder / line.record.labels[:16]).rename(scored.home / "elsewhere")
    problems = " ".join(verify(Store(scored.home), [NAME]))
    assert "performance/2024-01-25/00000001.json rests on it" in problems
