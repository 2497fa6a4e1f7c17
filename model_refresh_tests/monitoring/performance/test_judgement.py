"""Is decay found where it is, and only there: on simulated rows, by the real judgement."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from model_refresh.errors import Contaminated
from model_refresh.metrics import Holdout, Predicted, compare_metrics, metric
from model_refresh.monitoring.performance.judgement import judge_batch
from model_refresh.monitoring.performance.looks import spent
from model_refresh.monitoring.performance.promise import Promise
from model_refresh.monitoring.performance.sides import Side, Terms
from model_refresh_tests.monitoring.performance.worlds import (
    KNOWN,
    Fault,
    World,
    is_undone,
    lives,
)

TIMES = 10
WORLDS = [
    World("snapshot", 300),
    World("events", 2_000, days=7, shared=0.3),
    World("regression", 300, task="regression"),
]
MOVES = [World("more of them", 2_000, moves=0.8), World("fewer", 2_000, moves=-0.8)]


@pytest.mark.parametrize("fault", ["leaked", "shuffled", "inverted"])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_bad_champion_is_undone_at_the_first_look(world: World, fault: Fault) -> None:
    first = [next(lives(world, fault, seed=seed, looks=1)) for seed in range(TIMES)]
    assert all(is_undone(judged) for judged in first)


@pytest.mark.parametrize("world", [*WORLDS, *MOVES], ids=lambda world: world.name)
def test_a_good_champion_stays_over_its_life_also_where_the_base_rate_moves(world: World) -> None:
    undone = sum(
        any(is_undone(judged) for judged in lives(world, "none", seed=seed, looks=4))
        for seed in range(TIMES)
    )
    assert undone <= 1  # the rates of 100 are in soak/test_decay.py


def test_what_was_promised_by_a_leak_is_missed_by_the_promise_too() -> None:
    judged = next(lives(WORLDS[0], "leaked", seed=1, looks=1))
    outcomes = {check.name: check.outcome for check in judged.checks}
    assert outcomes["against_promise"] == "failed"
    assert judged.skill is not None
    assert judged.skill.promised is not None
    assert judged.skill.promised.estimate > 0.5 > judged.skill.realised.estimate


def test_the_error_of_all_looks_together_is_what_is_declared_and_half_of_it_the_first() -> None:
    looks = [spent(0.95, look) for look in range(1, 10_001)]
    assert looks[0] == pytest.approx(0.025)
    assert sum(looks) == pytest.approx(0.05, rel=1e-3)
    assert sum(looks) < 0.05
    assert looks == sorted(looks, reverse=True)


def rows_of(rows: int = 400, seed: int = 0) -> tuple[Holdout, Predicted]:
    """Rows with the truth about them."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.0, 2.0, rows)
    target = (rng.random(rows) < p).astype(np.float64)
    as_of = np.full(rows, np.datetime64("2024-06-01", "us"))
    return Holdout(target, np.arange(rows), as_of), Predicted(p, KNOWN)


TERMS = Terms(metric=metric("log_loss"), loss=metric("log_loss"), others=[metric("roc_auc")])


def test_nobody_is_graded_on_rows_that_it_learned_from() -> None:
    holdout, truth = rows_of()
    late = dataclasses.replace(truth, known_at=dt.datetime(2024, 6, 2, tzinfo=dt.UTC))
    with pytest.raises(Contaminated):
        judge_batch(holdout, [Side("champion", "a", late)], promise=None, terms=TERMS)
    with pytest.raises(Contaminated):
        judge_batch(
            holdout,
            [Side("champion", "a", truth), Side("former", "b", late)],
            promise=None,
            terms=TERMS,
        )


def test_the_challenger_that_does_better_is_told_with_its_figures() -> None:
    holdout, truth = rows_of(2_000)
    worse = Predicted(np.clip(truth.values[::-1], 0.05, 0.95), KNOWN)
    judged = judge_batch(
        holdout,
        [Side("champion", "a", worse), Side("challenger", "b", truth)],
        promise=None,
        terms=TERMS,
    )
    (note,) = judged.notes
    assert note.startswith("the challenger that was kept out does better: log loss")
    swapped = judge_batch(
        holdout,
        [Side("champion", "a", truth), Side("challenger", "b", worse)],
        promise=None,
        terms=TERMS,
    )
    assert "was kept out rightly" in swapped.notes[0]
    same = judge_batch(
        holdout,
        [Side("champion", "a", truth), Side("challenger", "b", truth)],
        promise=None,
        terms=TERMS,
    )
    assert same.notes == ()


def test_one_whose_frame_has_fewer_rows_is_paired_on_those_that_both_have() -> None:
    holdout, truth = rows_of()
    some = np.arange(0, 400, 2)
    half = Side("former", "b", Predicted(truth.values[some], KNOWN), some)
    judged = judge_batch(holdout, [Side("champion", "a", truth), half], promise=None, terms=TERMS)
    former = judged.graded[1]
    assert former.gain_over_champion is not None
    assert former.gain_over_champion.estimate == 0.0
    alone = metric("log_loss").value(holdout.target[some], truth.values[some])
    assert former.metrics["log_loss"] == alone


def test_too_few_groups_are_not_judged_and_say_so() -> None:
    holdout, truth = rows_of(40)
    few = dataclasses.replace(holdout, group=np.arange(40) % 3)
    constant = Side("constant", None, Predicted(np.full(40, 0.3), KNOWN))
    judged = judge_batch(few, [Side("champion", "a", truth), constant], promise=None, terms=TERMS)
    (check,) = judged.checks
    assert (check.outcome, check.name) == ("noted", "against_constant")
    assert "3 independent groups of rows, 5 are needed" in check.sentence


def test_the_error_of_a_promised_skill_is_bounded_by_what_is_kept_and_not_by_much() -> None:
    """Against the spread of 150 promises on fresh rows: about as large, at most 1.35 times it."""
    skills, errors = [], []
    for seed in range(150):
        holdout, truth = rows_of(500, seed)
        plain = Predicted(np.full(500, 1.0 / 3.0), KNOWN)
        compared = compare_metrics(
            [metric("log_loss")],
            holdout,
            challenger=truth,
            constant=plain,
            incumbent=None,
            confidence=0.95,
        )
        skill = Promise("0" * 64, compared).skill(TERMS)
        assert skill is not None
        skills.append(skill.estimate)
        errors.append((skill.estimate - skill.lower) / 1.648)
    assert 0.9 * np.std(skills) < np.mean(errors) < 1.35 * np.std(skills)
