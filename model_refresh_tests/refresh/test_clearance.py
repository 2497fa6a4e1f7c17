"""What stands between a challenger and production (P2): a stored, bound pass of every test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.errors import ModelRefreshError, PromotionRefused
from model_refresh.records import (
    Challenger,
    CheckResult,
    Conformance,
    Promotion,
    Scorer,
    TrialScores,
)
from model_refresh.records.production import CONFORMANCE_CHECKS, TRIAL_CHECKS
from model_refresh.refresh import champion
from model_refresh.refresh.approval import approve
from model_refresh.refresh.champion import promote
from model_refresh.refresh.override import override
from model_refresh.serving.conformance.checks import AGREEMENT, GOLDEN_ROWS, LATENCY, SUITE
from model_refresh.storage import Store
from model_refresh.storage.folder import drafting
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab

REALTIME = {"deploy": ["batch", "realtime"]}
NOTED = CheckResult(name="other", outcome="noted", sentence="p99 2 ms, near the budget")
FAILED = CheckResult(name="golden_rows", outcome="failed", sentence="row 3 is off by 0.1")
OTHER = "0" * 64


def passes(*names: str) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(name=name, outcome="passed", sentence="all well") for name in names)


TRIED, CONFORMS = passes(*TRIAL_CHECKS), passes(*CONFORMANCE_CHECKS)


@pytest.fixture(scope="module")
def judged(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab whose second day has passed all that is asked before a promotion."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("judged"))
    lab.judge(SECOND)
    return lab


@pytest.fixture
def passed(judged: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return copy_lab(judged, tmp_path)


@pytest.fixture
def realtime(judged: Lab, tmp_path: Path) -> Lab:
    """A copy that is to be served: its challenger has no scorer yet."""
    return copy_lab(judged, tmp_path, REALTIME)


def promoted(lab: Lab) -> Promotion:
    verdict = lab.store.verdicts(lab.day(SECOND)).lines()[-1].record
    return promote(lab.model, lab.store, verdict, challenger_of(lab)).record


def challenger_of(lab: Lab) -> Challenger:
    return lab.store.challengers(lab.day(SECOND)).lines()[-1].record


def trial_of(lab: Lab) -> TrialScores:
    return lab.store.trial_scores(lab.day(SECOND)).lines()[-1].record


def entries(lab: Lab) -> int:
    return len(lab.store.champion.lines())


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def add_trial(lab: Lab, **changes: object) -> TrialScores:
    """One more trial batch, like the last one but for what is changed."""
    changed = trial_of(lab).model_copy(update=changes)
    lab.store.trial_scores(lab.day(SECOND)).record_once(changed, key=changed.digest())
    return changed


def add_scorer(lab: Lab, **changes: object) -> Scorer:
    """A scorer of the challenger as its step would store it, but for what is changed."""
    log, challenger = lab.store.scorers(lab.day(SECOND)), challenger_of(lab)
    with drafting(log.folder) as draft:
        (draft.path / "scorer.tar").write_bytes(b"what was tested")
        content = draft.publish(kind="scorer", inputs={}, libraries={}).digest
    scorer = Scorer(
        as_of=challenger.as_of,
        challenger=challenger.digest(),
        version=challenger.version,
        artifact=challenger.artifact,
        content=content,
        limits=lab.model.realtime_digest,
    ).model_copy(update=changes)
    log.record_once(scorer, key=scorer.digest())
    return scorer


def add_conformance(lab: Lab, scorer: Scorer, *checks: CheckResult) -> Conformance:
    tested = Conformance(as_of=scorer.as_of, scorer=scorer.digest(), checks=checks)
    lab.store.conformances(scorer.as_of).record_once(tested, key=tested.digest())
    return tested


def require_refused(lab: Lab, why: str) -> None:
    """Nobody gets in: not by the step, and not by a person who approves."""
    version = str(challenger_of(lab).version)
    manual = lab.again({"deploy": list(lab.model.spec.deploy), "approval": "manual"})
    with pytest.raises(ModelRefreshError, match=why):
        promoted(lab)
    with pytest.raises(ModelRefreshError, match=why):
        promoted(manual)
    with pytest.raises(ModelRefreshError, match=why):
        approve(manual.model, manual.store, version, who="ann", reason="looked at it")
    assert entries(lab) == 1
    assert lab.store.promotions(lab.day(SECOND)).lines() == []


def test_what_passed_is_promoted_and_its_promotion_names_the_trial_batch(passed: Lab) -> None:
    promotion = promoted(passed)
    assert promotion.decision == "promote"
    assert (promotion.trial_scores, promotion.conformance) == (trial_of(passed).digest(), None)
    assert problems(passed) == []


def test_without_a_trial_batch_the_step_is_named(passed: Lab) -> None:
    shutil.rmtree(passed.store.trial_scores(passed.day(SECOND)).folder)
    require_refused(passed, "trial_scores of 2024-01-26: this challenger has none; run the step")


def test_a_trial_batch_of_another_challenger_is_none(passed: Lab) -> None:
    trial = trial_of(passed)
    log = passed.store.trial_scores(passed.day(SECOND))
    shutil.rmtree(log.folder)
    changed = trial.model_copy(update={"challenger": OTHER})
    log.record_once(changed, key=changed.digest())
    require_refused(passed, "this challenger has none; run the step trial_scores first")


def test_limits_that_were_declared_anew_since_void_a_trial_batch_until_it_is_made_again(
    passed: Lab,
) -> None:
    stricter = passed.again({"scores.shift": {"rank_correlation": 0.5}})
    again = "model-refresh refresh visits --as-of 2024-01-26"
    with pytest.raises(PromotionRefused, match=f"limits were declared anew since: run {again}"):
        promoted(stricter)
    assert entries(stricter) == 1
    assert stricter.refresh(SECOND).decision == "promote"


def test_a_trial_batch_under_other_limits_is_none(passed: Lab) -> None:
    trial = trial_of(passed)
    log = passed.store.trial_scores(passed.day(SECOND))
    log.path(1).unlink()
    changed = trial.model_copy(update={"limits": OTHER})
    log.record_once(changed, key=changed.digest())
    again = "model-refresh refresh visits --as-of 2024-01-26"
    require_refused(passed, f"its limits were declared anew since: run {again}")


def test_a_trial_batch_that_failed_says_what_failed_and_what_a_person_may_do(passed: Lab) -> None:
    add_trial(passed, checks=(*TRIED, FAILED))
    version = challenger_of(passed).version
    told = "golden_rows: row 3 is off by 0.1; look at the batches, declare other limits and refresh"
    require_refused(passed, f"{told} .* model-refresh promote visits {version} --force --reason")


def test_a_trial_batch_that_checked_nothing_is_none(passed: Lab) -> None:
    add_trial(passed, checks=())
    require_refused(passed, "nothing was checked; run the step trial_scores again")


@pytest.mark.parametrize("name", TRIAL_CHECKS)
def test_a_trial_batch_that_left_out_a_check_is_none(passed: Lab, name: str) -> None:
    add_trial(passed, checks=(*(each for each in TRIED if each.name != name), NOTED))
    require_refused(passed, f"there is no pass of {name}; run the step trial_scores again")


def test_a_trial_batch_of_which_something_was_only_noted_is_none(passed: Lab) -> None:
    add_trial(passed, checks=(NOTED,))
    require_refused(passed, "there is no pass of unique_keys, no_null, range")


@pytest.mark.parametrize("name", CONFORMANCE_CHECKS)
def test_a_scorer_of_which_a_test_did_not_pass_is_refused(realtime: Lab, name: str) -> None:
    others = [each for each in CONFORMS if each.name != name]
    scorer = add_scorer(realtime)
    add_conformance(realtime, scorer, *others)
    why = f"there is no pass of {name}; run the step scorer_conformance again"
    require_refused(realtime, why)
    noted = CheckResult(name=name, outcome="noted", sentence="not looked at")
    add_conformance(realtime, scorer, *others, noted)
    require_refused(realtime.again(REALTIME), why)


def test_the_tests_that_are_demanded_are_those_that_are_made() -> None:
    assert CONFORMANCE_CHECKS == (SUITE, GOLDEN_ROWS, AGREEMENT, LATENCY)


def test_a_promotion_names_the_tests_that_let_it_in_and_no_later_ones(
    passed: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another trial batch is stored between the look at the tests and the entry."""
    tried = trial_of(passed)

    def meanwhile(*_: object, **__: object) -> None:
        add_trial(passed, checks=(*TRIED, FAILED))

    monkeypatch.setattr(champion, "require_never_rolled_back", meanwhile)
    assert promoted(passed).trial_scores == tried.digest()


def test_a_trial_batch_that_holds_nothing_is_none(passed: Lab) -> None:
    add_trial(passed, content=None)
    require_refused(passed, "it holds nothing")


def test_the_newest_trial_batch_counts(passed: Lab) -> None:
    add_trial(passed, checks=(FAILED,))
    require_refused(passed, "row 3 is off")
    add_trial(passed, checks=(*TRIED, NOTED))
    assert promoted(passed.again({})).decision == "promote"


@pytest.mark.parametrize("damage", ["flip", "remove", "remove all"])
def test_a_trial_batch_whose_bytes_are_not_what_was_tested_is_refused(
    passed: Lab, damage: str
) -> None:
    content = str(trial_of(passed).content)
    folder = passed.store.trial_scores(passed.day(SECOND)).folder / content[:16]
    path = sorted(folder.glob("*.parquet"))[0]
    if damage == "flip":
        held = path.read_bytes()
        path.write_bytes(bytes([held[0] ^ 1]) + held[1:])
    elif damage == "remove":
        path.unlink()
    else:
        shutil.rmtree(folder)
    require_refused(passed, content[:16])


def test_an_override_needs_no_test(passed: Lab) -> None:
    shutil.rmtree(passed.store.trial_scores(passed.day(SECOND)).folder)
    version = str(challenger_of(passed).version)
    entry = override(passed.store, version, as_of=passed.day(SECOND), who="ann", reason="trust me")
    assert (entry.number, entry.kind) == (2, "override")
    assert problems(passed) == []


def test_what_is_only_scored_in_batches_needs_no_scorer(passed: Lab) -> None:
    add_scorer(passed)
    assert promoted(passed).conformance is None


def test_what_is_served_needs_a_scorer_that_was_tested(realtime: Lab) -> None:
    require_refused(realtime, "scorer of 2024-01-26: this challenger has none; run the step scorer")
    scorer = add_scorer(realtime)
    require_refused(realtime, "was not tested; run the step scorer with its check scorer_conf")
    tested = add_conformance(realtime, scorer, *CONFORMS, NOTED)
    promotion = promoted(realtime.again(REALTIME))
    assert (promotion.decision, promotion.conformance) == ("promote", tested.digest())
    assert problems(realtime) == []


def _without_checks(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab))


def _failed(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab), *CONFORMS, FAILED)


def _failed_after_it_passed(lab: Lab) -> None:
    scorer = add_scorer(lab)
    add_conformance(lab, scorer, *CONFORMS)
    add_conformance(lab, scorer, FAILED)


def _of_another_scorer(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab, limits=OTHER), *CONFORMS)
    add_scorer(lab)


def _of_other_limits(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab, limits=OTHER), *CONFORMS)


def _of_another_challenger(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab, challenger=OTHER), *CONFORMS)


def _of_another_artifact(lab: Lab) -> None:
    add_conformance(lab, add_scorer(lab, artifact=OTHER), *CONFORMS)


def _damaged(lab: Lab) -> None:
    scorer = add_scorer(lab)
    add_conformance(lab, scorer, *CONFORMS)
    folder = lab.store.scorers(scorer.as_of).folder / str(scorer.content)[:16]
    (folder / "scorer.tar").write_bytes(b"what was tamper")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (_without_checks, "nothing was checked"),
        (_failed, "row 3 is off by 0.1; look at the scorer, declare other limits"),
        (_failed_after_it_passed, "row 3 is off"),
        (_of_another_scorer, "was not tested"),
        (_of_other_limits, "its limits were declared anew since"),
        (_of_another_challenger, "this challenger has none; run the step scorer"),
        (_of_another_artifact, "generated of another artifact"),
        (_damaged, r"scorer\.tar"),
    ],
)
def test_a_scorer_without_a_bound_pass_of_every_check_is_refused(
    realtime: Lab, prepare: Callable[[Lab], None], why: str
) -> None:
    prepare(realtime)
    require_refused(realtime, why)


def test_other_limits_of_a_scorer_void_its_test(realtime: Lab) -> None:
    add_conformance(realtime, add_scorer(realtime), *CONFORMS)
    slower = realtime.again({**REALTIME, "realtime.latency_ms": 1000})
    with pytest.raises(PromotionRefused, match="its limits were declared anew since"):
        promoted(slower)
    assert promoted(realtime.again(REALTIME)).decision == "promote"


def test_a_promotion_whose_trial_batch_did_not_pass_is_a_problem_of_the_store(passed: Lab) -> None:
    """Whoever writes a promotion past `promote` is found out by verify."""
    promoted(passed)
    log = passed.store.trial_scores(passed.day(SECOND))
    failed = trial_of(passed).model_copy(update={"checks": (FAILED,)})
    log.path(1).unlink()
    log.record_once(failed, key=failed.digest())
    told = [each for each in problems(passed) if "no stored pass of its trial batch" in each]
    assert len(told) == 1
    assert "champion entry 2" in told[0]


def test_a_lost_trial_batch_is_missed_by_the_promotion_that_rests_on_it(passed: Lab) -> None:
    promoted(passed)
    log = passed.store.trial_scores(passed.day(SECOND))
    log.path(1).unlink()
    assert any(str(log.folder) in each for each in problems(passed))
