"""Is a refresh due, and why: pure functions from what is known to a reason.

Below them is the look at a source that they reason from; nothing else here touches the world.
"""

import datetime as dt
import os
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.config.source import watermark
from model_refresh.records import Reason, ReasonKind, Record
from model_refresh.splits import Cadence, first_refresh
from model_refresh.storage.folder import bytes_digest


class SourceState(Record):
    """What a source looked like: its declared files, and its watermark where it has one.

    A watermark that was ahead of the look is the look's own instant.
    """

    files: str
    watermark: dt.datetime | None = None


def scheduled(model: Model, now: dt.datetime) -> Reason | None:
    """The refresh that a tick of the model's schedule at `now` asks for; None before the start."""
    as_of = model.cadence.floor(now)
    if as_of is None:
        return None
    schedule = model.spec.schedule
    sentence = f"scheduled: {schedule.cron} {schedule.timezone}"
    tick = now.astimezone(dt.UTC)  # local time repeats itself when the clock is set back
    return _reason(model, "schedule", as_of, sentence=sentence, cause=f"{tick:%Y-%m-%dT%H:%M}")


def postponed(model: Model, reason: Reason | None, now: dt.datetime) -> str | None:
    """Why a tick of the schedule starts nothing yet; None where it does.

    Too few frames have matured; or the source, which the sensor `new_data` watches for this model,
    has not reached the frame: then that starts the refresh. Raises what the source's query raises.
    """
    first = first_refresh(model.cadence, model.sizes)
    if reason is None or reason.as_of < first:
        return f"{model.name}: the first refresh is possible on {model.cadence.key(first)}"
    if model.ready_sql is None or not model.spec.triggers.new_data:
        return None
    reached = look_at_source(model, now).watermark
    if reached is not None and reached >= reason.as_of:
        return None
    met = "is empty" if reached is None else f"has reached {reached:%Y-%m-%d %H:%M} UTC"
    return f"{model.name}: the source {met}; new_data starts the refresh of {reason.as_of:%Y-%m-%d}"


def new_data(
    model: Model, now: dt.datetime, *, seen: SourceState | None, found: SourceState
) -> Reason | None:
    """The refresh that a watermark which reached a frame, or changed files, ask for.

    None where nothing is new. The first look at a source only takes note of it, and where a
    watermark is declared, it alone says when data are ready.
    """
    as_of, cause = model.cadence.floor(now), found.files[:16]
    sentence = "the source's files changed"
    if seen is None or as_of is None:
        return None
    if model.ready_sql is not None:
        if (reached := _newly_reached(model.cadence, seen, found)) is None:
            return None
        as_of, cause = reached, "reached"
        sentence = f"the source has reached {found.watermark:%Y-%m-%d %H:%M} UTC"
    elif seen.files == found.files:
        return None
    return _reason(model, "new_data", as_of, sentence=sentence, cause=cause)


def look_at_source(model: Model, now: dt.datetime) -> SourceState:
    """The state of a model's source now; raises what its files or its query raise."""
    stamps = [f"{path}:{_stamp(path)}" for path in model.source_files()]
    reached = None
    if model.ready_sql is not None:
        with model.open_source() as engine:
            reached = watermark(model, engine)
    return SourceState(
        files=bytes_digest(os.fsencode("\n".join(stamps))),
        watermark=None if reached is None else min(reached, now),
    )


def _reason(
    model: Model, kind: ReasonKind, as_of: dt.datetime, *, sentence: str, cause: str
) -> Reason:
    request = f"{model.name}|{model.cadence.key(as_of)}|{kind}|{cause}"
    return Reason(kind=kind, as_of=as_of, sentence=sentence, request=request)


def _newly_reached(cadence: Cadence, seen: SourceState, found: SourceState) -> dt.datetime | None:
    """The newest frame that the watermark reached since it was seen; None for none."""
    if found.watermark is None:
        return None
    reached = cadence.floor(found.watermark)
    before = None if seen.watermark is None else cadence.floor(seen.watermark)
    return reached if reached is not None and (before is None or reached > before) else None


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:  # between finding it and looking at it
        return "gone"
    return f"{stat.st_size}:{stat.st_mtime_ns}"
