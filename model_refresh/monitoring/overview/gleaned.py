"""What a row tells of stored lines: costs, grades, drift. Each is small, and read once a line."""

import datetime as dt
import os
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pydantic import ConfigDict

from model_refresh.metrics import metric
from model_refresh.monitoring.overview.memo import Mark, Memo, mark_of, mark_of_folders
from model_refresh.records import Drift, FleetPoint, Instant, Performance, Record
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.log import Log

R = TypeVar("R", bound=Record)
G = TypeVar("G", bound=Record)

WEEK = dt.timedelta(days=7)
_LINE = re.compile(r"[0-9]{8}\.json")


class Spent(Record):
    """What a refresh used, by the meters of its steps, and when its newest line was recorded."""

    recorded_at: Instant | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class Grade(Record):
    """What the labels said of one batch; `point` is None where it could not be graded."""

    entry: int
    champion: str
    point: FleetPoint | None
    metric: str
    shortfall: float | None
    has_decayed: bool
    sentence: str


class Moved(Record):
    """How far one frame stands from what its champion learned from."""

    as_of: Instant
    entry: int
    weighted: float | None
    is_found: bool
    sentence: str


class _Anything(Record):
    """The record of any step, of which only what stands beside it is wanted."""

    model_config = ConfigDict(extra="allow")


def spent_on(store: ModelStore, as_of: dt.datetime, memo: Memo) -> Spent:
    """What the refresh at `as_of` used so far."""
    folder = store.promotions(as_of).folder.parent
    name = f"{store.name}/{folder.name}"
    return memo.recall(name, mark_of_folders(folder), Spent, lambda: _spent(folder, store))


def spent_since(store: ModelStore, since: dt.datetime, memo: Memo) -> float:
    """CPU seconds of the refreshes that ended since, back to the first that ended before."""
    seconds = 0.0
    for as_of in store.backwards("refreshes"):
        spent = spent_on(store, as_of, memo)
        if spent.recorded_at is not None and spent.recorded_at < since:
            break
        seconds += spent.cpu_seconds
    return seconds


def grades(store: ModelStore, count: int, memo: Memo) -> list[Grade]:
    """The newest grades, oldest first, up to so many."""
    newest = list(islice(store.backwards("performance"), count))
    logs = (store.performances(as_of) for as_of in reversed(newest))
    return [
        found for log in logs if (found := newest_gleaned(log, memo, Grade, _grade)) is not None
    ]


def moved(store: ModelStore, memo: Memo) -> Moved | None:
    """The drift of the newest frame that was measured."""
    measured = store.newest_of("drift")
    return None if measured is None else newest_gleaned(store.drifts(measured), memo, Moved, _moved)


def newest_gleaned(
    log: Log[R], memo: Memo, kind: type[G], glean: Callable[[Line[R]], G]
) -> G | None:
    """What is gleaned of a log's newest line, as a record of a kind; None where it has none."""
    if (file := _newest_file(log.folder)) is None:
        return None
    name = "/".join([kind.__name__, *log.folder.parts[-4:], file.name])
    return memo.recall(name, mark_of(file), kind, lambda: glean(log.line(int(file.name[:8]))))


def mark_of_newest(*folders: Path) -> Mark:
    """What changes where the log in any of these folders has a new line."""
    files = [_newest_file(folder) for folder in folders]
    marks = [mark_of(file) for file in files if file is not None]
    return sum(size for size, _ in marks), max((at for _, at in marks), default=0)


def _newest_file(folder: Path) -> os.DirEntry[str] | None:
    """The file of a log's newest line; raises OSError where a file stands in the folder's place."""
    try:
        files = [entry for entry in os.scandir(folder) if _LINE.fullmatch(entry.name)]
    except FileNotFoundError:
        return None
    return max(files, key=lambda entry: entry.name, default=None)


def _spent(folder: Path, store: ModelStore) -> Spent:
    """Every line of a refresh, read and verified for what stands beside its record."""
    lines = [
        line
        for step in sorted(folder.iterdir())
        for line in Log(step, _Anything, store.clock).lines()
    ]
    costs = [line.cost for line in lines if line.cost is not None]
    return Spent(
        recorded_at=max((line.recorded_at for line in lines), default=None),
        seconds=sum(cost.seconds for cost in costs),
        cpu_seconds=sum(cost.cpu_seconds for cost in costs),
    )


def _grade(line: Line[Performance]) -> Grade:
    told = line.record
    champion = next((each for each in told.graded if each.role == "champion"), None)
    realised = champion.metrics.get(told.primary) if champion is not None else None
    promised = next((each for each in told.promised if each.metric == told.primary), None)
    shortfall = promised.shortfall if promised is not None else None
    return Grade(
        entry=told.entry,
        champion=told.champion,
        point=None
        if realised is None
        else FleetPoint(
            as_of=told.as_of, realised=realised, promised=promised and promised.value
        ),
        metric=metric(told.primary).label,
        shortfall=shortfall and shortfall.estimate,
        has_decayed=told.has_decayed,
        sentence=told.sentence,
    )  # fmt: skip


def _moved(line: Line[Drift]) -> Moved:
    told = line.record
    return Moved(
        as_of=told.as_of,
        entry=told.entry,
        weighted=told.weighted,
        is_found=told.is_found,
        sentence=told.sentence,
    )
