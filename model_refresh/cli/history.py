"""The command `history`: what was decided so far, and why."""

import datetime as dt
from collections.abc import Iterator

from pydantic import Field

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    Name,
    find_model,
    plain,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.metrics import metric
from model_refresh.monitoring.orders import hold_sentence
from model_refresh.monitoring.state import read_state
from model_refresh.records import (
    Entry,
    Instant,
    Order,
    Promotion,
    ReasonKind,
    Record,
    Verdict,
)
from model_refresh.refresh.champion import settled_promotion
from model_refresh.refresh.clearance import failed_test
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp, utc_now


class Event(Record):
    """A refresh, a rollback, an override, or an order (hold, release, skip).

    `decision` is None for a refresh that came to none; `metrics` are the challenger's; `reason` is
    why the refresh began last. An order's as_of is its day, a skip's the frame left out.
    """

    as_of: str
    recorded_at: Instant
    decision: str | None
    sentence: str
    challenger: str | None = None
    champion: str | None = None
    reason: ReasonKind | None = None
    reason_sentence: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)


def history(name: Name, json: Json = False, fleet: FleetFolder = FLEET, home: Home = HOME) -> None:
    """List refreshes, rollbacks, overrides, holds: what was decided, and why."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    events = sorted(_events(store), key=lambda e: (e.as_of, e.recorded_at))
    if json:
        print_json([plain(event) for event in events])
    elif not events:
        say(f"{name} was never refreshed: model-refresh refresh {name}")
    else:
        label = metric(model.primary_metric).label
        rows = [{**dict(e), label: e.metrics.get(model.primary_metric)} for e in events]
        print_table(["as_of", "decision", label, "champion", "reason", "sentence"], rows)
        if (held := read_state(model, store, utc_now()).hold) is not None:
            say(hold_sentence(model, held))


def _events(store: ModelStore) -> Iterator[Event]:
    for as_of in store.refreshed():
        why = store.reasons(as_of).last()
        said = {"reason": why and why.record.kind, "reason_sentence": why and why.record.sentence}
        for event in _refreshes(store, as_of):
            yield event.model_copy(update=said)
    for order in store.orders.lines():
        yield _ordered(order)
    for line in store.champion.lines():
        if line.record.kind != "promotion":
            yield _by_hand(line)


def _refreshes(store: ModelStore, as_of: dt.datetime) -> Iterator[Event]:
    """Each end that the refreshes of one as_of came to, and the newest that came to none."""
    ended, verdict = store.promotions(as_of).lines(), store.verdicts(as_of).last()
    for line in ended:
        yield _ended(store, line)
    if settled_promotion(store, as_of) is not None:
        return  # whatever was judged beside it came to nothing
    if verdict is None:
        yield from _unjudged(store, as_of)
    elif verdict.record.digest() not in {line.record.verdict for line in ended}:
        yield _stopped(store, verdict)


def _ended(store: ModelStore, line: Line[Promotion]) -> Event:
    promotion = line.record
    verdict = store.verdicts(promotion.as_of).holding(promotion.verdict or "")
    event = Event(
        as_of=stamp(promotion.as_of),
        recorded_at=line.recorded_at,
        decision=promotion.decision,
        sentence=promotion.sentence,
        champion=promotion.champion,
    )
    return event if verdict is None else _with_metrics(store, event, verdict.record)


def _stopped(store: ModelStore, line: Line[Verdict]) -> Event:
    """Judged, and neither promoted nor retained: rejected, refused, or not at its end yet."""
    verdict = line.record
    failed = failed_test(store, verdict)
    decision, sentence = None, "the gates say promote, but it did not get to its end: run it again"
    if verdict.decision == "reject":
        decision, sentence = "reject", verdict.sentence
    elif failed is not None:
        decision, sentence = "reject", f"{failed.name}: {failed.sentence}"
    elif verdict.decision == "retain":
        sentence = f"it did not get to its end, run it again; so far: {verdict.sentence}"
    event = Event(
        as_of=stamp(verdict.as_of),
        recorded_at=line.recorded_at,
        decision=decision,
        sentence=sentence,
    )
    return _with_metrics(store, event, verdict)


def _unjudged(store: ModelStore, as_of: dt.datetime) -> Iterator[Event]:
    reached = (
        store.comparisons(as_of).last()
        or store.datasets(as_of).last()
        or store.reasons(as_of).last()
    )
    if reached is not None:
        yield Event(
            as_of=stamp(as_of),
            recorded_at=reached.recorded_at,
            decision=None,
            sentence="it stopped before a verdict: run it again",
        )


def _ordered(line: Line[Order]) -> Event:
    order = line.record
    until = f" (until {order.until:%Y-%m-%d %H:%M} UTC)" if order.until else ""
    return Event(
        as_of=stamp(order.as_of) if order.as_of else f"{line.recorded_at:%Y-%m-%d}",
        recorded_at=line.recorded_at,
        decision=order.kind,
        sentence=f"{order.who}: {order.reason}{until}".rstrip(": "),
    )


def _by_hand(line: Line[Entry]) -> Event:
    entry = line.record
    return Event(
        as_of=stamp(entry.as_of),
        recorded_at=line.recorded_at,
        decision=entry.kind,
        sentence=f"{entry.who}: {entry.reason}",
        champion=entry.version,
    )


def _with_metrics(store: ModelStore, event: Event, verdict: Verdict) -> Event:
    line = store.comparisons(verdict.as_of).holding(verdict.comparison)
    if line is None:
        return event
    values = {name: judged.challenger for name, judged in line.record.metrics.items()}
    return event.model_copy(update={"challenger": line.record.trial, "metrics": values})
