"""The command `performance`: how published batches did, beside what was promised and expected."""

import datetime as dt
from typing import Annotated

import typer
from pydantic import Field

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    plain,
    print_json,
    print_table,
    say,
    store_of,
    warn,
)
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, NotStored
from model_refresh.metrics import metric
from model_refresh.monitoring.performance import gradable_from, is_gradable, ungraded
from model_refresh.pipeline.aftercare import grade_batch
from model_refresh.records import Instant, Interval, Performance, Record
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp, utc_now

Grade = Annotated[
    bool, typer.Option("--grade", help="First grade what has matured, and answer decay.")
]

_SHOWN = 26
"""So many frames are shown, the newest: half a year of weeks."""


class Batch(Record):
    """A scored frame: what was expected of it, and how it did once its labels are graded."""

    as_of: str
    matures_at: Instant
    expected_at: Instant = Field(description="when the data that its labels need should be there")
    state: str = Field(description="graded, matured (not graded yet), or waiting for its labels")
    estimated: dict[str, float] = Field(default_factory=dict)
    performance: Performance | None = None


def performance(
    name: Name,
    as_of: MaybeAsOf = None,
    grade: Grade = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Show how batches did: realised, promised and estimated figures; --as-of shows one in full."""
    model = find_model(name, fleet)
    store, now = store_of(model, home), utc_now()
    asked = None if as_of is None else model.cadence.parse(as_of)
    failures = _grade(model, store, now, asked) if grade else []
    found = [_batch(model, store, each, now) for each in _scored(model, store, asked)]
    if json:
        print_json([plain(each) for each in found])
    elif asked is not None:
        key = model.cadence.key(asked)
        _tell(found[0], grade=f"model-refresh performance {name} --grade --as-of {key}")
    elif not found:
        say(f"{name} has no batch yet: model-refresh score {name}")
    else:
        _list(model, found)
    if failures:
        raise ModelRefreshError("\n".join(failures))


def _scored(model: Model, store: ModelStore, asked: dt.datetime | None) -> list[dt.datetime]:
    if asked is None:
        return store.scored()[-_SHOWN:]
    if asked not in store.scored():
        raise NotStored(
            f"{model.name} has no batch of {stamp(asked)}: model-refresh score {model.name} "
            f"--as-of {model.cadence.key(asked)}"
        )
    return [asked]


def _grade(
    model: Model, store: ModelStore, now: dt.datetime, asked: dt.datetime | None
) -> list[str]:
    """Grade each batch by itself: one whose labels are damaged keeps no other back."""
    failures = []
    for as_of in [asked] if asked is not None else ungraded(model, store, now):
        try:
            grade_batch(model, store, as_of, now=now, on_undone=lambda entry: warn(entry.reason))
        except (ModelRefreshError, OSError) as error:
            failures.append(str(error))
    return failures


def _batch(model: Model, store: ModelStore, as_of: dt.datetime, now: dt.datetime) -> Batch:
    graded, expected = store.performances(as_of).last(), store.estimates(as_of).last()
    waits = "matured" if is_gradable(model, as_of, now) else "waiting"
    return Batch(
        as_of=stamp(as_of),
        matures_at=as_of + model.sizes.gap,
        expected_at=gradable_from(model, as_of),
        state="graded" if graded is not None else waits,
        estimated={} if expected is None else expected.record.metrics,
        performance=graded and graded.record,
    )


def _list(model: Model, batches: list[Batch]) -> None:
    label = metric(model.primary_metric).label
    columns = ["as_of", "champion", label, "from", "to", "promised", "estimated", "skill"]
    columns += ["promised skill", "former gains", "what the labels say"]
    print_table(columns, [_row(each, model.primary_metric, label) for each in batches])
    if any(each.state == "matured" for each in batches):
        say(f"labels have matured: model-refresh performance {model.name} --grade")


def _row(batch: Batch, primary: str, label: str) -> dict[str, object]:
    row: dict[str, object] = {
        "as_of": batch.as_of,
        "estimated": batch.estimated.get(primary),
        "what the labels say": {
            "waiting": f"labels are expected at {batch.expected_at:%Y-%m-%d %H:%M} UTC",
            "matured": "not graded yet",
        }.get(batch.state),
    }
    found = batch.performance
    if found is None:
        return row
    champion, former, skill = found.of("champion"), found.of("former"), found.skill
    own = None if champion is None else champion.intervals.get(primary)
    return row | {
        "champion": found.champion[:8],
        label: None if champion is None else champion.metrics.get(primary),
        "from": own and own.lower,
        "to": own and own.upper,
        "promised": next((p.value for p in found.promised if p.metric == primary), None),
        "skill": _percent(None if skill is None else skill.realised),
        "promised skill": _percent(None if skill is None else skill.promised),
        "former gains": former and former.gain_over_champion and former.gain_over_champion.estimate,
        "what the labels say": found.sentence,
    }


def _percent(share: Interval | None) -> str | None:
    return None if share is None else f"{share.estimate:.1%}"


def _tell(batch: Batch, *, grade: str) -> None:
    """One batch in full: everybody, every metric, every check; `grade` is the command for it."""
    found = batch.performance
    if found is None:
        _tell_ungraded(batch, grade=grade)
        return
    say(f"{batch.as_of} {found.sentence}")
    if found.remedy is not None:
        say(f"  answer: {found.remedy}")
    promised = {each.metric: each.value for each in found.promised}
    roles = [each.role for each in found.graded]
    names = list(dict.fromkeys(name for each in found.graded for name in each.metrics))
    rows = [
        {
            "metric": name,
            "promised": promised.get(name),
            "estimated": found.estimated.get(name),
            **{each.role: each.metrics.get(name) for each in found.graded},
        }
        for name in names
    ]
    print_table(["metric", "promised", "estimated", *roles], rows)
    for check in found.checks:
        say(f"  {check.outcome}: {check.sentence}")
    for note in found.notes:
        say(f"  {note}")


def _tell_ungraded(batch: Batch, *, grade: str) -> None:
    """What is known before the labels are graded: when that can be, and what was expected."""
    if batch.state == "matured":
        say(f"{batch.as_of} is not graded yet; labels have matured: {grade}")
    else:
        say(
            f"{batch.as_of} is not graded: labels mature at {batch.matures_at:%Y-%m-%d %H:%M} UTC, "
            f"their data are expected at {batch.expected_at:%Y-%m-%d %H:%M} UTC"
        )
    if batch.estimated:
        print_table(
            ["metric", "estimated"],
            [{"metric": name, "estimated": value} for name, value in batch.estimated.items()],
        )
