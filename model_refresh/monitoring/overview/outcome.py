"""What the newest refresh of a model came to."""

from dataclasses import dataclass
from typing import Literal

from model_refresh.monitoring.state import State
from model_refresh.records import Decision, Verdict
from model_refresh.refresh.clearance import failed_test
from model_refresh.storage.store import stamp


@dataclass(frozen=True)
class Outcome:
    """Its decision and why; `decision` is None where it came to none, or not yet."""

    decision: Decision | Literal["wait"] | None
    sentence: str


def outcome(state: State) -> Outcome | None:
    """How the newest refresh ended, or how far it came; None where there was none."""
    if state.newest_refresh is None:
        return None
    ended, verdict = state.promotion, state.verdict
    if ended is not None and (
        verdict is None
        or ended.record.verdict == verdict.record.digest()
        or ended.record.decision == "promote"
    ):
        return Outcome(ended.record.decision, ended.record.sentence)
    return _unended(state, verdict.record if verdict is not None else None)


def _unended(state: State, verdict: Verdict | None) -> Outcome:
    """Judged, and neither promoted nor retained; or not even judged."""
    if verdict is not None and verdict.decision == "reject":
        return Outcome("reject", verdict.sentence)
    failed = failed_test(state.store, verdict) if verdict is not None else None
    if failed is not None:
        return Outcome("reject", f"{failed.name}: {failed.sentence}")
    if state.lease is not None:
        return Outcome(None, f"under way: {_holder(state)}")
    reached = "before a verdict" if verdict is None else f"after the verdict {verdict.decision}"
    when = stamp(state.newest_refresh) if state.newest_refresh is not None else ""
    return Outcome(None, f"the refresh of {when} stopped {reached}: run it again")


def _holder(state: State) -> str:
    lease = state.lease
    return lease.holder.words if lease is not None and lease.holder is not None else ""
