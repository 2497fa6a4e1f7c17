"""What happened in the month and why, from the store alone, and whether it is what should have."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postbox import Postbox
from rich.console import Console
from rich.table import Table
from story import CRASH, UP, at

from fleet import BROKEN, DRIFTED, HELD, LATE, UNDONE
from model_refresh.storage import ModelStore, Store


@dataclass(frozen=True, order=True)
class Happening:
    """One thing that was recorded: when the moved clock said so, of which model, what, why."""

    at: dt.datetime
    model: str
    what: str
    why: str


def show_month(console: Console, home: Path, postbox: Postbox, *, page: Path) -> None:
    """The models' table, the remarkable happenings, the alerts, and where the page is."""
    store = Store(home)
    table = Table(
        "model", "refreshes", "reasons", "promoted", "retained", "rolled back", "batches", "graded",
        title="A month of twenty models", title_justify="left",
    )  # fmt: skip
    for name in store.models():
        table.add_row(name, *_counted(store.model(name)))
    console.print(table)
    story = Table("when", "model", "what", "why", title="What happened and why", show_lines=False)
    all_of_it = sorted(each for name in store.models() for each in happenings(store.model(name)))
    for each in _together(all_of_it):
        story.add_row(f"{each.at:%a %m-%d %H:%M}", each.model, each.what, each.why)
    console.print(story)
    for message in postbox.messages:
        console.print(f"alert: {message.get('title')}")
    console.print(f"The fleet page: {page}")


def _together(happenings: list[Happening]) -> list[Happening]:
    """What happened on one day to several models alike, as one thing, when it happened first."""
    alike: dict[tuple[dt.date, str, str], list[Happening]] = {}
    for each in happenings:
        alike.setdefault((each.at.date(), each.what, each.why), []).append(each)
    return [
        dataclasses.replace(some[0], model=", ".join(sorted({each.model for each in some})))
        for some in alike.values()
    ]


def happenings(model: ModelStore) -> Iterator[Happening]:
    """Every refresh with its reason, every other change of champion, drift, decay, order."""
    for as_of in model.refreshed():
        reasons = "; ".join(
            f"{line.record.kind}: {line.record.sentence}" for line in model.reasons(as_of).lines()
        )
        for end in model.promotions(as_of).lines():
            what = f"refresh of {as_of:%m-%d}: {end.record.decision}"
            yield Happening(end.recorded_at, model.name, what, reasons)
        trial = model.trial_scores(as_of).last()
        if trial is not None and not trial.record.passes:
            what, why = f"refresh of {as_of:%m-%d}: rejected", trial.record.sentence
            yield Happening(trial.recorded_at, model.name, what, why)
    for line in model.champion.lines():
        if line.record.kind != "promotion":
            why = f"{line.record.who}: {line.record.reason}"
            yield Happening(line.recorded_at, model.name, line.record.kind, why)
    for order in model.orders.lines():
        yield Happening(order.recorded_at, model.name, order.record.kind, order.record.reason)
    yield from _watched(model)


def _watched(model: ModelStore) -> Iterator[Happening]:
    """Each frame that drifted, and each champion that was found to have decayed."""
    drifts = (line for as_of in model.measured() for line in model.drifts(as_of).lines())
    for drift in (line for line in drifts if line.record.is_found):
        what = f"drift in the frame of {drift.record.as_of:%m-%d}"
        yield Happening(drift.recorded_at, model.name, what, drift.record.sentence)
    grades = (line for as_of in model.graded() for line in model.performances(as_of).lines())
    for grade in (line for line in grades if line.record.has_decayed):
        what = f"decay in the frame of {grade.record.as_of:%m-%d}"
        yield Happening(grade.recorded_at, model.name, what, grade.record.sentence)


def unmet(home: Path, postbox: Postbox) -> list[str]:
    """What did not go as it should have; nothing where all did."""
    store = Store(home)
    expected = {
        "each weekly model that nothing befell ended a refresh each Monday": _mondays(store),
        f"{DRIFTED} was refreshed early for drift": "drift" in _kinds(store.model(DRIFTED)),
        f"{DRIFTED} has a champion again that holds its promise": _is_sound(store.model(DRIFTED)),
        f"{UNDONE}'s bad champion was rolled back": _entries(store.model(UNDONE))["rollback"] == 1,
        f"{LATE} was refreshed when its data came": _reason_of(store.model(LATE), 9) == "new_data",
        f"{BROKEN} was not refreshed from a broken feed": not store.model(BROKEN)
        .promotions(at(9, 0))
        .lines(),
        "no good champion was rolled back": not any(
            _entries(store.model(name))["rollback"] for name in store.models() if name != UNDONE
        ),
        "one catch-up refresh a model after the week-end": _caught_up(store),
        f"each refresh of {CRASH} ended, and once": _once(store, CRASH),
        f"{HELD} was not refreshed while it was held": not store.model(HELD)
        .promotions(at(CRASH.day, 0))
        .lines(),
        **{f"people were told: {told}": _was_told(postbox, told) for told in _TOLD},
    }
    return [f"not so: {claim}" for claim, is_so in expected.items() if not is_so]


_TOLD = (
    f"{BROKEN}: the refresh of 1998-03-09 failed",
    f"{UNDONE}: the champion was rolled back",
    "not started",
)


def _was_told(postbox: Postbox, told: str) -> bool:
    return any(told in str(message) for message in postbox.messages)


def _is_sound(model: ModelStore) -> bool:
    """Whether the newest batch that was graded is of a later champion, and has not decayed."""
    newest = model.performances(model.graded()[-1]).last()
    return newest is not None and newest.record.entry > 1 and not newest.record.has_decayed


def _mondays(store: Store) -> bool:
    weekly = [name for name in store.models() if name.startswith(("shop_a", "spend_", "cdnow"))]
    return all(
        store.model(name).promotions(at(day, 0)).last() is not None
        for name in weekly
        for day in (2, 9, 16, 23, 30)
    )


def _caught_up(store: Store) -> bool:
    """After the outage each shop had its Monday's refresh once, on the day of its return."""
    found = [
        store.model(name).promotions(at(23, 0)).lines()
        for name in store.models()
        if name.startswith("shop_")
    ]
    return all(len(lines) == 1 and lines[0].recorded_at.date() == UP for lines in found)


def _once(store: Store, day: dt.date) -> bool:
    moment = at(day.day, 0)
    ends = {name: store.model(name).promotions(moment).lines() for name in store.models()}
    entries = Counter(
        (name, line.record.as_of)
        for name in store.models()
        for line in store.model(name).champion.lines()
        if line.record.kind == "promotion"
    )
    due = {name: len(lines) for name, lines in ends.items() if name not in (HELD, DRIFTED)}
    return set(due.values()) == {1} and len(ends[DRIFTED]) <= 1 and max(entries.values()) == 1


def _kinds(model: ModelStore) -> set[str]:
    return {
        line.record.kind for as_of in model.refreshed() for line in model.reasons(as_of).lines()
    }


def _reason_of(model: ModelStore, day: int) -> str | None:
    line = model.reasons(at(day, 0)).last()
    return line.record.kind if line else None


def _entries(model: ModelStore) -> Counter[str]:
    return Counter(line.record.kind for line in model.champion.lines())


def _counted(model: ModelStore) -> list[str]:
    ends = [line.record for as_of in model.refreshed() for line in model.promotions(as_of).lines()]
    decisions, entries = Counter(end.decision for end in ends), _entries(model)
    kinds = Counter(
        line.record.kind for as_of in model.refreshed() for line in model.reasons(as_of).lines()
    )
    return [
        str(len(model.refreshed())),
        ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        str(decisions["promote"]),
        str(decisions["retain"]),
        str(entries["rollback"]),
        str(len(model.scored())),
        str(len(model.graded())),
    ]
