"""One model's row of the overview."""

from collections.abc import Sequence
from itertools import takewhile

from model_refresh.errors import sentence_of
from model_refresh.metrics import metric
from model_refresh.monitoring.lateness import USUAL, Patience
from model_refresh.monitoring.overview.gleaned import (
    WEEK,
    Grade,
    Moved,
    grades,
    moved,
    newest_gleaned,
    spent_on,
    spent_since,
)
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.overview.outcome import Outcome, asked_for, outcome
from model_refresh.monitoring.overview.overdue import overdue
from model_refresh.monitoring.overview.standing import freshly, standing
from model_refresh.monitoring.state import State
from model_refresh.monitoring.ticks import next_tick
from model_refresh.monitoring.urgency import NEEDS_PERSON, states_in_order
from model_refresh.records import FleetRow, FleetState, Reason

POINTS = 16
"""Graded batches that a row's line of performance goes back."""

TELLS: dict[FleetState, str] = {
    "decayed": "performance",
    "waiting": "champion",
    "late": "plan",
    "held": "plan",
    "drifted": "drift",
    "new": "plan",
}
"""The command that tells more of a model in this state; of others it is `why`."""

Fields = dict[str, object]


def overview(state: State, memo: Memo, patience: Patience = USUAL) -> FleetRow:
    """The row of a model; whatever is wrong with one, such as its store, is told by its row."""
    try:
        return _row(state, memo, patience)
    except Exception as error:  # noqa: BLE001 - told by its row; one model stops no other
        row = unreadable(state.model.name, [sentence_of(error)])
        command = f"model-refresh verify {state.model.name}"
        return row.model_copy(update={"owners": state.model.spec.owners, "command": command})


def unreadable(name: str, problems: Sequence[str]) -> FleetRow:
    """The row of a model whose declaration or store can't be read: the first problem in full."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return FleetRow(
        name=name,
        state="unreadable",
        needs_person=True,
        sentence=f"{problems[0]}{more}" if problems else "it can't be read",
        command="model-refresh check",
    )


def _row(state: State, memo: Memo, patience: Patience) -> FleetRow:
    store, ended = state.store, outcome(state, memo)
    graded, drift = grades(store, POINTS, memo), moved(store, memo)
    newest = graded[-1] if graded else None
    asked = asked_for(state, ended, memo)
    holding = standing(state, patience, ended=ended, asked=asked, grade=newest, moved=drift)
    first, *others = states_in_order(holding)
    return FleetRow.model_validate(
        {
            "name": state.model.name,
            "owners": state.model.spec.owners,
            "description": state.model.spec.description,
            "state": first,
            "also": tuple(others),
            "needs_person": any(each in NEEDS_PERSON for each in (first, *others)),
            "sentence": holding.get(first) or freshly(state, ended),
            "command": _command(state, first, ended),
            "metric": metric(state.model.primary_metric).label,
            **_champion(state),
            **_refresh(state, ended, memo),
            **_performance(graded),
            **_drift(drift),
            **_next(state),
            **_cost(state, memo),
            "report": _report(state),
        }
    )


def _command(state: State, shown: FleetState, ended: Outcome | None) -> str:
    """What tells more; of who is overdue that depends on whether there is a champion."""
    found = overdue(state, ended) if shown == "overdue" else None
    return found.command if found else f"model-refresh {TELLS.get(shown, 'why')} {state.model.name}"


def _champion(state: State) -> Fields:
    if state.entry is None or state.champion_as_of is None or state.age is None:
        return {}
    return {
        "champion": state.entry.record.version,
        "champion_as_of": state.champion_as_of,
        "age": state.age.total_seconds(),
        "max_age": state.model.max_age.total_seconds(),
    }


def _refresh(state: State, ended: Outcome | None, memo: Memo) -> Fields:
    if ended is None or state.newest_refresh is None:
        return {}
    reasons = state.store.reasons(state.newest_refresh)
    reason = newest_gleaned(reasons, memo, Reason, lambda line: line.record)
    return {
        "refreshed": state.newest_refresh,
        "decision": ended.decision,
        "decision_sentence": ended.sentence,
        "reason": reason.kind if reason is not None else None,
        "reason_sentence": reason.sentence if reason is not None else "",
    }


def _performance(graded: list[Grade]) -> Fields:
    if not graded:
        return {}
    newest = graded[-1]
    return {
        "metric": newest.metric,
        "performance": tuple(each.point for each in graded if each.point is not None),
        "shortfall": newest.shortfall,
        "performance_sentence": newest.sentence,
    }


def _drift(found: Moved | None) -> Fields:
    if found is None:
        return {}
    return {
        "drift": found.weighted,
        "drift_as_of": found.as_of,
        "drift_sentence": found.sentence,
    }


def _next(state: State) -> Fields:
    if state.hold is not None:
        return {"next_sentence": "held: none starts by itself"}
    if not state.model.spec.schedule.active:
        return {"next_sentence": "no schedule"}
    waits = "when the source is ready" if state.model.ready_sql is not None else ""
    return {"next_run": next_tick(state.model, state.now), "next_sentence": waits}


def _cost(state: State, memo: Memo) -> Fields:
    if state.newest_refresh is None:
        return {}
    spent = spent_on(state.store, state.newest_refresh, memo)
    return {
        "seconds": spent.seconds,
        "cpu_seconds": spent.cpu_seconds,
        "week_cpu_seconds": spent_since(state.store, state.now - WEEK, memo),
    }


def _report(state: State) -> str | None:
    """The newest page, relative to the store's root; None where a later verdict has none yet."""
    store, newest = state.store, state.store.newest_of("reports")
    if newest is None or (line := store.reports(newest).last()) is None:
        return None
    later = takewhile(lambda as_of: as_of > newest, store.backwards("refreshes"))
    if any(store.verdicts(as_of).newest_number() for as_of in later):
        return None
    place = store.place(line.record)
    return str(place.relative_to(store.root.parent)) if place.exists() else None
