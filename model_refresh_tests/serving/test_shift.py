"""Checks of a trial batch in small worlds; the rates over many are in soak/test_shift.py."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from model_refresh.config.production import ShiftLimits
from model_refresh.records import Task
from model_refresh.serving.trial.judgement import judge_trial
from model_refresh.serving.trial.pairing import Batches, Ground
from model_refresh.serving.trial.shift import shifts
from model_refresh_tests.serving.trial_faults import (
    HARMLESS,
    batches,
    failures,
    ground_of,
    plant,
    right,
    table,
)
from model_refresh_tests.serving.trial_worlds import World

TASKS: tuple[Task, ...] = ("binary", "regression", "multiclass")


@pytest.fixture(scope="module")
def world() -> World:
    return World("binary", "lightgbm", 1000, 5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ["linear", "lightgbm"])
def test_faults_of_twice_the_honest_difference_are_all_blocked(task: Task, algorithm: str) -> None:
    world = World(task, algorithm, 2000, 11)
    ground = ground_of(world)
    planted = [each for each in plant(world, seed=3) if each.size >= max(0.5, 2 * each.honest)]
    missed = [each.kind for each in planted if not failures(world, each.batches, ground)]
    assert len(planted) > 15
    assert missed == []


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_happens_to_both_models_is_let_through(kind: str, world: World) -> None:
    changed = HARMLESS[kind](world)
    found = failures(changed, batches(changed, table(changed, right(changed))), ground_of(changed))
    assert found == []


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("truncated keys", "same_keys"),
        ("repeated keys", "unique_keys"),
        ("scores that are NaN", "range"),
        ("wrong link", "range"),
        ("constant scores", "variety"),
        ("swapped classes", "rank_correlation"),
        ("shuffled rows", "decile_migration"),
    ],
)
def test_a_fault_is_named_by_the_check_that_is_made_for_it(
    kind: str, check: str, world: World
) -> None:
    (planted,) = [each for each in plant(world, seed=3) if each.kind == kind]
    assert check in failures(world, planted.batches, ground_of(world))


@pytest.mark.parametrize("kind", ["shuffled rows", "swapped classes", "truncated keys"])
def test_beside_a_decayed_incumbent_too_a_lost_order_is_a_fault(kind: str, world: World) -> None:
    (planted,) = [each for each in plant(world, seed=3) if each.kind == kind]
    judged = judge_trial(planted.batches, ground_of(world), ShiftLimits(), standing="decayed")
    assert any(check.outcome == "failed" for check in judged.checks)


def test_beside_a_decayed_incumbent_scores_may_move_and_are_told_to(world: World) -> None:
    moved = table(world, right(world)).with_columns(pl.col("score") ** 0.25)
    tried, limits = batches(world, moved), ShiftLimits(level=None)
    strict = judge_trial(tried, ground_of(world), limits)
    assert {c.name for c in strict.checks if c.outcome == "failed"} >= {"psi", "wasserstein"}
    eased = judge_trial(tried, ground_of(world), limits, standing="decayed")
    assert {c.name for c in eased.checks if c.outcome == "failed"} == set()
    assert "beside an incumbent that has decayed" in next(
        c.sentence for c in eased.checks if c.name == "wasserstein"
    )


def test_beside_an_incumbent_that_is_worse_than_no_model_only_soundness_and_level_are_asked(
    world: World,
) -> None:
    (planted,) = [each for each in plant(world, seed=3) if each.kind == "shuffled rows"]
    judged = judge_trial(planted.batches, ground_of(world), ShiftLimits(), standing="worthless")
    assert "worse than no model" in judged.checks[-1].sentence
    assert {"psi", "top_overlap"}.isdisjoint(check.name for check in judged.checks)
    assert {"range", "variety", "level"} <= {check.name for check in judged.checks}


def test_null_scores_are_counted(world: World) -> None:
    rows = table(world, right(world)).with_columns(
        pl.when(pl.col("id") < 7).then(None).otherwise(pl.col("score")).alias("score")
    )
    judged = judge_trial(batches(world, rows), ground_of(world), ShiftLimits())
    assert [c.name for c in judged.checks if c.outcome == "failed"] == ["no_null"]
    assert "7 scores of 1000 rows are null" in judged.checks[-1].sentence


def test_a_failure_says_value_limit_and_what_to_do(world: World) -> None:
    (planted,) = [each for each in plant(world, seed=3) if each.kind == "swapped classes"]
    judged = judge_trial(planted.batches, ground_of(world), ShiftLimits())
    (told,) = [c.sentence for c in judged.checks if c.name == "rank_correlation"]
    assert "1 - rank correlation of incumbent and challenger is 1." in told
    assert "scores.shift.rank_correlation" in told


def test_a_check_that_is_switched_off_is_not_asked(world: World) -> None:
    limits = ShiftLimits(psi=None, level=None, top_overlap=None, same_value=None, other_keys=None)
    ground, tried = ground_of(world), batches(world, table(world, right(world)))
    asked = {check.name for check in judge_trial(tried, ground, limits).checks}
    everything = {check.name for check in judge_trial(tried, ground, ShiftLimits()).checks}
    assert everything - asked == {"psi", "level", "top_overlap", "variety", "same_keys"}


def test_a_share_of_other_keys_can_be_declared(world: World) -> None:
    rows = table(world, right(world)).head(950)
    tried, ground = batches(world, rows), ground_of(world)
    allowed = judge_trial(tried, ground, ShiftLimits(other_keys=0.06))
    assert all(check.outcome == "passed" for check in allowed.checks)
    refused = judge_trial(tried, ground, ShiftLimits(other_keys=0.04))
    assert "the challenger lacks 50" in next(
        check.sentence for check in refused.checks if check.outcome == "failed"
    )


def test_without_an_incumbent_soundness_and_level_are_asked(world: World) -> None:
    alone = replace(batches(world, table(world, right(world))), incumbent=None)
    ground = replace(ground_of(world), old=None)
    judged = judge_trial(alone, ground, ShiftLimits())
    names = [check.name for check in judged.checks]
    assert names == ["unique_keys", "no_null", "range", "variety", "level"]
    assert judged.shift == judged.on_holdout == ()
    doubled = replace(alone, challenger=table(world, np.full(world.rows, 0.97)))
    failed = judge_trial(doubled, ground, ShiftLimits(same_value=None))
    assert [c.name for c in failed.checks if c.outcome == "failed"] == ["level"]


def test_tiers_are_asked_where_they_are_declared(world: World) -> None:
    tried, ground = batches(world, table(world, right(world))), ground_of(world)
    judged = judge_trial(tried, ground, ShiftLimits(), tiers=(0.3,))
    assert "tier_flips" in {check.name for check in judged.checks}
    (line,) = judged.shift
    pair = tried.paired()
    assert pair is not None
    old, new = pair
    assert line.tier_flips == pytest.approx(float(np.mean((old > 0.3) != (new > 0.3))))


def test_a_challenger_may_differ_as_much_as_it_did_where_labels_judged_it() -> None:
    """Equally far from the incumbent on frame and holdout passes, on the frame only fails."""
    rng = np.random.default_rng(1)
    form, target = rng.normal(size=3000), rng.normal(size=3000)
    near, far = form + 0.05 * rng.normal(size=3000), form + 0.7 * rng.normal(size=3000)

    def failed(on_holdout: np.ndarray) -> set[str]:
        ids = np.arange(3000)
        old, new = (pl.DataFrame({"id": ids, "score": each}) for each in (form, far))
        tried = Batches("regression", ("id",), ("score",), new, old)
        judged = judge_trial(tried, Ground(target, form, on_holdout), ShiftLimits())
        return {check.name for check in judged.checks if check.outcome == "failed"}

    assert failed(far) == set()
    assert {"rank_correlation", "decile_migration", "top_overlap"} <= failed(near)


def test_rows_that_both_score_alike_move_as_one() -> None:
    """A third of the rows are one customer type; that it moves past a neighbour is one move."""
    rng = np.random.default_rng(2)
    old = np.concatenate([np.full(500, 0.5), rng.random(1000)])
    new = np.where(old == 0.5, 0.62, old)
    (line,) = shifts(("score",), old, new, task="regression")
    assert line.distinct == 1001
    assert (line.psi < 0.01, line.far_moves) == (True, 0.0)
    assert np.sum(line.moves) == 1500
