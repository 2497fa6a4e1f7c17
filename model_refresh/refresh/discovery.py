"""False discovery control over a fleet: every comparison takes its place in one sequence of tests.

With hundreds of models and 5% of error each, some worse challenger passes every week by chance.
Models that declare `comparison.false_discovery_rate` share a budget: of all their promotions, the
expected share that should not have been is held below the rate (see `metrics.false_discovery`).
"""

import datetime as dt
from typing import TypeVar

from model_refresh.config.model import Model
from model_refresh.metrics.false_discovery import RULE, level
from model_refresh.records import Discovery, FleetDiscovery, FleetTest, Verdict
from model_refresh.storage import Line, Log, ModelStore

R = TypeVar("R", FleetTest, FleetDiscovery)

_LOOKED_BACK = 2000
"""So many of the newest lines are read: what is further back hardly moves a level."""


def open_test(model: Model, store: ModelStore, as_of: dt.datetime, *, key: str) -> Discovery | None:
    """The place and the level of the comparison made from the inputs `key`; the same if it has one.

    None where the model is under no such control.
    """
    rate = model.spec.comparison.false_discovery_rate
    if rate is None:
        return None
    log = store.fleet_tests
    line = next((line for line in _newest(log) if line.key == key), None)
    while line is None:
        number = _count(log) + 1
        allowed = level(number, sorted(_discovered(store, before=number)), rate=rate)
        test = FleetTest(model=model.name, as_of=as_of, level=allowed)
        if log.append(test, number=number, key=key):
            line = log.line(number)
    return Discovery(number=line.number, level=line.record.level, rule=RULE, rate=rate)


def close_test(store: ModelStore, discovery: Discovery | None, verdict: Verdict) -> None:
    """Tell the sequence of a promotion: what it earns, later tests may spend."""
    if discovery is None or verdict.decision != "promote":
        return
    log, key = store.fleet_discoveries, verdict.digest()
    if any(line.key == key for line in _newest(log)):
        return
    found = FleetDiscovery(test=discovery.number, verdict=key)
    while not log.append(found, number=_count(log) + 1, key=key):
        continue


def _discovered(store: ModelStore, *, before: int) -> set[int]:
    return {
        line.record.test for line in _newest(store.fleet_discoveries) if line.record.test < before
    }


def _newest(log: Log[R]) -> list[Line[R]]:
    last = _count(log)
    return [log.line(number) for number in range(last, max(0, last - _LOOKED_BACK), -1)]


def _count(log: Log[R]) -> int:
    line = log.last()
    return line.number if line else 0
