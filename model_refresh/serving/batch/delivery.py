"""A published batch goes to the declared sink: the store is the record, the sink has a copy.

What has arrived is recorded. A process that dies between a batch and its record delivers it once
more when it runs again, which changes nothing.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

import pyarrow.parquet as pq

from model_refresh.config.model import Model
from model_refresh.errors import SinkError
from model_refresh.records import Delivery, Scores, canonical_json
from model_refresh.serving.batch.writing import SCORE
from model_refresh.sinks import Partition, Sink
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.store import SCORES


def deliver_newest(
    model: Model, store: ModelStore, as_of: dt.datetime, *, again: bool = False
) -> Line[Delivery] | None:
    """Copy the newest batch of a frame to the sink unless it was the last to arrive there.

    With `again`, copy it in any case. A batch that was published meanwhile follows. None where no
    sink is declared, or there is no batch. Raises SinkError or SinkUnreachable, which say that the
    batch is published all the same, and CorruptError where its bytes are damaged: none of those is
    delivered.
    """
    if (sink := model.spec.scores.sink) is None:
        return None
    log, declared = store.deliveries(as_of), sink_digest(model)
    with _one_at_a_time(log.folder):
        newest, last = store.scores(as_of).last(), log.last()
        if newest is None:
            return None
        if not again and last is not None and is_of(last.record, newest.record, declared):
            return last
        while True:
            batch = newest.record
            place = _deliver(model, store, batch, sink)
            delivery = Delivery(
                as_of=as_of, batch=batch.content, sink=declared, place=place, rows=batch.rows
            )
            key = bytes_digest(f"{batch.content} {declared}".encode())
            line, delivered = log.record_once(delivery, key=key), newest.number
            newest = store.scores(as_of).last() or newest
            if newest.number == delivered:
                return line


def is_of(delivery: Delivery, batch: Scores, sink: str) -> bool:
    """Whether a delivery is that of this batch, to the declared sink of this digest."""
    return (delivery.batch, delivery.sink) == (batch.content, sink)


def sink_digest(model: Model) -> str:
    """Stands for the declared sink; what the environment gave is no part of it."""
    sink = model.spec.scores.sink
    declared = sink.model_dump(mode="json") if sink is not None else {}
    written = {
        name: model.written.get(value, value) if isinstance(value, str) else value
        for name, value in declared.items()
    }
    return bytes_digest(canonical_json(written).encode())


def _deliver(model: Model, store: ModelStore, batch: Scores, sink: Sink) -> str:
    """Where the batch now is; its bytes are verified first."""
    stored = store.content(store.scores(batch.as_of), batch.content).file(SCORES)
    partition = Partition(
        model=model.name,
        as_of=batch.as_of,
        key=_key(stored, model.spec.frame.key),
        rows=batch.rows,
        champion=batch.champion,
        entry=batch.entry,
        batch=batch.content[:16],
    )
    try:
        return sink.deliver(stored, partition, model.folder)
    except SinkError as error:
        first = "" if error.transient else "mend that, then "
        message = (
            f"the batch is published, {stored}, but not delivered: {error}; "
            f"{first}run model-refresh score again, which delivers it"
        )
        raise type(error)(message) from error


def _key(batch: Path, declared: tuple[str, ...]) -> tuple[str, ...]:
    """The batch's key: as declared, or as it was when the champion was made."""
    names = pq.read_schema(batch).names
    if tuple(names[: len(declared)]) == declared:
        return declared
    return tuple(takewhile(lambda name: not name.startswith(SCORE), names))


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Deliveries of one frame follow each other: the last to arrive is of the newest batch.

    The lock is on the folder itself and ends with its holder. Where a file system has no such
    locks (some network ones) nothing is waited for: an older batch may arrive after a newer one,
    which whoever delivered it then sees and delivers once more. Only where that process dies in
    between does the older one stay, until somebody delivers with `again`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
