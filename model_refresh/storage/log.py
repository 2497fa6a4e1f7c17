"""A numbered log of records: line n+1 is created only if absent, nothing is ever overwritten.

The champion log, the records of each refresh, and the versions of a frame all are such logs. A
line keeps, beside its record, what stays outside of every digest: the clock and the cost.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import AwareDatetime, ValidationError

from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Cost, Digest, Record, canonical_json
from model_refresh.storage.files import publish_file, read_regular
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.instants import listed

R = TypeVar("R", bound=Record)

_LINE_NAME = re.compile(r"([0-9]{8})\.json")


class _Envelope(Record):
    number: int
    key: Digest | None
    record: str
    recorded_at: AwareDatetime
    cost: Cost | None
    seal: Digest

    @property
    def expected_seal(self) -> str:
        body = json.loads(self.model_dump_json(exclude={"seal"}))
        return bytes_digest(canonical_json(body).encode())


@dataclass(frozen=True)
class Line(Generic[R]):
    """One verified line; `key` is the digest of the inputs that its record was made from."""

    number: int
    key: str | None
    record: R
    recorded_at: datetime
    cost: Cost | None


@dataclass(frozen=True)
class Log(Generic[R]):
    """The log in one folder. Other folders may stand beside its lines."""

    folder: Path
    record_type: type[R]
    clock: Callable[[], datetime]

    def lines(self) -> list[Line[R]]:
        """Every line in order, verified; raises CorruptError naming the file."""
        numbers = self._numbers()
        if numbers != list(range(1, len(numbers) + 1)):
            missing = next(n for n in range(1, numbers[-1] + 1) if n not in numbers)
            raise CorruptError(f"{self.path(missing)} is missing: restore it from a backup")
        return [self.line(number) for number in numbers]

    def line(self, number: int) -> Line[R]:
        """One line, verified; raises NotStored or CorruptError."""
        return _parse(self.path(number), number, self.record_type)

    def path(self, number: int) -> Path:
        """Where a line lies, or would lie."""
        return self.folder / f"{number:08d}.json"

    def last(self) -> Line[R] | None:
        """The newest line."""
        numbers = self._numbers()
        return self.line(numbers[-1]) if numbers else None

    def newest_number(self) -> int:
        """The newest line's number, which no other line of this log ever has; 0 without one."""
        return max(self._numbers(), default=0)

    def backwards(self) -> Iterator[Line[R]]:
        """Lines from the newest on, each read when it is asked for; what is damaged is left out.

        For what must go on whatever became of an old line; `lines` is the one that vouches.
        """
        for number in reversed(self._numbers()):
            with contextlib.suppress(CorruptError, NotStored):
                yield self.line(number)

    def recall(self, key: str) -> Line[R] | None:
        """The line that was made from these inputs, made the newest one again if it isn't."""
        found = next((line for line in reversed(self.lines()) if line.key == key), None)
        return found and self.record_once(found.record, key=key, cost=found.cost)

    def holding(self, digest: str) -> Line[R] | None:
        """The line whose record has this digest."""
        return next((line for line in self.lines() if line.record.digest() == digest), None)

    def append(
        self, record: R, *, number: int, key: str | None = None, cost: Cost | None = None
    ) -> bool:
        """Create line `number`; False where another process created it first."""
        envelope = _Envelope(
            number=number,
            key=key,
            record=record.canonical(),
            recorded_at=self.clock(),
            cost=cost,
            seal="0" * 64,
        )
        sealed = envelope.model_copy(update={"seal": envelope.expected_seal})
        return publish_file(self.path(number), _text(sealed))

    def record_once(self, record: R, *, key: str, cost: Cost | None = None) -> Line[R]:
        """The newest line, appended now unless it was made from the inputs `key` already."""
        while True:
            if (newest := self.last()) is not None and newest.key == key:
                return newest
            self.append(record, number=newest.number + 1 if newest else 1, key=key, cost=cost)

    def add(self, record: R) -> Line[R]:
        """The record as a new line after whatever the newest one is."""
        while True:
            number = max(self._numbers(), default=0) + 1
            if self.append(record, number=number):
                return self.line(number)

    def _numbers(self) -> list[int]:
        found = (_LINE_NAME.fullmatch(name) for name in listed(self.folder))
        return sorted(int(name[1]) for name in found if name)


def _text(envelope: _Envelope) -> bytes:
    body = json.loads(envelope.model_dump_json())
    return canonical_json({**body, "record": json.loads(envelope.record)}).encode()


def _parse(path: Path, number: int, record_type: type[R]) -> Line[R]:
    text = read_regular(path)
    try:
        body = json.loads(text)
        envelope = _Envelope.model_validate({**body, "record": canonical_json(body["record"])})
        record = record_type.parse(envelope.record)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise CorruptError(f"{path} can't be read: restore it from a backup") from error
    if _text(envelope) != text or envelope.seal != envelope.expected_seal:
        raise CorruptError(f"{path} was edited or damaged: restore it from a backup")
    if envelope.number != number:
        raise CorruptError(f"{path} holds line {envelope.number}: it was moved here")
    return Line(number, envelope.key, record, envelope.recorded_at, envelope.cost)
