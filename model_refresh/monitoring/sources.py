"""When a source has the data of an instant: by the schedule's time of day, and by what it says.

A frame that is computed before its data are there is stored for ever, and so are labels: whatever
reads a source by itself asks here first.
"""

import datetime as dt
import os
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.config.source import watermark
from model_refresh.monitoring.ticks import next_time_of_day
from model_refresh.records import Record
from model_refresh.storage.folder import bytes_digest

_DAY = dt.timedelta(days=1)


class SourceState(Record):
    """What a source looked like: its declared files, and its watermark where it has one.

    A watermark that was ahead of the look is the look's own instant.
    """

    files: str
    watermark: dt.datetime | None = None


def data_expected_from(model: Model, instant: dt.datetime) -> dt.datetime:
    """From when on the data up to an instant are expected to be there, `source.ready` aside.

    At the schedule's next time of day, by its own clock: one at 06:00 gives the data of midnight
    until 06:00. Frames that are less than a day apart are each given as long as the schedule is
    after a frame of theirs: always less than a frame's time.
    """
    cadence = model.cadence
    wait = next_time_of_day(model, instant) - instant
    following = cadence.next(instant)
    step = cadence.next(following) - following
    return instant + (wait if step >= _DAY else wait % step)


def has_reached(model: Model, instant: dt.datetime, now: dt.datetime) -> bool:
    """Whether the source says that its data up to an instant are there; True where it can't say.

    Asks the source, for as long as that takes; raises what its query raises.
    """
    if model.ready_sql is None:
        return True
    reached = look_at_source(model, now).watermark
    return reached is not None and reached >= instant


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


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:  # between finding it and looking at it
        return "gone"
    return f"{stat.st_size}:{stat.st_mtime_ns}"
