"""Alerts about refreshes: one that failed, was rejected, waits for a person, or never began."""

import datetime as dt
from collections.abc import Iterator

from model_refresh.errors import DataError
from model_refresh.monitoring.alerts.known import Case
from model_refresh.monitoring.lateness import missed
from model_refresh.monitoring.overview.outcome import Outcome, asked_for, outcome
from model_refresh.monitoring.state import State
from model_refresh.records import Alert, Promotion, RunFailure
from model_refresh.storage import Line
from model_refresh.storage.store import stamp

REFRESH, SCORE, GRADE = "refresh", "score", "grade"
"""What runs do, as their tags say."""


def of_refreshes(case: Case) -> Iterator[Alert]:
    """Everything that there is to say of a model's refreshes."""
    ended = outcome(case.state, case.known.memo)
    if ended is not None and ended.decision == "reject":
        yield _rejected(case, ended)
    else:
        yield from _failed(case, ended)
    yield from _other_failures(case)
    yield from _waits(case, ended)
    yield from _not_started(case)


def _rejected(case: Case, ended: Outcome) -> Alert:
    at = _newest(case.state)
    return case.alert(
        "rejected",
        "warning",
        f"the refresh of {at} was rejected: {ended.sentence}",
        command=f"model-refresh why {case.name} --as-of {at}",
        cause=at,
        since=_verdict_at(case.state),
    )


def _failed(case: Case, ended: Outcome | None) -> Iterator[Alert]:
    """A refresh that stopped before its end: Dagster says why, or else how far it came."""
    state, run = case.state, case.failure(REFRESH)
    if run is not None and _is_newer(run, state.promotion):
        of = f" of {run.partition}" if run.partition else ""
        yield _of_refresh(case, f"the refresh{of} failed: {run.sentence}", run.at)
    elif ended is not None and _stopped(case, ended):
        yield _of_refresh(case, ended.sentence, _begun_at(state))


def _is_newer(run: RunFailure, promotion: Line[Promotion] | None) -> bool:
    return promotion is None or promotion.recorded_at < run.at


def _of_refresh(case: Case, sentence: str, since: dt.datetime | None) -> Alert:
    command = f"model-refresh plan {case.name}"
    return case.alert(
        "run_failed", "warning", sentence, command=command, cause=REFRESH, since=since
    )


def _stopped(case: Case, ended: Outcome) -> bool:
    """Whether the newest refresh came to no end, nobody is at it, and nobody took it up in time."""
    if ended.decision is not None or case.is_under_way:
        return False
    begun = _begun_at(case.state)
    return begun is None or case.state.now - begun > case.known.grace


def _other_failures(case: Case) -> Iterator[Alert]:
    """Failed runs that are neither a refresh nor a batch, of which `scores` tells."""
    for (name, selection), run in case.known.failures.items():
        if name != case.name or selection in (REFRESH, SCORE):
            continue
        if selection == GRADE and _is_graded_since(case, run):
            continue
        yield case.alert(
            "run_failed",
            "warning",
            f"the run {selection} of {run.partition or 'no frame'} failed: {run.sentence}",
            command=f"model-refresh history {case.name}",
            cause=selection,
            since=run.at,
        )


def _is_graded_since(case: Case, run: RunFailure) -> bool:
    """Whether the frame that a failed run was to grade was graded later, by a person say."""
    try:
        as_of = case.state.model.cadence.parse(run.partition or "")
    except DataError:
        return False
    line = case.state.store.performances(as_of).last()
    return line is not None and line.recorded_at >= run.at


def _waits(case: Case, ended: Outcome | None) -> Iterator[Alert]:
    if (asked := asked_for(case.state, ended, case.known.memo)) is None:
        return
    at = stamp(asked.promotion.as_of)
    yield case.alert(
        "waits_for_approval",
        "warning",
        f"{asked.version} of {at} has passed everything and waits for a person's approval",
        command=f'model-refresh promote {case.name} {asked.version} --reason "..."',
        cause=asked.version,
    )


def _not_started(case: Case) -> Iterator[Alert]:
    if (found := missed(case.state, case.known.patience)) is None:
        return
    tick, as_of = found
    schedule = case.state.model.spec.schedule
    source = case.state.model.ready_sql is not None
    why = "is Dagster's daemon running, and the schedule on?"
    if source:
        why = f"its source may not have reached that frame, or else: {why}"
    yield case.alert(
        "not_started",
        "critical",
        f"the refresh of {stamp(as_of)} was due at {tick:%Y-%m-%d %H:%M} UTC "
        f"({schedule.cron} {schedule.timezone}) and has not begun; {why}",
        command=f"model-refresh plan {case.name} --as-of {stamp(as_of)}",
        since=tick,
    )


def _newest(state: State) -> str:
    return stamp(state.newest_refresh) if state.newest_refresh is not None else ""


def _begun_at(state: State) -> dt.datetime | None:
    return state.reason.recorded_at if state.reason is not None else None


def _verdict_at(state: State) -> dt.datetime | None:
    return state.verdict.recorded_at if state.verdict is not None else None
