"""Stores with what reasons are made from: a champion, drift, grades, orders."""

import datetime as dt

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.state import State, read_state
from model_refresh.records import CheckResult, Drift, Entry, Performance, Promotion, Remedy, Scores
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.log import Log

DAY = dt.timedelta(days=1)
DIGEST = "d" * 64


def store_of(model: Model, now: dt.datetime | None = None) -> ModelStore:
    """A model's store beside its folder; what is recorded is recorded `now`."""
    clock = (lambda: now) if now is not None else (lambda: dt.datetime.now(dt.UTC))
    return Store(model.folder.parent / "home", clock).model(model.name)


STALE = OSError(116, "Stale file handle")
BUG = RuntimeError("a bug that one model is enough for")


def unreadable(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception = STALE) -> None:
    """The folders of a model's logs can't be listed, as on a network disk that went away."""
    numbers = Log._numbers

    def listed(log: Log) -> list[int]:  # type: ignore[type-arg]
        if name in log.folder.parts:
            raise error
        return numbers(log)

    monkeypatch.setattr(Log, "_numbers", listed)


def state_at(model: Model, now: dt.datetime) -> State:
    """What the store says then."""
    return read_state(model, store_of(model), now)


def crown(
    store: ModelStore, as_of: dt.datetime, *, version: str = "a", kind: str = "promotion"
) -> Entry:
    """Another entry in the champion log; nothing else of it is stored."""
    entry = Entry.model_validate(
        {
            "number": store.champion.newest_number() + 1,
            "prev": None,
            "kind": kind,
            "as_of": as_of,
            "version": version * 16,
            "artifact": version * 64,
            "trial": None,
            "verdict": DIGEST,
            "challenger": DIGEST,
            "who": "a test",
            "reason": "to have one",
        }
    )
    store.champion.append(entry, number=entry.number)
    return entry


def begin(store: ModelStore, as_of: dt.datetime) -> None:
    """The refresh of a frame has begun."""
    store.reasons(as_of).folder.mkdir(parents=True)


def end(store: ModelStore, as_of: dt.datetime) -> None:
    """The refresh of a frame has ended: the incumbent stays."""
    promotion = Promotion(
        as_of=as_of,
        decision="retain",
        sentence="retain: not better",
        verdict=DIGEST,
        entry=None,
        champion=None,
    )
    store.promotions(as_of).record_once(promotion, key=promotion.digest())


def publish(store: ModelStore, as_of: dt.datetime) -> None:
    """The batch of a frame."""
    scores = Scores(
        as_of=as_of,
        content=DIGEST,
        entry=1,
        champion="a" * 16,
        challenger=None,
        rows=1,
        frame=DIGEST,
    )
    store.scores(as_of).record_once(scores, key=DIGEST)


def move(store: ModelStore, as_of: dt.datetime, *, found: bool = True, entry: int = 1) -> Drift:
    """The drift of a frame."""
    outcome = "failed" if found else "passed"
    check = CheckResult.model_validate(
        {"name": "psi", "outcome": outcome, "sentence": "psi of spend 0.31 is above 0.2"}
    )
    drift = Drift(
        as_of=as_of,
        frame=DIGEST,
        version="a" * 16,
        entry=entry,
        limits=DIGEST,
        rows=100,
        reference_rows=100,
        checks=(check,),
    )
    store.drifts(as_of).record_once(drift, key=drift.digest())
    return drift


def grade(
    store: ModelStore, as_of: dt.datetime, *, remedy: Remedy | None, champion: str = "a"
) -> Performance:
    """The grades of a batch; one without a remedy has not decayed."""
    outcome = "passed" if remedy is None else "failed"
    check = CheckResult.model_validate(
        {"name": "decay", "outcome": outcome, "sentence": "log loss 0.4 against 0.3 promised"}
    )
    performance = Performance(
        as_of=as_of,
        batch=DIGEST,
        entry=1,
        champion=champion * 16,
        primary="log_loss",
        checks=(check,),
        remedy=remedy,
    )
    store.performances(as_of).record_once(performance, key=performance.digest())
    return performance
