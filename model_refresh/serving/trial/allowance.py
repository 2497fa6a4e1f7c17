"""How much shift between two models is allowed: declared, or seen where labels judged it.

On the holdout both trial twins met labels, and the challenger passed its gates: what they differ
there is legitimate, and so is what it takes to bring the old scores to the labels' level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_refresh.config.production import ShiftLimits
from model_refresh.records import ScoreShift, Task
from model_refresh.serving.trial.shift import log_odds, shifts

Floats = NDArray[np.float64]

_ERRORS = 3.0
"""Standard errors of slack for chance."""
_BINS = 9
_MOST_SLACK = 1.5
"""Times the declared limit: few different scores tell little, but not that anything goes."""
_MOST = {
    "psi": 1.0,
    "wasserstein": 0.75,
    "rank_correlation": 0.5,
    "decile_migration": 0.5,
    "top_overlap": 0.85,
    "tier_flips": 0.5,
}
"""Neither a factor nor chance allows more, as a shuffled batch reaches each of them; only models
that differ more on the holdout itself, where labels judged them, may differ so here."""


@dataclass(frozen=True)
class Measure:
    """One figure of a shift, as a distance: 0 is none. `limit` None: not asked."""

    name: str
    value: float
    limit: float | None


def measures(
    now: ScoreShift,
    then: ScoreShift,
    level: ScoreShift,
    *,
    limits: ShiftLimits,
    has_decayed: bool = False,
) -> tuple[Measure, ...]:
    """Each figure of a column `now` with its limit, from the holdout's (`then`, `level`).

    `level` is the holdout's old scores against themselves at the labels' level. Beside an incumbent
    that has decayed all is allowed but what a shuffled batch would reach, or the holdout's own.
    """
    error = float(np.sqrt(1 / now.distinct + 1 / then.distinct))
    rank = _ranks(then.correlation)
    far, top, flips = then.far_moves or 0.0, 1 - (then.top_overlap or 0.0), then.tier_flips or 0.0
    agree = None if limits.rank_correlation is None else 1 - limits.rank_correlation
    common = None if limits.top_overlap is None else 1 - limits.top_overlap
    slack = {
        "psi": 2.0 * _BINS * error**2,
        "wasserstein": _ERRORS * error * float(np.sqrt(2 * min(rank, 1.0))),
        "rank_correlation": _ERRORS * error * rank,
        "decile_migration": _ERRORS * error * _spread(far),
        "top_overlap": _ERRORS * error * _spread(top) * float(np.sqrt(10)),
        "tier_flips": _ERRORS * error * _spread(flips),
    }
    asked = (
        ("psi", now.psi, limits.psi, max(then.psi, level.psi)),
        ("wasserstein", now.wasserstein, limits.wasserstein,
         max(then.wasserstein, level.wasserstein)),
        ("rank_correlation", _ranks(now.correlation), agree, rank),
        ("decile_migration", now.far_moves or 0.0, limits.far_moves, far),
        ("top_overlap", 1 - (now.top_overlap or 0.0), common, top),
        ("tier_flips", now.tier_flips or 0.0, limits.tier_flips,
         max(flips, level.tier_flips or 0.0)),
    )  # fmt: skip
    found = (
        (name, value, _limit(name, declared, known, slack[name], factor=limits.holdout_factor))
        for name, value, declared, known in asked
    )
    return tuple(
        Measure(name, value, _widest(name, limit) if has_decayed else limit)
        for name, value, limit in found
    )


def _widest(name: str, limit: float | None) -> float | None:
    return None if limit is None else max(limit, _MOST[name])


def _limit(
    name: str, declared: float | None, known: float, slack: float, *, factor: float
) -> float | None:
    """What is declared or known from the holdout, with slack for chance, within reason."""
    if declared is None:
        return None
    found = max(declared, factor * known) + min(slack, _MOST_SLACK * declared)
    return found if known > _MOST[name] else min(found, max(declared, _MOST[name]))


def at_level(
    column: str, old: Floats, mean: float, *, task: Task, tiers: tuple[float, ...]
) -> ScoreShift:
    """Old scores against the same moved so that their mean is about the labels' `mean`."""
    if task == "regression":
        moved = old + (mean - old.mean())
    else:
        moved = 1 / (1 + np.exp(-(log_odds(old) + log_odds(mean) - log_odds(old.mean()))))
    return shifts((column,), old, np.asarray(moved), task=task, tiers=tiers)[0]


def _ranks(correlation: float | None) -> float:
    """1 - correlation; 1.0 where it is not defined, as then no order is kept."""
    return 1.0 if correlation is None or not np.isfinite(correlation) else 1.0 - correlation


def _spread(share: float) -> float:
    return float(np.sqrt(share * (1 - share)))
