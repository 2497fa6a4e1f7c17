"""Whether the newest frame has drifted, and what follows: one rule for page and alerts."""

from model_refresh.monitoring.overview.gleaned import Moved
from model_refresh.monitoring.state import State
from model_refresh.storage.store import stamp


def drifting(state: State, moved: Moved | None) -> str | None:
    """What is said of the newest measured frame; None where it has not drifted.

    Only drift from what the present champion learned from counts, as for the next refresh, which
    searches wide for it: also where the frame's own refresh had begun, or promoted that champion.
    """
    entry = state.entry
    if moved is None or entry is None or not moved.is_found or moved.entry != entry.record.number:
        return None
    found = moved.sentence.removeprefix("drift: ")
    return f"the frame of {stamp(moved.as_of)} has drifted: {found}; {_following(state, moved)}"


def _following(state: State, moved: Moved) -> str:
    if not state.model.spec.triggers.drift:
        return "triggers.drift is off: no refresh follows from it"
    if state.has_begun(moved.as_of):
        return "its refresh had begun: the next one searches wide"
    return "triggers.drift asks for an early refresh, which searches wide"
