"""What a challenger needs before production: a stored pass of each test, of the bytes it tested.

Each test is bound by digest to the challenger, and by another to the limits that were declared when
it was made: under other limits it says nothing, and is to be made again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from model_refresh.config.model import Model
from model_refresh.errors import PromotionRefused
from model_refresh.records import (
    Challenger,
    CheckResult,
    Comparison,
    Conformance,
    Scorer,
    TrialScores,
    Verdict,
)
from model_refresh.records.production import CONFORMANCE_CHECKS, TRIAL_CHECKS
from model_refresh.refresh.decay import (
    counting_limits,
    decay_of_incumbent,
    judged_comparison,
    standing_of,
)
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.log import Log
from model_refresh.storage.store import stamp

Tested = TypeVar("Tested", TrialScores, Scorer)

TRIAL_SCORES, SCORER, CONFORMANCE = "trial_scores", "scorer", "scorer_conformance"


@dataclass(frozen=True)
class Clearance:
    """The newest tests of a challenger under the limits that are declared now; None: not made."""

    trial_scores: TrialScores | None = None
    scorer: Scorer | None = None
    conformance: Conformance | None = None


def find_clearance(model: Model, store: ModelStore, challenger: Challenger) -> Clearance:
    """Which tests this challenger has; whether they passed is `require_cleared`'s to say."""
    trials, scorers = store.trial_scores(challenger.as_of), store.scorers(challenger.as_of)
    tried = _newest(trials, challenger, limits=_counting(model, store, challenger))
    if "realtime" not in model.spec.deploy:
        return Clearance(tried)
    scorer = _newest(scorers, challenger, limits=frozenset([model.realtime_digest]))
    if scorer is None:
        return Clearance(tried)
    bound = scorer.digest()
    lines = reversed(store.conformances(challenger.as_of).lines())
    tested = next((line.record for line in lines if line.record.scorer == bound), None)
    return Clearance(tried, scorer, tested)


def require_cleared(
    model: Model,
    store: ModelStore,
    verdict: Verdict,
    *,
    challenger: Challenger,
    comparison: Comparison,
) -> Clearance:
    """The stored, digest-bound pass of every check, and the bytes that it passed are there.

    Raises PromotionRefused with the step to run, or with what failed and what a person may do.
    """
    about = about_verdict(model, verdict)
    if challenger.verdict != verdict.digest() or challenger.trial != comparison.trial:
        raise PromotionRefused(f"{about}: the challenger was refitted for another verdict")
    if store.challengers(verdict.as_of).holding(challenger.digest()) is None:
        raise PromotionRefused(f"{about}: the refitted challenger is not stored")
    if challenger.version is None or not challenger.checks:
        raise PromotionRefused(f"{about}: there is no refitted challenger; run that step first")
    if failed := [check for check in challenger.checks if check.outcome == "failed"]:
        raise PromotionRefused(f"{about}: {failed[0].name}: {failed[0].sentence}")
    _require_artifact(store, challenger.version, challenger.artifact)
    _require_artifact(store, comparison.trial or "", verdict.artifact)
    clearance = find_clearance(model, store, challenger)
    _require_tried(model, store, challenger, clearance.trial_scores)
    if "realtime" in model.spec.deploy:
        _require_scorer(model, store, challenger, clearance)
    return clearance


def failed_test(store: ModelStore, verdict: Verdict) -> CheckResult | None:
    """The first test that its newest challenger failed; None where it failed none."""
    lines = store.challengers(verdict.as_of).lines()
    bound = verdict.digest()
    for challenger in (line.record for line in reversed(lines) if line.record.verdict == bound):
        tests = [*challenger.checks, *_later_tests(store, challenger)]
        return next((check for check in tests if check.outcome == "failed"), None)
    return None


def about_verdict(model: Model, verdict: Verdict) -> str:
    """How a refusal begins."""
    return f"{model.name}, verdict of {stamp(verdict.as_of)}"


def _counting(model: Model, store: ModelStore, challenger: Challenger) -> frozenset[str]:
    """Under which limits a trial batch counts, by what labels have shown of the incumbent."""
    if challenger.version is None:
        return counting_limits(model, "sound")
    decay = decay_of_incumbent(store, judged_comparison(store, challenger))
    return counting_limits(model, standing_of(decay))


def _newest(log: Log[Tested], challenger: Challenger, *, limits: frozenset[str]) -> Tested | None:
    bound = challenger.digest()
    for line in reversed(log.lines()):
        if line.record.challenger == bound and line.record.limits in limits:
            return line.record
    return None


def _require_tried(
    model: Model, store: ModelStore, challenger: Challenger, tried: TrialScores | None
) -> None:
    """The trial batch of this challenger passed the limits of now, and its bytes are there."""
    log = store.trial_scores(challenger.as_of)
    if tried is None:
        raise PromotionRefused(_not_made(model, challenger, TRIAL_SCORES, others=log.lines()))
    look = "look at the batches"
    _require_passed(model, challenger, TRIAL_SCORES, checks=tried.checks, look=look)
    there = {check.name for check in tried.checks}
    _require_made(model, challenger, TRIAL_SCORES, there=there, demanded=TRIAL_CHECKS)
    _require_bytes(store, log, tried.content, about=_about(model, challenger, TRIAL_SCORES))


def _require_scorer(
    model: Model, store: ModelStore, challenger: Challenger, clearance: Clearance
) -> None:
    """The scorer of this artifact passed its own tests, and its bytes are there."""
    scorer, log = clearance.scorer, store.scorers(challenger.as_of)
    if scorer is None:
        raise PromotionRefused(_not_made(model, challenger, SCORER, others=log.lines()))
    about = _about(model, challenger, SCORER)
    if (scorer.version, scorer.artifact) != (challenger.version, challenger.artifact):
        raise PromotionRefused(f"{about}: it was generated of another artifact")
    _require_bytes(store, log, scorer.content, about=about)
    if clearance.conformance is None:
        raise PromotionRefused(
            f"{_about(model, challenger, CONFORMANCE)}: the scorer was not tested; run the step "
            f"{SCORER} with its check {CONFORMANCE}"
        )
    checks = clearance.conformance.checks
    _require_passed(model, challenger, CONFORMANCE, checks=checks, look="look at the scorer")
    passed = {check.name for check in checks if check.outcome == "passed"}
    _require_made(model, challenger, CONFORMANCE, there=passed, demanded=CONFORMANCE_CHECKS)


def _not_made(
    model: Model, challenger: Challenger, step: str, *, others: Sequence[Line[Tested]]
) -> str:
    """Why there is no such test of this challenger under the limits of now, and what to run."""
    about, bound = _about(model, challenger, step), challenger.digest()
    if any(line.record.challenger == bound for line in others):
        again = f"model-refresh refresh {model.name} --as-of {stamp(challenger.as_of)}"
        eased = counting_limits(model, "worthless")
        if any(line.record.limits in eased for line in others):
            return f"{about}: its limits were eased for a decay that is found no more: run {again}"
        return f"{about}: its limits were declared anew since: run {again}"
    return f"{about}: this challenger has none; run the step {step} first"


def _require_passed(
    model: Model,
    challenger: Challenger,
    step: str,
    *,
    checks: tuple[CheckResult, ...],
    look: str,
) -> None:
    about = _about(model, challenger, step)
    if not checks:
        raise PromotionRefused(f"{about}: nothing was checked; run the step {step} again")
    if failed := [check for check in checks if check.outcome == "failed"]:
        force = f"model-refresh promote {model.name} {challenger.version} --force --reason ..."
        raise PromotionRefused(
            f"{about}: {failed[0].name}: {failed[0].sentence}; {look}, declare other limits and "
            f"refresh again, or put it in past its tests: {force}"
        )


def _require_made(
    model: Model, challenger: Challenger, step: str, *, there: set[str], demanded: tuple[str, ...]
) -> None:
    """No demanded check was left out, whatever else was said."""
    if missing := [name for name in demanded if name not in there]:
        raise PromotionRefused(
            f"{_about(model, challenger, step)}: there is no pass of {', '.join(missing)}; run the "
            f"step {step} again"
        )


def _require_bytes(store: ModelStore, log: Log[Tested], content: str | None, *, about: str) -> None:
    if content is None:
        raise PromotionRefused(f"{about}: it holds nothing; run the step again")
    if problem := next(iter(store.content(log, content).problems()), None):
        raise PromotionRefused(problem)


def _later_tests(store: ModelStore, challenger: Challenger) -> Iterator[CheckResult]:
    """What the newest trial batch and the newest scorer of a challenger were found to be."""
    as_of, bound = challenger.as_of, challenger.digest()
    tried, scorer = store.trial_scores(as_of).last(), store.scorers(as_of).last()
    tested = store.conformances(as_of).last()
    if tried is not None and tried.record.challenger == bound:
        yield from tried.record.checks
    if scorer is None or tested is None or scorer.record.challenger != bound:
        return
    if tested.record.scorer == scorer.record.digest():
        yield from tested.record.checks


def _require_artifact(store: ModelStore, version: str, artifact: str | None) -> None:
    """Every byte of a version, and of those it mixes, is there and matches what was judged."""
    if store.version(version).digest != artifact:
        raise PromotionRefused(f"version {version} is not the artifact that was judged")
    if problem := next(store.version_problems(version), None):
        raise PromotionRefused(problem)


def _about(model: Model, challenger: Challenger, step: str) -> str:
    return f"{model.name}, {step} of {stamp(challenger.as_of)}"
