"""What the newest refresh of a model came to."""

from typing import Literal

from model_refresh.monitoring.overview.gleaned import mark_of_newest, newest_gleaned
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.state import State
from model_refresh.records import Decision, Promotion, Record, Verdict
from model_refresh.refresh.approval import Waiting, waiting
from model_refresh.refresh.clearance import failed_test
from model_refresh.storage.store import stamp


class Outcome(Record):
    """Its decision and why; `decision` is None where it came to none, or not yet."""

    decision: Decision | Literal["wait"] | None
    sentence: str


def outcome(state: State, memo: Memo) -> Outcome | None:
    """How the newest refresh ended, or how far it came; None where there was none."""
    store, as_of = state.store, state.newest_refresh
    if as_of is None:
        return None
    logs = store.promotions(as_of).folder, store.verdicts(as_of).folder
    name = f"{Outcome.__name__}/{store.name}/{stamp(as_of)}"
    said = memo.recall(name, mark_of_newest(*logs), Outcome, lambda: _said(state))
    return said if said.decision is not None else _unended(state)


def asked_for(state: State, ended: Outcome | None, memo: Memo) -> Waiting | None:
    """What waits for a person's approval; None where nothing does.

    Refreshes since the last promotion are looked at as they were gleaned: they may be many.
    """
    store = state.store
    if ended is None or not (state.model.spec.approval == "manual" or ended.decision == "wait"):
        return None
    for as_of in store.backwards("refreshes"):
        found = newest_gleaned(store.promotions(as_of), memo, Promotion, lambda line: line.record)
        if found is not None and found.decision == "wait":
            return waiting(store)
        if found is not None and found.decision == "promote":
            return None
    return None


def _said(state: State) -> Outcome:
    """What its newest lines say by themselves."""
    ended, verdict = state.promotion, state.verdict
    if ended is not None and (
        verdict is None
        or ended.record.verdict == verdict.record.digest()
        or ended.record.decision == "promote"
    ):
        return Outcome(decision=ended.record.decision, sentence=ended.record.sentence)
    if verdict is not None and verdict.record.decision == "reject":
        return Outcome(decision="reject", sentence=verdict.record.sentence)
    return Outcome(decision=None, sentence="")


def _unended(state: State) -> Outcome:
    """Judged, and neither promoted nor retained; or not even judged."""
    verdict: Verdict | None = state.verdict.record if state.verdict is not None else None
    failed = failed_test(state.store, verdict) if verdict is not None else None
    if failed is not None:
        return Outcome(decision="reject", sentence=f"{failed.name}: {failed.sentence}")
    if state.lease is not None:
        return Outcome(decision=None, sentence=f"under way: {_holder(state)}")
    reached = "before a verdict" if verdict is None else f"after the verdict {verdict.decision}"
    when = stamp(state.newest_refresh) if state.newest_refresh is not None else ""
    sentence = f"the refresh of {when} stopped {reached}: run it again"
    return Outcome(decision=None, sentence=sentence)


def _holder(state: State) -> str:
    lease = state.lease
    return lease.holder.words if lease is not None and lease.holder is not None else ""
