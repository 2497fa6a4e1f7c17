"""What the newest grades say of a champion, as far as alerts need it: read once a line."""

from model_refresh.monitoring.alerts.known import Case
from model_refresh.monitoring.overview.gleaned import newest_gleaned
from model_refresh.records import Instant, Performance, Record, Remedy
from model_refresh.storage import Line


class Standing(Record):
    """The newest graded batch. `below_constant` is None where a constant is no better."""

    as_of: Instant
    champion: str
    recorded_at: Instant
    is_ungraded: bool
    has_decayed: bool
    remedy: Remedy | None
    sentence: str
    below_constant: str | None


def standing(case: Case) -> Standing | None:
    """How the newest graded batch did; None where none was graded."""
    state = case.state
    if state.newest_graded is None:
        return None
    log = state.store.performances(state.newest_graded)
    return newest_gleaned(log, case.known.memo, Standing, _standing)


def _standing(line: Line[Performance]) -> Standing:
    told = line.record
    return Standing(
        as_of=told.as_of,
        champion=told.champion,
        recorded_at=line.recorded_at,
        is_ungraded=not told.graded,
        has_decayed=told.has_decayed,
        remedy=told.remedy,
        sentence=told.sentence,
        below_constant=_below_constant(told),
    )


def _below_constant(told: Performance) -> str | None:
    """By how much a constant is better on these rows, where even the upper bound says so."""
    champion = told.of("champion")
    gain = champion.gain_over_constant if champion is not None else None
    if gain is None or not gain.upper < 0:  # nor where no bound can be told
        return None
    return (
        f"{told.primary}: worse than the constant by {-gain.estimate:.4g} (at least "
        f"{-gain.upper:.4g} at {100 * gain.confidence:.4g}% confidence)"
    )
