"""After production: a batch whose labels have matured is graded, and decay is answered."""

import datetime as dt
from collections.abc import Callable

from model_refresh.config.model import Model
from model_refresh.monitoring.performance import apply_decay_policy, grade, ungraded
from model_refresh.records import Entry, Performance
from model_refresh.storage import Line, ModelStore

OnUndone = Callable[[Entry], None]
"""Hears of a rollback that a decay brought about."""


def grade_batch(
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    now: dt.datetime,
    on_undone: OnUndone = lambda entry: None,
) -> Line[Performance] | None:
    """Grade the newest batch of a frame, and do what `champion.on_decay` says; None without one.

    A decay that asks for a refresh starts none here: the sensor of reasons reads the record. Run
    again, it does what a crash left undone and nothing else. Raises as `grade` does.
    """
    line = grade(model, store, as_of, now=now)
    if line is not None and (entry := apply_decay_policy(model, store, line.record, now=now)):
        on_undone(entry)
    return line


def grade_matured(
    model: Model,
    store: ModelStore,
    now: dt.datetime,
    *,
    on_undone: OnUndone = lambda entry: None,
) -> list[Performance]:
    """Every batch that can be graded by now and wasn't, oldest first."""
    lines = [
        grade_batch(model, store, as_of, now=now, on_undone=on_undone)
        for as_of in ungraded(model, store, now)
    ]
    return [line.record for line in lines if line is not None]
