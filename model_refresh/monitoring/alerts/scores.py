"""Alerts about what production is given: a batch that is missing, or reached no sink."""

import datetime as dt
from collections.abc import Iterator

from model_refresh.monitoring.alerts.known import Case
from model_refresh.monitoring.alerts.refreshes import SCORE
from model_refresh.monitoring.lateness import lacking
from model_refresh.records import Alert
from model_refresh.serving.batch.delivery import is_of, sink_digest
from model_refresh.storage.store import stamp

_DELIVERY_TIME = dt.timedelta(minutes=10)
"""How long after its publication a batch may take to reach its sink."""


def of_scores(case: Case) -> Iterator[Alert]:
    """A missing batch, or else one that was not delivered, or a failed run of scoring."""
    for found in (_missing(case), _undelivered(case), _failed(case)):
        if found is not None:
            yield found
            return


def _missing(case: Case) -> Alert | None:
    """The batch of the newest frame that is due."""
    run = case.failure(SCORE)
    if (as_of := lacking(case.state, case.known.patience)) is None:
        return None
    why = f": {run.sentence}" if run is not None else f"; {_why(case)}"
    return case.alert(
        "scores_missing",
        "critical",
        f"the scores of {stamp(as_of)} are due and not there{why}",
        command=f"model-refresh score {case.name} --as-of {stamp(as_of)}",
        since=as_of if run is None else run.at,
    )


def _why(case: Case) -> str:
    """What may keep a batch away of which no run is known."""
    asks = "is Dagster's daemon running, and the sensor scoring on?"
    if case.state.model.ready_sql is None:
        return asks
    return f"its source may not have reached that frame, or else: {asks}"


def _undelivered(case: Case) -> Alert | None:
    """The newest batch, where it is not what its sink had last."""
    state = case.state
    as_of, run = state.newest_scored, case.failure(SCORE)
    if state.model.spec.scores.sink is None or as_of is None:
        return None
    batch, last = state.store.scores(as_of).last(), state.store.deliveries(as_of).last()
    if batch is None or state.now - batch.recorded_at < _DELIVERY_TIME:
        return None
    if last is not None and is_of(last.record, batch.record, sink_digest(state.model)):
        return None
    why = f": {run.sentence}" if run is not None and run.at > batch.recorded_at else ""
    return case.alert(
        "scores_undelivered",
        "critical",
        f"the scores of {stamp(as_of)} have not reached their sink{why}",
        works=f"they are published in the store: {state.store.place(batch.record)}; the sink has "
        "what it had before",
        command=f"model-refresh score {case.name} --as-of {stamp(as_of)}",
        since=batch.recorded_at,
    )


def _failed(case: Case) -> Alert | None:
    """A run of scoring that failed, and no batch has come since."""
    run, newest = case.failure(SCORE), case.state.newest_scored
    if run is None or case.is_under_way:
        return None
    batch = case.state.store.scores(newest).last() if newest is not None else None
    if batch is not None and batch.recorded_at >= run.at:
        return None
    return case.alert(
        "run_failed",
        "critical",
        f"scoring of {run.partition or 'a frame'} failed: {run.sentence}",
        command=f"model-refresh score {case.name}",
        cause=SCORE,
        since=run.at,
    )
