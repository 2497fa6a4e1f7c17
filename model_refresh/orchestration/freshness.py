"""How old Dagster lets champion and scores be before its page turns yellow, then red.

It measures from the last materialization: of the champion, that is the last refresh that came to a
decision, be it that the incumbent stays. How old the champion itself is, the fleet's page tells.
"""

import datetime as dt
import itertools

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.names import CHAMPION, SCORES

_MONTHS = 12


def freshness(model: Model, step: str) -> dg.FreshnessPolicy | None:
    """The policy of a step; None where there is nothing to expect.

    The champion: a decision within `champion.max_age`, a warning where a refresh was left out. The
    scores: a batch a frame, so two in a row may not be missing.
    """
    longest = _longest(model)
    if step == CHAMPION:
        return _window(warn=2 * longest, fail=model.max_age)
    if step == SCORES:
        return _window(warn=1.5 * longest, fail=2 * longest)
    return None


def _longest(model: Model) -> dt.timedelta:
    """The longest time from one frame to the next: months differ."""
    cadence = model.cadence
    frames = [cadence.move(cadence.start, number) for number in range(_MONTHS + 1)]
    return max(late - early for early, late in itertools.pairwise(frames))


def _window(*, warn: dt.timedelta, fail: dt.timedelta) -> dg.FreshnessPolicy:
    """A warning before the end is only one where it comes before it."""
    fail = max(fail, dt.timedelta(minutes=1))  # Dagster knows no shorter one
    early = warn if dt.timedelta(minutes=1) <= warn < fail else None
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=early)
