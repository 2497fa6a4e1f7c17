"""What realised rows say of everybody who predicted them, and whether the champion has decayed.

Pure: from rows, predictions and a promise to figures and checks. Three questions, each with its
share of the error that this look may spend:

- `against_constant`: does the champion do worse than no model at all?
- `against_former`: does the champion before do better on the same rows, by more than the margin
  that promotions allow? Both met the same world, so one that changed for everybody explains
  nothing.
- `against_promise`: is more of the promised skill missing than `monitoring.tolerance` allows?
  Skill is relative to the constant of the same rows, since a raw loss moves with the base rate
  whatever the model does, and the promise counts with its own error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_refresh.metrics import Holdout, Metric, paired
from model_refresh.metrics.holdout import require_legal
from model_refresh.metrics.intervals import value_interval
from model_refresh.metrics.protocol import Assessed, assess, ratio
from model_refresh.monitoring.performance import sentences
from model_refresh.monitoring.performance.promise import Promise, short_of
from model_refresh.monitoring.performance.sides import Role, Side, Terms
from model_refresh.records import CheckResult, Graded, Interval, Promised, Skill

LEAST_ERROR = 1e-12


@dataclass(frozen=True)
class Judgement:
    """The figures of one batch, and the checks on them; `confidence` is that of their bounds."""

    graded: tuple[Graded, ...]
    skill: Skill | None
    promised: tuple[Promised, ...]
    checks: tuple[CheckResult, ...]
    confidence: float
    notes: tuple[str, ...] = ()


def judge_batch(
    holdout: Holdout, sides: Sequence[Side], *, promise: Promise | None, terms: Terms
) -> Judgement:
    """Grade everybody on the same rows; the champion must be among the sides.

    Raises Contaminated where a version learned from rows that it is graded on.
    """
    by_role = {side.role: side for side in sides}
    asked = ("constant" in by_role) + ("former" in by_role) + (promise is not None)
    confidence = 1.0 - max(terms.allowed / max(asked, 1), LEAST_ERROR)
    graded = {
        role: _graded(holdout, side, sides=by_role, terms=terms, confidence=confidence)
        for role, side in by_role.items()
    }
    skill = _skill(holdout, by_role, promise=promise, terms=terms, confidence=confidence)
    losses = {role: each.metrics[terms.loss.name] for role, each in graded.items()}
    checks = (
        _against_constant(holdout, by_role, terms, losses=losses, confidence=confidence),
        _against_former(graded, terms),
        None if skill is None or promise is None else sentences.of_promise(skill, terms.tolerance),
    )
    return Judgement(
        graded=tuple(graded.values()),
        skill=skill,
        promised=() if promise is None else promise.beside(graded["champion"], terms),
        checks=tuple(check for check in checks if check is not None),
        confidence=confidence,
        notes=_confirmation(graded, terms.metric),
    )


def _graded(
    holdout: Holdout,
    side: Side,
    *,
    sides: Mapping[Role, Side],
    terms: Terms,
    confidence: float,
) -> Graded:
    """Values with their intervals, and the paired gains over champion and constant."""
    rows = side.ground(holdout)
    require_legal(rows, side.predicted)
    values, intervals = {}, {}
    for metric in terms.metrics:
        found = assess(metric, rows.target, side.predicted.values)
        if np.isfinite(found.value):
            values[metric.name] = found.value
            intervals[metric.name] = value_interval(metric, rows, found, confidence=terms.shown)

    def gain(over: Role) -> Interval | None:
        other = sides.get(over)
        if other is None or other is side:
            return None
        theirs = side.beside(other.predicted)
        found = paired(terms.metric, rows, side.predicted, theirs, confidence=confidence)
        return found if np.isfinite(found.estimate) else None

    return Graded(
        role=side.role,
        version=side.version,
        metrics=values,
        intervals=intervals,
        gain_over_champion=gain("champion"),
        gain_over_constant=gain("constant"),
    )


def _skill(
    holdout: Holdout,
    sides: Mapping[Role, Side],
    *,
    promise: Promise | None,
    terms: Terms,
    confidence: float,
) -> Skill | None:
    """The champion's skill beside the promised one; None without a constant, or where it is 0."""
    if "constant" not in sides:
        return None
    ours, plain = (
        assess(terms.loss, holdout.target, sides[role].predicted.values)
        for role in ("champion", "constant")
    )
    if not (np.isfinite(ours.value) and plain.value > 0.0):
        return None
    share = ratio(ours, plain)
    left = Assessed(1.0 - share.value, -share.influence)
    promised = promise and promise.skill(terms)
    realised = value_interval(terms.loss, holdout, left, confidence=confidence)
    return Skill(
        metric=terms.loss.name,
        realised=realised,
        promised=promised,
        shortfall=promised and short_of(promised, realised, tolerance=terms.tolerance),
    )


def _against_constant(
    holdout: Holdout,
    sides: Mapping[Role, Side],
    terms: Terms,
    *,
    losses: Mapping[Role, float],
    confidence: float,
) -> CheckResult | None:
    if "constant" not in sides:
        return None
    champion, constant = sides["champion"].predicted, sides["constant"].predicted
    gain = paired(terms.loss, holdout, champion, constant, confidence=confidence)
    return sentences.of_constant(
        terms.loss.name, gain, ours=losses["champion"], theirs=losses["constant"]
    )


def _against_former(graded: Mapping[Role, Graded], terms: Terms) -> CheckResult | None:
    former, champion = graded.get("former"), graded["champion"]
    if former is None or former.gain_over_champion is None:
        return None
    constant = graded.get("constant")
    name = terms.metric.name
    amount = terms.margin.amount(None if constant is None else constant.metrics.get(name))
    margin = amount if np.isfinite(amount) else 0.0
    values = champion.metrics[name], former.metrics[name]
    return sentences.of_former(name, former.gain_over_champion, margin=margin, values=values)


def _confirmation(graded: Mapping[Role, Graded], metric: Metric) -> tuple[str, ...]:
    """What the labels say of the challenger that the gates kept out, where they say anything."""
    challenger = graded.get("challenger")
    gain = None if challenger is None else challenger.gain_over_champion
    if challenger is None or gain is None or not (gain.lower > 0.0 or gain.upper < 0.0):
        return ()
    values = challenger.metrics[metric.name], graded["champion"].metrics[metric.name]
    return (sentences.of_challenger(metric.name, gain, values=values),)
