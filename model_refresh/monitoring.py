"""Is a refresh due, and why: pure functions from what is known to a reason."""

import datetime as dt

from model_refresh.config.model import Model
from model_refresh.config.source import watermark
from model_refresh.records import Record
from model_refresh.splits import Cadence
from model_refresh.storage.folder import bytes_digest


class SourceState(Record):
    """What a source looked like: its declared files, and its watermark where it has one."""

    files: str
    watermark: dt.datetime | None = None


class Reason(Record):
    """Why a refresh of `as_of` should start; `request` is the same for the same cause."""

    kind: str
    as_of: dt.datetime
    sentence: str
    request: str


def latest_instant(cadence: Cadence, now: dt.datetime) -> dt.datetime | None:
    """The newest frame instant that is not after now, in UTC; None before the first."""
    return cadence.floor(now)


def scheduled(model: Model, now: dt.datetime) -> Reason | None:
    """The refresh that a tick of the model's schedule at `now` asks for."""
    as_of = latest_instant(model.cadence, now)
    if as_of is None:
        return None
    key = model.cadence.key(as_of)
    return Reason(
        kind="schedule",
        as_of=as_of,
        sentence=f"scheduled: {model.spec.schedule.cron} {model.spec.schedule.timezone}",
        request=f"{model.name}|{key}|schedule|{now:%Y-%m-%dT%H:%M}",
    )


def new_data(
    model: Model, now: dt.datetime, *, seen: SourceState | None, found: SourceState
) -> Reason | None:
    """The refresh that changed files or a newer watermark ask for; None where nothing is new.

    The first look at a source only takes note of it.
    """
    as_of = latest_instant(model.cadence, now)
    if as_of is None or seen is None or seen == found:
        return None
    if found.watermark is not None:
        if seen.watermark is not None and found.watermark <= seen.watermark:
            return None
        if (reached := latest_instant(model.cadence, min(now, found.watermark))) is None:
            return None
        as_of, what = reached, f"the source has reached {found.watermark:%Y-%m-%d %H:%M} UTC"
    else:
        what = "the source's files changed"
    key = model.cadence.key(as_of)
    return Reason(
        kind="new_data",
        as_of=as_of,
        sentence=what,
        request=f"{model.name}|{key}|new_data|{bytes_digest(found.canonical().encode())[:16]}",
    )


def look_at_source(model: Model) -> SourceState:
    """The state of a model's source now; a missing file counts as such."""
    parts = []
    for path in model.source_files():
        stat = path.stat() if path.exists() else None
        parts.append(f"{path}:{stat and (stat.st_size, stat.st_mtime_ns)}")
    reached = None
    if model.ready_sql is not None:
        with model.open_source() as engine:
            reached = watermark(model, engine)
    return SourceState(files=bytes_digest("\n".join(parts).encode()), watermark=reached)
