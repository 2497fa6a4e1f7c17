"""What is made of a trial batch: its shifts, and one check each with its sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_refresh.config.production import ShiftLimits
from model_refresh.records import CheckResult, ScoreShift, Standing, Task
from model_refresh.serving.trial.allowance import Measure, at_level, measures
from model_refresh.serving.trial.pairing import Batches, Ground, answer, soundness
from model_refresh.serving.trial.shift import by_column, log_odds, shifts

Floats = NDArray[np.float64]

_ERRORS = 3.0
_UNTOLD = 3.0
"""How much wider the level's limit is where no incumbent tells the population's shift."""
_LEAST = 1e-12
_OF_RANKS = ("rank_correlation", "decile_migration", "top_overlap")
"""The order within one rare class is mostly noise: classes are looked at together."""
_SAYS = {
    "psi": "the population stability index between incumbent and challenger",
    "wasserstein": "the mean move of scores, in the incumbent's standard deviations,",
    "rank_correlation": "1 - rank correlation of incumbent and challenger",
    "decile_migration": "the share of rows that move two tenths or more",
    "top_overlap": "the share of the top tenth that is another",
    "tier_flips": "the share of rows that cross a tier",
}
_DO = (
    "compare both batches in the trial's folder; a wanted change of this size is let through by "
    "scores.shift.{name}"
)


@dataclass(frozen=True)
class Judged:
    """Both shifts between the models, and the checks; no shifts where rows can't be paired."""

    shift: tuple[ScoreShift, ...]
    on_holdout: tuple[ScoreShift, ...]
    checks: tuple[CheckResult, ...]


def judge_trial(
    batches: Batches,
    ground: Ground,
    limits: ShiftLimits,
    *,
    tiers: tuple[float, ...] = (),
    standing: Standing = "sound",
) -> Judged:
    """Every check of a trial batch; of unsound batches only what makes them so.

    Without an incumbent there is nothing to hold the challenger's ranks against: soundness and
    level are all that is asked; nor is there beside one that is `worthless`, which does worse than
    no model. Beside one that has `decayed` what moves from its scores is told and blocks nothing,
    or it could never be replaced; only the ranks may not be of another world.
    """
    sound = tuple(soundness(batches, ground, limits))
    if any(check.outcome == "failed" for check in sound):
        return Judged((), (), sound)
    paired = batches.paired()
    level = _level(batches, ground, limits)
    if paired is None or ground.old is None:
        return Judged((), (), (*sound, *level))
    if standing == "worthless":
        told = "the incumbent does worse than no model: there is nothing to hold ranks against"
        return Judged((), (), (*sound, *level, _noted(told)))
    if _is_constant(ground.old) or _is_constant(paired[0]):
        told = "the incumbent scores all rows alike: what moves from it can't be measured"
        return Judged((), (), (*sound, *level, _noted(told)))
    used = tiers if batches.task != "multiclass" else ()
    now = shifts(batches.columns, *paired, task=batches.task, tiers=used)
    then = shifts(batches.columns, ground.old, ground.new, task=batches.task, tiers=used)
    moved = [
        at_level(each.column, old, mean, task=batches.task, tiers=used)
        for each, old, mean in zip(
            then, by_column(ground.old), _means(ground, batches.task), strict=True
        )
    ]
    lines = [
        measures(*each, limits=limits, has_decayed=standing == "decayed")
        for each in zip(now, then, moved, strict=True)
    ]
    worst = tuple(_worst(batches.columns, lines, has_tiers=bool(used)))
    if standing == "decayed":
        worst = tuple(map(_told_only, worst))
    return Judged(now, then, (*sound, *level, *worst))


def _noted(told: str) -> CheckResult:
    return CheckResult(name="rank_correlation", outcome="noted", sentence=told)


def _told_only(check: CheckResult) -> CheckResult:
    """The same, blocking nothing; but a lost order is a fault beside whatever incumbent."""
    if check.outcome != "failed" or check.name in _OF_RANKS:
        return check
    told, _, _ = check.sentence.partition(", more than")
    sentence = f"{told}, beside an incumbent that has decayed: to differ from it is no fault"
    return CheckResult(name=check.name, outcome="noted", sentence=sentence)


def _is_constant(scores: Floats) -> bool:
    return bool(np.ptp(scores, axis=0).max() == 0)


def _worst(
    columns: Sequence[str], lines: Sequence[tuple[Measure, ...]], *, has_tiers: bool
) -> Iterator[CheckResult]:
    """One check a measure; of several classes their mean where it is of ranks, else the worst."""
    for each in zip(*lines, strict=True):
        name = each[0].name
        limits = [one.limit for one in each if one.limit is not None]
        if not limits or (name == "tier_flips" and not has_tiers):
            continue
        if name in _OF_RANKS:
            found, limit = float(np.mean([one.value for one in each])), float(np.mean(limits))
            of = ", the mean over classes," if len(columns) > 1 else ""
        else:
            worst = int(np.argmax([one.value / max(one.limit or 0.0, _LEAST) for one in each]))
            found, limit = each[worst].value, limits[worst]
            of = f" of {columns[worst]}" if len(columns) > 1 else ""
        told = f"{_SAYS[name]}{of} is {found:.4g}"
        declared = "far_moves" if name == "decile_migration" else name
        yield answer(
            name,
            bool(found <= limit),
            f"{told}, more than the {limit:.4g} that the declared limit and the holdout allow: "
            f"{_DO.format(name=declared)}",
            well=f"{told}, at most {limit:.4g} is allowed",
        )


def _level(batches: Batches, ground: Ground, limits: ShiftLimits) -> Iterator[CheckResult]:
    """The mean score against recent labels' level, moved by what the old trial twin saw move."""
    if limits.level is None:
        return
    known = ground.old is not None and ground.old_now is not None
    before = by_column(ground.old) if ground.old is not None else []
    current = by_column(ground.old_now) if ground.old_now is not None else []
    off = []
    for number, new in enumerate(by_column(batches.new())):
        mean = _means(ground, batches.task)[number]
        moved = 0.0
        if known:
            moved = _on_scale(current[number].mean(), ground, batches.task) - _on_scale(
                before[number].mean(), ground, batches.task
            )
        expected = _on_scale(mean, ground, batches.task) + moved
        gap = _on_scale(new.mean(), ground, batches.task) - expected
        twin = by_column(ground.new)[number].mean()
        missed = abs(_on_scale(twin, ground, batches.task) - _on_scale(mean, ground, batches.task))
        slack = _ERRORS * _error(mean, ground, batches.task, rows=len(new))
        limit = (1.0 if known else _UNTOLD) * max(limits.level, missed) + slack
        off.append((abs(gap) / limit, gap, limit, float(new.mean()), mean))
    _, gap, limit, predicted, mean = max(off)
    told = (
        f"the mean score is {predicted:.4g}, recent labels' mean {mean:.4g}: {abs(gap):.3g} "
        f"{'standard deviations' if batches.task == 'regression' else 'log odds'} "
        f"{'above' if gap > 0 else 'below'} what these and the population's shift let expect"
    )
    yield answer(
        "level",
        bool(abs(gap) <= limit),
        f"{told}, at most {limit:.3g} is allowed: look at the calibrator and at features that "
        "moved for the challenger only; scores.shift.level declares the limit",
        well=f"{told}, at most {limit:.3g} is allowed",
    )


def _means(ground: Ground, task: Task) -> list[float]:
    """The labels' mean, or each class's share; half a row is added where there is none of it."""
    if task == "regression":
        return [float(ground.target.mean())]
    rows = len(ground.target)
    kinds = [1.0] if task == "binary" else [float(k) for k in range(ground.new.shape[1])]
    return [float(((ground.target == kind).sum() + 0.5) / (rows + 1)) for kind in kinds]


def _on_scale(mean: float, ground: Ground, task: Task) -> float:
    """In log odds, or in the labels' standard deviations."""
    if task == "regression":
        return float(mean / (ground.target.std() or 1.0))
    return float(log_odds(mean))


def _error(mean: float, ground: Ground, task: Task, *, rows: int) -> float:
    """The standard error of the labels' level, and of so many rows' mean score, on that scale."""
    count = 1 / len(ground.target) + 1 / rows
    if task == "regression":
        return float(np.sqrt(count))
    return float(np.sqrt(count / (mean * (1 - mean))))
