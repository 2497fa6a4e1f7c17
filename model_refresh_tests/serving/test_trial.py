"""The trial batch of real refreshes: what is stored, what blocks, and what stands in for whom."""

import shutil

import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.errors import PromotionRefused
from model_refresh.pipeline.trial import newest_tried, resume_trial, try_challenger
from model_refresh.records import CheckResult, Performance, TrialScores
from model_refresh.refresh.approval import approve, waiting
from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh.serving.trial.trying import CHALLENGER, INCUMBENT
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import FEATURES, NAME, Lab

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def tried(lab: Lab, number: int = SECOND) -> TrialScores:
    line = lab.store.trial_scores(lab.day(number)).last()
    assert line is not None
    return line.record


def up_to_challenger(lab: Lab) -> None:
    as_of = lab.day(SECOND)
    resume_verdict(lab.model, lab.store, as_of)
    resume_challenger(lab.model, lab.store, as_of)


def test_a_first_refresh_tries_the_challenger_alone(lab: Lab) -> None:
    trial = tried(lab, FIRST)
    champion = lab.store.champion.lines()[0].record
    assert (trial.version, trial.incumbent, trial.rows) == (champion.version, None, 300)
    assert trial.passes
    assert trial.shift == ()
    assert "there is no incumbent" in trial.notes[0]


def test_both_models_score_the_same_frame_and_their_batches_are_kept(lab: Lab) -> None:
    pipeline.score(lab.model, lab.store, lab.day(FIRST))
    lab.refresh(SECOND)
    trial = tried(lab)
    entries = [line.record.version for line in lab.store.champion.lines()]
    assert [trial.incumbent, trial.version] == entries
    stored = lab.store.content(lab.store.trial_scores(lab.day(SECOND)), trial.content or "")
    new, old = (pl.read_parquet(stored.file(name)) for name in (CHALLENGER, INCUMBENT))
    assert new.columns == old.columns == ["customer_id", "score"]
    assert new.height == trial.rows == 300
    (shift,) = trial.shift
    assert shift.mean_before == pytest.approx(old["score"].mean())
    assert shift.mean_after == pytest.approx(new["score"].mean())
    assert list(verify(Store(lab.home), [NAME])) == []
    published = pipeline.score(lab.model, lab.store, lab.day(SECOND))
    assert published is not None
    final = pl.read_parquet(lab.store.place(published.record))
    assert final["score"].equals(new["score"])


def test_the_incumbents_previous_batch_tells_the_populations_shift(lab: Lab) -> None:
    before = pipeline.score(lab.model, lab.store, lab.day(FIRST))
    assert before is not None
    lab.refresh(SECOND)
    trial = tried(lab)
    assert trial.previous == before.record.content
    (population,) = trial.population
    old = pl.read_parquet(lab.store.place(before.record))["score"]
    assert population.mean_before == pytest.approx(old.mean())
    assert population.mean_after == pytest.approx(trial.shift[0].mean_before)
    assert population.correlation is None


def test_without_such_a_batch_it_is_said(lab: Lab) -> None:
    lab.refresh(SECOND)
    assert (tried(lab).previous, tried(lab).population) == (None, ())
    assert "no batch of the frame before" in tried(lab).notes[0]


def test_a_challenger_that_was_retained_is_not_tried(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    assert strict.refresh(SECOND).decision == "retain"
    trial = tried(strict)
    assert (trial.version, trial.content, trial.checks, trial.rows) == (None, None, (), 0)
    assert trial.sentence == "there is no challenger to try: the incumbent stays"


def test_a_limit_that_is_crossed_keeps_the_champion_and_says_so_in_one_sentence(lab: Lab) -> None:
    tight = lab.again({"scores.shift": {"wasserstein": 1e-9, "holdout_factor": 0.0}})
    champion = tight.store.champion.lines()
    with pytest.raises(PromotionRefused, match="wasserstein: the mean move") as caught:
        tight.refresh(SECOND)
    assert "scores.shift.wasserstein" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert tight.store.champion.lines() == champion
    assert not tried(tight).passes
    eased = tight.again({})
    assert eased.refresh(SECOND).decision == "promote"


def decay(lab: Lab, *, is_found: bool = True) -> None:
    """Have labels shown that the champion does worse than was promised, or that it doesn't."""
    entry = lab.store.champion.lines()[-1]
    told = "log loss 0.9 against the constant's 0.6"
    performance = Performance(
        as_of=lab.day(FIRST),
        batch="0" * 64,
        entry=entry.number,
        champion=entry.record.version,
        primary="log_loss",
        checks=(
            CheckResult(
                name="against_promise", outcome="failed" if is_found else "passed", sentence=told
            ),
        ),
    )
    lab.store.performances(lab.day(FIRST)).record_once(performance, key=performance.digest())


def test_an_incumbent_that_has_decayed_keeps_no_challenger_back_that_differs(lab: Lab) -> None:
    tight = lab.again({"scores.shift": {"wasserstein": 1e-9, "psi": 1e-9, "holdout_factor": 0.0}})
    with pytest.raises(PromotionRefused, match=r"psi|wasserstein"):
        tight.refresh(SECOND)
    decay(lab)
    assert tight.refresh(SECOND).decision == "promote"
    trial = tried(tight)
    assert trial.passes
    assert any("has decayed, as of" in note and "0.9 against" in note for note in trial.notes)


def test_limits_that_were_eased_for_a_decay_count_as_long_as_it_is_found(lab: Lab) -> None:
    shift = {"wasserstein": 1e-9, "psi": 1e-9, "holdout_factor": 0.0}
    tight = lab.again({"scores.shift": shift, "approval": "manual"})
    decay(lab)
    assert tight.refresh(SECOND).decision == "wait"
    found = waiting(tight.store)
    assert found is not None
    decay(lab, is_found=False)
    with pytest.raises(PromotionRefused, match="eased for a decay that is found no more: run mod"):
        approve(tight.model, tight.store, found.version, who="ann", reason="it passed")
    decay(lab)
    entry = approve(tight.model, tight.store, found.version, who="ann", reason="it passed")
    assert entry.version == found.version


def test_a_decayed_incumbent_lets_no_challenger_of_a_wrong_level_through(lab: Lab) -> None:
    decay(lab)
    changed = in_cents(lab)
    with pytest.raises(PromotionRefused, match=r"level|variety"):
        changed.refresh(SECOND)


def in_cents(lab: Lab) -> Lab:
    """From the newest frame on features.sql gives cents: no twin notices, as both are fed them."""
    cents = f"CASE WHEN $as_of >= DATE '{lab.day(SECOND):%Y-%m-%d}' THEN 100 ELSE 1 END"
    sql = FEATURES.replace("sum(visited) AS visits", f"sum(visited) * {cents} AS visits")
    sql = sql.replace("INTERVAL 14 DAY) AS", f"INTERVAL 14 DAY) * {cents} AS")
    (lab.folder / "features.sql").write_text(sql)
    return lab.again({"gates": [{"gate": "beats_constant"}]})


def test_a_wrong_unit_in_the_challengers_own_query_is_stopped(lab: Lab) -> None:
    changed = in_cents(lab)
    champion = changed.store.champion.lines()
    with pytest.raises(PromotionRefused):
        changed.refresh(SECOND)
    assert not tried(changed).passes
    assert changed.store.champion.lines() == champion


def test_other_limits_ask_for_another_trial_with_the_same_batches(lab: Lab) -> None:
    up_to_challenger(lab)
    first = resume_trial(lab.model, lab.store, lab.day(SECOND)).record
    assert resume_trial(lab.model, lab.store, lab.day(SECOND)).record == first
    eased = lab.again({"scores.shift": {"psi": 5.0}})
    second = resume_trial(eased.model, eased.store, eased.day(SECOND)).record
    assert second.limits != first.limits
    assert second.content == first.content
    assert newest_tried(lab.store) == lab.day(SECOND)


def test_damaged_batches_are_made_anew(lab: Lab) -> None:
    lab.refresh(SECOND)
    trial = tried(lab)
    folder = lab.store.trial_scores(lab.day(SECOND)).folder / (trial.content or "")[:16]
    (folder / CHALLENGER).write_bytes(b"lost")
    challenger = lab.store.challengers(lab.day(SECOND)).lines()[-1].record
    assert try_challenger(lab.model, lab.store, challenger).record == trial
    assert pl.read_parquet(folder / CHALLENGER).height == 300


def test_a_lost_incumbent_is_stood_in_for_by_its_trial_twin(lab: Lab) -> None:
    up_to_challenger(lab)
    entry = lab.store.champion.lines()[-1].record
    shutil.rmtree(lab.store.versions_folder / entry.version)
    trial = resume_trial(lab.model, lab.store, lab.day(SECOND)).record
    assert trial.incumbent == entry.trial
    assert f"version {entry.version} of the incumbent can't score beside it" in trial.notes[0]
