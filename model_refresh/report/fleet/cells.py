"""From a row's record to the words of its cells, and to the numbers that it is sorted by."""

import datetime as dt
import math
from dataclasses import dataclass
from urllib.parse import quote

from model_refresh.records import FleetRow, FleetState
from model_refresh.report.blocks import Tone
from model_refresh.report.digits import number
from model_refresh.report.fleet.sparkline import Sparkline, sparkline

SORTED_BY = ("state", "age", "refreshed", "shortfall", "drift", "next", "cost")
"""What a row's keys are, in order; `state` is its place by urgency."""

_TONES: dict[FleetState, Tone] = {
    "unreadable": "bad",
    "failed": "bad",
    "rejected": "bad",
    "decayed": "bad",
    "waiting": "open",
    "overdue": "open",
    "late": "open",
    "held": "muted",
    "drifted": "strong",
    "new": "muted",
    "fresh": "good",
}
_DECISIONS: dict[str | None, Tone] = {"promote": "good", "reject": "bad", "wait": "open", None: ""}
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@dataclass(frozen=True)
class Said:
    """A cell: a line, a quieter one below it, and a long one that may be cut on the page."""

    text: str
    below: str = ""
    long: str = ""
    tone: Tone = ""


NOTHING = Said("")


@dataclass(frozen=True)
class FleetLine:
    """One row, ready to be drawn. `link` is its report's address; None where there is none."""

    name: str
    link: str | None
    owners: tuple[str, ...]
    keys: str
    needs_person: bool
    looks: str
    state: Said
    champion: Said
    decision: Said
    performance: Said
    drawn: Sparkline | None
    drift: Said
    next: Said
    cost: Said
    command: str


def line_of(row: FleetRow, *, place: int, now: dt.datetime, to_store: str) -> FleetLine:
    """The row at that place by urgency; `to_store` leads from the page's folder to the store."""
    return FleetLine(
        name=row.name,
        link=quote(f"{to_store}/{row.report}") if row.report is not None else None,
        owners=row.owners,
        keys=_keys(row, place),
        needs_person=row.needs_person,
        looks=_looks(row),
        state=Said(
            row.state, f"also {', '.join(row.also)}" if row.also else "", row.sentence,
            _TONES[row.state],
        ),
        champion=_champion(row),
        decision=_decision(row),
        performance=_performance(row),
        drawn=sparkline(row.performance),
        drift=_drift(row),
        next=_next(row, now),
        cost=_cost(row),
        command=row.command,
    )  # fmt: skip


def duration(seconds: float) -> str:
    """`12 d`, `5 h`, `40 min` or `8 s`: whole ones of a unit of which there are at least two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds)} s"


def moment(instant: dt.datetime) -> str:
    """`2026-11-26`, with hour and minute where it is not midnight; UTC."""
    return instant.strftime("%Y-%m-%d" if instant.time() == dt.time() else "%Y-%m-%d %H:%M")


def _looks(row: FleetRow) -> str:
    """Classes of the row: its edge where a person should look, and the colour of its line."""
    edge = _TONES[row.state] if row.needs_person else ""
    decayed = "decayed" if "decayed" in (row.state, *row.also) else ""
    return " ".join(filter(None, (edge, decayed)))


def _champion(row: FleetRow) -> Said:
    if row.champion is None or row.champion_as_of is None:
        return NOTHING
    late = row.age is not None and row.max_age is not None and row.age > row.max_age
    age = f"{duration(row.age)} old" if row.age is not None else ""
    allowed = f" of {duration(row.max_age)}" if row.max_age is not None else ""
    return Said(age + allowed, row.champion, tone="open" if late else "")


def _decision(row: FleetRow) -> Said:
    if row.refreshed is None:
        return NOTHING if row.state == "unreadable" else Said("never refreshed", tone="muted")
    why = f", {row.reason.replace('_', ' ')}" if row.reason is not None else ""
    return Said(
        row.decision or "no decision",
        f"{moment(row.refreshed)}{why}",
        row.decision_sentence if row.decision_sentence != row.sentence else "",
        _DECISIONS.get(row.decision, ""),
    )


def _performance(row: FleetRow) -> Said:
    if not row.performance:
        return Said("", "", row.performance_sentence)
    newest = row.performance[-1]
    promised = "no promise" if newest.promised is None else f"{number(newest.promised)} promised"
    worse = row.state == "decayed" or "decayed" in row.also
    return Said(
        number(newest.realised),
        f"{promised}, {row.metric or ''}",
        row.performance_sentence if "decayed" in row.also else "",
        "bad" if worse else "",
    )


def _drift(row: FleetRow) -> Said:
    if row.drift_as_of is None:
        return NOTHING
    found = row.state == "drifted" or "drifted" in row.also
    shown = number(row.drift, digits=2) if row.drift is not None else "not measured"
    return Said(
        shown, moment(row.drift_as_of), row.drift_sentence if "drifted" in row.also else "",
        "strong" if found else "",
    )  # fmt: skip


def _next(row: FleetRow, now: dt.datetime) -> Said:
    if row.next_run is None:
        return Said("", "", row.next_sentence)
    ahead = (row.next_run - now).total_seconds()
    return Said(
        f"in {duration(ahead)}" if ahead >= 0 else "now", moment(row.next_run), row.next_sentence
    )


def _cost(row: FleetRow) -> Said:
    if row.cpu_seconds is None:
        return NOTHING
    return Said(duration(row.cpu_seconds), f"{duration(row.week_cpu_seconds)} this week")


def _keys(row: FleetRow, place: int) -> str:
    """The numbers of SORTED_BY, a blank where there is none."""
    known = (
        float(place),
        row.age,
        _seconds(row.refreshed),
        row.shortfall,
        row.drift,
        _seconds(row.next_run),
        row.cpu_seconds,
    )
    return ";".join(map(_key, known))


def _seconds(instant: dt.datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


def _key(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
