"""Alerts about who is in production: too old, worse than promised, brought back; drift, labels."""

import datetime as dt
from collections.abc import Iterator

from model_refresh.monitoring.alerts.known import Case
from model_refresh.monitoring.alerts.standing import Standing, standing
from model_refresh.monitoring.overview.drifting import drifting
from model_refresh.monitoring.overview.gleaned import moved
from model_refresh.monitoring.overview.outcome import outcome
from model_refresh.monitoring.overview.overdue import overdue
from model_refresh.records import Alert, AlertSeverity
from model_refresh.refresh.champion import AUTOMATIC
from model_refresh.storage.store import stamp

_TOLD = dt.timedelta(days=7)
"""How long a rollback is news."""
_LOADING = dt.timedelta(days=1)
"""How long after labels have matured a source may take to have them, and a sensor to grade them."""
_DONE = {
    "alert": "champion.on_decay is alert: a person decides",
    "refresh": "a refresh with a wide search is asked for",
    "rollback": "the champion before is being brought back",
}


def of_champion(case: Case) -> Iterator[Alert]:
    """Everything that there is to say of a model's champion and of the frames it meets."""
    found = standing(case)
    yield from _overdue(case)
    if found is not None and _is_champions(case, found):
        if found.has_decayed:
            yield _decayed(case, found)
        if found.below_constant is not None:
            yield _below(case, found)
    yield from _rolled_back(case)
    yield from _labels(case, found)
    yield from _drift(case)


def _is_champions(case: Case, found: Standing) -> bool:
    entry = case.state.entry
    return entry is not None and entry.record.version == found.champion


def _overdue(case: Case) -> Iterator[Alert]:
    if (found := overdue(case.state, outcome(case.state, case.known.memo))) is None:
        return
    yield case.alert("overdue", "warning", found.sentence, command=found.command, since=found.since)


def _decayed(case: Case, found: Standing) -> Alert:
    severity: AlertSeverity = "critical" if found.remedy in (None, "alert") else "warning"
    return case.alert(
        "decayed",
        severity,
        f"the champion does worse than promised on {stamp(found.as_of)}: {found.sentence}; "
        f"{_DONE.get(found.remedy or 'alert', '')}",
        works=f"{case.works}: it still scores, but worse than was promised",
        command=f"model-refresh performance {case.name}",
        cause=found.champion,
        since=found.recorded_at,
    )


def _below(case: Case, found: Standing) -> Alert:
    return case.alert(
        "worse_than_constant",
        "critical",
        f"the champion does worse than no model at all on {stamp(found.as_of)}: "
        f"{found.below_constant}",
        works=f"{case.works}, but a constant would serve better",
        command=f'model-refresh rollback {case.name} --reason "..."',
        cause=found.champion,
        since=found.recorded_at,
    )


def _rolled_back(case: Case) -> Iterator[Alert]:
    """What the policy did by itself; a person who rolled back knows it."""
    line = case.state.entry
    if line is None or line.record.kind != "rollback" or line.record.who != AUTOMATIC:
        return
    if case.state.now - line.recorded_at > _TOLD:
        return
    yield case.alert(
        "rolled_back",
        "warning",
        f"the champion was rolled back to {line.record.version}: {line.record.reason}",
        command=f"model-refresh champion {case.name}",
        cause=str(line.number),
        since=line.recorded_at,
    )


def _labels(case: Case, found: Standing | None) -> Iterator[Alert]:
    """The newest frame whose labels should have been there for longer than the grace."""
    state, gap = case.state, case.state.model.sizes.gap
    late = gap + _LOADING + case.known.grace
    latest = state.now - late
    due = state.model.cadence.floor(latest) or latest
    newest = state.store.newest_of("scores", until=due)
    if newest is None:
        return
    graded = state.is_graded(newest)
    if graded and not (found is not None and found.as_of == newest and found.is_ungraded):
        return
    why = f": {found.sentence}" if graded and found is not None else ""
    yield case.alert(
        "labels_late",
        "warning",
        f"the labels of {stamp(newest)} matured on {newest + gap:%Y-%m-%d %H:%M} UTC and its "
        f"scores are not graded{why}",
        works=f"{case.works}; how good it is can't be told until the labels come",
        command=f"model-refresh performance {case.name}",
        since=newest + gap,
    )


def _drift(case: Case) -> Iterator[Alert]:
    found = moved(case.state.store, case.known.memo)
    sentence = drifting(case.state, found)
    if found is None or sentence is None:
        return
    yield case.alert(
        "drift",
        "info",
        sentence,
        command=f"model-refresh drift {case.name}",
        cause=stamp(found.as_of),
    )
