"""The comparison: legal rows only, both versions on the same rows, always trial against trial."""

import shutil

import pytest

from model_refresh.algorithms.version import load_version
from model_refresh.errors import Contaminated, PromotionRefused
from model_refresh.records import Candidate, Comparison
from model_refresh.refresh.comparison import choose, compare
from model_refresh.refresh.contest import constant_of
from model_refresh.refresh.resume import resume_comparison, resume_verdict, stored_dataset
from model_refresh.refresh.rows import load_frame
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.factories import AS_OF
from model_refresh_tests.lab import Lab


def compared(lab: Lab) -> Comparison:
    return resume_comparison(lab.model, lab.store, lab.day(SECOND))[0].record


def forget_comparison(lab: Lab) -> None:
    shutil.rmtree(lab.home / "visits" / "refreshes" / "2024-01-26" / "comparison")


def test_trial_twins_meet_on_frames_that_neither_has_learned_from(lab: Lab) -> None:
    comparison = compared(lab)
    incumbent = comparison.incumbent
    assert incumbent is not None
    assert comparison.trial is not None
    entry = lab.store.champion.line(1).record
    assert (incumbent.version, incumbent.trial) == (entry.version, entry.trial)
    assert incumbent.version != incumbent.trial
    for version in (incumbent.trial, comparison.trial):
        known_at = load_version(lab.store, version).lineage.known_at
        assert known_at <= min(comparison.holdout)
    assert comparison.rows == 300
    assert comparison.metrics["log_loss"].gain_over_incumbent is not None


def test_the_constant_is_the_mean_of_the_trial_labels(lab: Lab) -> None:
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    line = lab.store.candidates(lab.day(SECOND), "constant").last()
    assert line is not None
    constant = load_version(lab.store, line.record.version or "")
    predicted = constant.predict(
        load_frame(lab.store, dataset.current, ["segment", "visits_14d", "visits", "most_spent"])
    )
    assert predicted == pytest.approx([constant_of(dataset)] * 300)


def make_candidate(name: str, log_loss: float, version: str | None = "0" * 16) -> Candidate:
    return Candidate(
        as_of=AS_OF, name=name, dataset="0" * 64, version=version, validation={"log_loss": log_loss}
    )


def test_validation_chooses_and_the_constant_never_wins(lab: Lab) -> None:
    candidates = [
        make_candidate("constant", 0.1),
        make_candidate("linear", 0.3),
        make_candidate("lightgbm", 0.2),
        make_candidate("broken", 0.0, version=None),
        make_candidate("strange", float("nan")),
    ]
    chosen = choose(lab.model, candidates)
    assert chosen is not None
    assert chosen.name == "lightgbm"
    assert choose(lab.model, candidates[:1]) is None


def test_no_fitted_candidate_is_recorded_and_promotes_nobody(lab: Lab) -> None:
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    comparison = compare(lab.model, lab.store, dataset, []).record
    assert comparison.challenger is None
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    assert verdict.decision == "reject", "something is wrong: a person must look"
    assert "no candidate could be fitted" in verdict.sentence


def test_a_lost_trial_twin_is_fitted_again_from_its_recipe_and_frames(lab: Lab) -> None:
    before = compared(lab)
    forget_comparison(lab)
    trial = lab.store.champion.line(1).record.trial
    shutil.rmtree(lab.store.versions_folder / str(trial))
    after = compared(lab)
    assert after.incumbent is not None
    assert after.incumbent.rebuilt
    assert after.incumbent.trial == trial, "the same recipe and frames give the same bytes"
    assert after.metrics == before.metrics


def test_a_champion_whose_twins_are_both_lost_is_incomparable(lab: Lab) -> None:
    forget_comparison(lab)
    entry = lab.store.champion.line(1).record
    for version in (entry.version, str(entry.trial)):
        shutil.rmtree(lab.store.versions_folder / version)
    comparison = compared(lab)
    assert comparison.incumbent is not None
    assert "missing from the store" in str(comparison.incumbent.incomparable)
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    assert verdict.decision == "reject"
    assert verdict.sentence.startswith("incomparable: ")


def test_a_champion_with_other_sql_is_judged_on_its_own_frames(lab: Lab) -> None:
    before = compared(lab).metrics["log_loss"].incumbent
    assert before is not None
    sql = (lab.folder / "features.sql").read_text()
    (lab.folder / "features.sql").write_text(
        sql.replace("max(spend) AS most_spent", "avg(spend) AS mean_spent")
    )
    changed = lab.again({})
    changed.refresh(SECOND)
    comparison = changed.store.comparisons(changed.day(SECOND)).lines()[-1].record
    assert comparison.incumbent is not None
    assert comparison.incumbent.incomparable is None
    after = comparison.metrics["log_loss"].incumbent
    assert after == pytest.approx(before), "whatever the SQL of the challenger"


def test_another_label_is_incomparable(lab: Lab) -> None:
    sql = (lab.folder / "labels.sql").read_text()
    (lab.folder / "labels.sql").write_text(sql.replace("max(visited)", "min(visited)"))
    changed = lab.again({})
    with pytest.raises(Exception, match="incomparable: it predicts another label"):
        changed.refresh(SECOND)
    assert len(changed.store.champion.lines()) == 1


def test_a_champion_that_learned_from_the_holdout_is_not_judged_on_it(lab: Lab) -> None:
    lab.refresh(SECOND)
    earlier = lab.refresh(FIRST - 2)
    comparison = lab.store.comparisons(lab.day(FIRST - 2)).lines()[-1].record
    assert comparison.incumbent is None, "no champion was in production before that day"
    assert earlier.decision == "retain"


def test_values_that_training_and_holdout_may_not_share_stop(lab: Lab) -> None:
    forget_comparison(lab)
    strict = lab.again({"comparison.disjoint": "segment"})
    with pytest.raises(Contaminated, match="300 holdout rows share their 'segment'"):
        compared(strict)


def test_a_gate_that_asks_for_another_metric_compares_anew(lab: Lab) -> None:
    plain = lab.again({"comparison.also": ["brier"]})
    assert "roc_auc" not in compared(plain).metrics
    gate = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.5}
    asked = plain.again({"comparison.also": ["brier"], "gates": [gate]})
    assert "roc_auc" in compared(asked).metrics


def test_rows_without_a_group_are_one_group_and_are_told(lab: Lab) -> None:
    """Whether their errors belong together nobody knows, so they count once."""
    sql = (lab.folder / "features.sql").read_text()
    shop = "CASE WHEN customer_id % 10 > 0 THEN customer_id // 20 END AS shop, avg(visited)"
    (lab.folder / "features.sql").write_text(sql.replace("avg(visited)", shop, 1))
    grouped = lab.again({"comparison.group": "shop", "columns.exclude": ["shop"]})
    grouped.refresh(SECOND)
    comparison = grouped.store.comparisons(grouped.day(SECOND)).lines()[-1].record
    gain = comparison.metrics["log_loss"].gain_over_constant
    assert gain is not None
    assert gain.groups == 15 + 1
    assert "30 of 300 holdout rows have no 'shop': they are one group" in comparison.notes


def test_five_rows_promote_nobody(lab: Lab) -> None:
    """A holdout of five customers has no bounds worth having, so the gates don't pass."""
    sql = (lab.folder / "features.sql").read_text()
    few = "WHERE ($as_of < TIMESTAMP '2024-01-25' OR customer_id < 5) AND day"
    (lab.folder / "features.sql").write_text(sql.replace("WHERE day", few))
    small = lab.again({"checks.min_rows": 1, "checks.row_count_factor": 1000})
    promotion = small.refresh(SECOND)
    assert promotion.decision == "retain"
    assert "not judged: 1 independent group of rows" in promotion.sentence


def test_a_champion_whose_key_is_of_another_type_is_incomparable(lab: Lab) -> None:
    sql = (lab.folder / "features.sql").read_text()
    text = sql.replace("    customer_id,", "    CAST(customer_id AS VARCHAR) AS customer_id,", 1)
    (lab.folder / "features.sql").write_text(
        text.replace("BY customer_id,", "BY visits.customer_id,")
    )
    with pytest.raises(PromotionRefused, match="incomparable: its key 'customer_id' is Int"):
        lab.again({}).refresh(SECOND)


def test_a_champion_without_a_row_in_common_is_incomparable(lab: Lab) -> None:
    sql = (lab.folder / "features.sql").read_text()
    (lab.folder / "features.sql").write_text(
        sql.replace("WHERE day", "WHERE customer_id >= 150 AND day")
    )
    gates = {
        "gates": [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": 0.5}],
        "scores.shift": {"other_keys": 1.0},
    }
    assert lab.again(gates).refresh(SECOND).decision == "promote"
    (lab.folder / "features.sql").write_text(
        sql.replace("WHERE day", "WHERE customer_id < 150 AND day")
    )
    other = lab.again(gates)
    with pytest.raises(PromotionRefused, match="have no row in common"):
        other.refresh(SECOND + 1)


def test_one_more_thing_to_measure_is_no_further_judgement(lab: Lab) -> None:
    before = compared(lab)
    gates = [{"gate": "beats_constant"}, {"gate": "latency", "at_most_ms": 1000}]
    timed = compared(lab.again({"gates": gates}))
    assert timed.footprint is not None
    assert timed.footprint.latency_ms is not None
    assert timed.confidence == before.confidence == timed.declared_confidence


def test_a_lower_confidence_on_the_same_holdout_is_a_further_judgement(lab: Lab) -> None:
    assert compared(lab).confidence == pytest.approx(0.95)
    assert compared(lab.again({"comparison.confidence": 0.9})).confidence == pytest.approx(0.95)


def test_what_was_timed_is_not_compared_anew_when_nobody_asks_any_more(lab: Lab) -> None:
    gates = [{"gate": "beats_constant"}, {"gate": "latency", "at_most_ms": 1000}]
    timed = compared(lab.again({"gates": gates}))
    again = compared(lab.again({}))
    assert again.digest() == timed.digest()
