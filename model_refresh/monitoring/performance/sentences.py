"""The checks on a graded batch, each with its sentence."""

import math

from model_refresh.gates.sentences import against, figures, gained, number
from model_refresh.metrics.intervals import MIN_GROUPS
from model_refresh.records import CheckResult, Interval, Skill
from model_refresh.records.watch import AGAINST_CONSTANT


def of_constant(name: str, gain: Interval, *, ours: float, theirs: float) -> CheckResult:
    """Fails where the champion is worse than the constant beyond doubt."""
    if not math.isfinite(gain.upper):
        return _unjudged(AGAINST_CONSTANT, gain)
    decimals = figures(gain.estimate, gain.estimate - gain.lower)
    met = against(name, ours, theirs, whose="constant", decimals=decimals)
    if gain.upper < 0.0:
        return _failed(
            AGAINST_CONSTANT,
            f"{met}: worse by {number(-gain.estimate, decimals)} (at least "
            f"{number(-gain.upper, decimals)} at {_sure(gain)}): it does worse than no model",
        )
    return _passed(AGAINST_CONSTANT, f"{met}: {gained(name, gain, decimals=decimals)}")


def of_former(
    name: str, gain: Interval, *, margin: float, values: tuple[float, float]
) -> CheckResult:
    """Fails where the former champion is better by more than the margin beyond doubt."""
    if not math.isfinite(gain.lower):
        return _unjudged("against_former", gain)
    decimals = figures(gain.estimate, gain.estimate - gain.lower, margin)
    met = against(name, *values, whose="former champion", decimals=decimals)
    told = f"{met}: the former one is {gained(name, gain, decimals=decimals)}"
    if gain.lower > margin:
        return _failed("against_former", f"{told}, beyond the margin of {number(margin, decimals)}")
    return _passed("against_former", told)


def of_promise(skill: Skill, tolerance: float) -> CheckResult:
    """Fails where more of the promised skill is missing than is tolerated, beyond doubt."""
    promised, short = skill.promised, skill.shortfall
    if promised is None or short is None or not math.isfinite(short.lower):
        return _unjudged("against_promise", short or skill.realised)
    told = (
        f"skill in {skill.metric} {skill.realised.estimate:.1%} against the promised "
        f"{promised.estimate:.1%}"
    )
    if short.lower > 0.0:
        return _failed(
            "against_promise",
            f"{told}: more than {tolerance:.0%} of it is missing, by at least "
            f"{short.lower:.1%} of the constant's loss at {_sure(short)}",
        )
    return _passed("against_promise", told)


def of_challenger(name: str, gain: Interval, *, values: tuple[float, float]) -> str:
    """What the labels say of the challenger that stayed one."""
    decimals = figures(gain.estimate, gain.estimate - gain.lower)
    met = against(name, *values, whose="champion", decimals=decimals)
    if gain.lower > 0.0:
        return f"the challenger that was kept out does better: {met}: " + gained(
            name, gain, decimals=decimals
        )
    return (
        f"the challenger was kept out rightly: {met}: worse by "
        f"{number(-gain.estimate, decimals)} (at least {number(-gain.upper, decimals)} at "
        f"{_sure(gain)})"
    )


def _unjudged(name: str, gain: Interval) -> CheckResult:
    why = "too few rows differ for bounds, or a value is missing"
    if gain.groups < MIN_GROUPS:
        why = f"{gain.groups} independent groups of rows, {MIN_GROUPS} are needed"
    return CheckResult(name=name, outcome="noted", sentence=f"not judged: {why}")


def _sure(interval: Interval) -> str:
    return f"{100 * interval.confidence:.4g}% confidence"


def _passed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name=name, outcome="passed", sentence=sentence)


def _failed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name=name, outcome="failed", sentence=sentence)
