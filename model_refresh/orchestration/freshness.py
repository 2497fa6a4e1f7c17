"""How old Dagster lets champion and scores be before its page turns yellow, then red.

It measures from the last materialization: of the champion, that is the last refresh that came to a
decision, be it that the incumbent stays. How old the champion itself is, the fleet's page tells.
"""

import datetime as dt

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.freshness import Ages, batch_ages, decision_ages
from model_refresh.orchestration.names import CHAMPION, SCORES

_SHORTEST = dt.timedelta(minutes=1)
"""Dagster knows no shorter window."""


def freshness(model: Model, step: str) -> dg.FreshnessPolicy | None:
    """The policy of a step; None where there is nothing to expect."""
    if step == CHAMPION:
        return _window(decision_ages(model))
    if step == SCORES:
        return _window(batch_ages(model))
    return None


def _window(ages: Ages) -> dg.FreshnessPolicy:
    """A warning before the end is only one where it comes before it."""
    fail = max(ages.fail, _SHORTEST)
    early = ages.warn if _SHORTEST <= ages.warn < fail else None
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=early)
