"""One refresh of a model at a time: a lease with a holder and an end.

Numbered files, as in a log: who creates the next one has the lease, until it ends, is given back,
or its process is gone from this machine. The lease keeps work from being done twice, no more: steps
can be repeated and the champion log is ordered, so two holders would end in one order all the same.
"""

import contextlib
import datetime as dt
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from model_refresh.errors import CorruptError, Leased, NotStored, StoreWriteError
from model_refresh.processes import Fingerprint
from model_refresh.records import Instant, Record
from model_refresh.storage.files import publish_file, read_regular
from model_refresh.storage.store import ModelStore, utc_now

SECONDS = 60.0
"""How long a lease lasts unless it is renewed, which happens three times in that while."""
_LOOK_SECONDS = 0.25
"""How often one who waits looks whether the lease is free."""
_KEPT = 4
"""How many files stay, so that no scan of the folder can miss the newest."""


class Holder(Record):
    """Who has a lease. One of the same `id` (another process of the same run) may take it too."""

    id: str
    process: str
    place: str
    words: str

    @classmethod
    def here(
        cls, words: str, *, id: str | None = None, process: Fingerprint | None = None
    ) -> "Holder":
        """This process, or another one here whose end is the end of the lease."""
        return cls(
            id=id or secrets.token_hex(8),
            process=(process or Fingerprint.own()).text,
            place=_place(),
            words=words,
        )

    @property
    def is_here(self) -> bool:
        """Whether its process can be looked for: in this boot, among these process numbers."""
        process = Fingerprint.parse(self.process)
        return process is not None and process.is_here and self.place == _place()

    @property
    def is_gone(self) -> bool:
        """Whether its process is known to have ended."""
        process = Fingerprint.parse(self.process)
        return process is not None and self.is_here and not process.is_alive


class Lease(Record):
    """One line: who has it from when until when; nobody, where it was given back."""

    number: int
    holder: Holder | None
    taken_at: Instant
    until: Instant
    uptime: float
    """The same end in seconds since the machine began, which no change of the clock moves."""

    def is_held(self, now: dt.datetime) -> bool:
        """Whether anybody has it now."""
        if self.holder is None or self.holder.is_gone:
            return False
        return _uptime() < self.uptime if self.holder.is_here else now < self.until


def current_lease(store: ModelStore, now: dt.datetime | None = None) -> Lease | None:
    """The lease that is held now; None where the model is free."""
    newest = _newest(store.leases_folder)
    return newest if newest is not None and newest.is_held(now or utc_now()) else None


@contextmanager
def lease(
    store: ModelStore,
    *,
    holder: Holder,
    seconds: float = SECONDS,
    patience: float = 0.0,
    on_wait: Callable[[str], None] = lambda sentence: None,
) -> Iterator["Held"]:
    """Hold the model's lease, renewed by a thread, and give it back at the end.

    Waits up to `patience` seconds for another holder, of whom `on_wait` hears once a holder.
    Raises Leased, which is transient and names that holder, where it is not free by then.
    """
    held = Held.take(store, holder, seconds=seconds, patience=patience, on_wait=on_wait)
    try:
        yield held
    finally:
        held.give_back()


@dataclass
class Held:
    """A lease in this process's hands; `require` before each step, `give_back` after the last."""

    store: ModelStore
    holder: Holder
    seconds: float
    taken_at: dt.datetime
    _end: threading.Event = field(default_factory=threading.Event, repr=False)
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def take(
        cls,
        store: ModelStore,
        holder: Holder,
        *,
        seconds: float = SECONDS,
        patience: float = 0.0,
        on_wait: Callable[[str], None] = lambda sentence: None,
    ) -> "Held":
        """Take it and begin to renew it; raises Leased."""
        end, told = time.monotonic() + patience, ""
        while True:
            held = cls(store, holder, seconds, utc_now())
            try:
                held.require()
            except Leased as refusal:
                if time.monotonic() >= end:
                    raise
                if refusal.holder != told:
                    on_wait(str(refusal))
                told = refusal.holder
                time.sleep(_LOOK_SECONDS)
            else:
                name = f"lease-{store.name}"
                threading.Thread(target=held._renew, name=name, daemon=True).start()
                return held

    def require(self) -> None:
        """Make sure that it is still held; one that was lost, or not renewed, is taken again.

        Raises Leased where another has it now.
        """
        newest = _newest(self.store.leases_folder)
        is_own = newest is not None and newest.holder and newest.holder.id == self.holder.id
        if newest is None or not is_own or not newest.is_held(utc_now()):
            with self._writing:
                self._advance()

    def give_back(self, *, at_once: bool = True) -> None:
        """Renew it no more; with `at_once` false it goes on until its end or its process's."""
        self._end.set()
        with self._writing:
            newest = _newest(self.store.leases_folder)
            if at_once and newest is not None and newest.holder == self.holder:
                with contextlib.suppress(StoreWriteError):  # it ends by itself
                    self._publish(newest.number + 1, None)

    def _renew(self) -> None:
        while not self._end.wait(self.seconds / 3):
            with self._writing, contextlib.suppress(Leased, StoreWriteError, OSError):
                if not self._end.is_set():
                    self._advance()  # what it could not do, `require` does or tells

    def _advance(self) -> None:
        """Create the next line; raises Leased where another holds the newest."""
        while True:
            newest = _newest(self.store.leases_folder)
            if newest is not None and newest.holder is not None:
                is_own = newest.holder.id == self.holder.id
                if not is_own and newest.is_held(utc_now()):
                    raise Leased(_told(self.store.name, newest, newest.holder), newest.holder.words)
            if self._publish(newest.number + 1 if newest else 1, self.holder):
                return

    def _publish(self, number: int, holder: Holder | None) -> bool:
        """Whether the line is there and the newest: older numbers may be free to create again."""
        folder = self.store.leases_folder
        now, left = utc_now(), dt.timedelta(seconds=self.seconds if holder else 0)
        line = Lease(
            number=number,
            holder=holder,
            taken_at=self.taken_at,
            until=now + left,
            uptime=_uptime() + left.total_seconds(),
        )
        path = folder / f"{number:08d}.json"
        if not publish_file(path, line.canonical().encode()):
            return False
        numbers = _numbers(folder)
        for old in numbers[:-_KEPT]:
            (folder / f"{old:08d}.json").unlink(missing_ok=True)
        return numbers[-1:] == [number]


def _told(name: str, newest: Lease, holder: Holder) -> str:
    since, until = newest.taken_at, newest.until
    return (
        f"{name} is being refreshed by {holder.words} since {since:%Y-%m-%d %H:%M:%S} UTC, and it "
        f"is theirs until {until:%H:%M:%S} unless they go on: wait for its end"
    )


def _newest(folder: Path) -> Lease | None:
    """The newest line; None where there is none. A line that can't be read holds nobody."""
    while numbers := _numbers(folder):
        path = folder / f"{numbers[-1]:08d}.json"
        try:
            return Lease.parse(read_regular(path).decode())
        except NotStored:  # removed since, for newer ones
            continue
        except (CorruptError, ValueError, ValidationError):
            past = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
            return Lease(number=numbers[-1], holder=None, taken_at=past, until=past, uptime=0.0)
    return None


def _numbers(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - one system call for hundreds of models
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name[:8]) for name in names if name[:8].isdecimal() and name[8:] == ".json")


def _place() -> str:
    """What tells these process numbers from those of a container beside this one."""
    return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"


def _uptime() -> float:
    """Seconds since the machine began, in sleep too."""
    return float(Path("/proc/uptime").read_text().split()[0])
