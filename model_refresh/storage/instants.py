"""Instants as names of folders, and the store's clock.

Stamps sort as text as their instants do, so the newest are found without reading all names as
instants; and what the newest names are is kept for as long as their folder does not change.
"""

import datetime as dt
import heapq
import os
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

_NEWEST = 16
"""How many names are kept of a folder."""
_SETTLED_NS = 1_000_000_000
"""How long after a change a folder's times may fail to show another one."""

_FOLDERS = 16_384
"""Of how many folders they are kept: five a model."""


def utc_now() -> dt.datetime:
    """The clock that stores use unless they are given another."""
    return dt.datetime.now(dt.UTC)


def stamp(as_of: dt.datetime) -> str:
    """An instant as a folder's name: `1998-03-02`, below a day `1998-03-02T12:00`."""
    text = as_of.isoformat(timespec="minutes")
    return text[: len("1998-03-02" if as_of.time() == dt.time() else "1998-03-02T12:00")]


@lru_cache(maxsize=16_384)
def instant_of(name: str) -> dt.datetime | None:
    """The instant whose stamp this is; None for another name, such as `lost+found`."""
    try:
        instant = dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return instant if stamp(instant) == name else None


def instants_in(folder: Path) -> Iterator[dt.datetime]:
    """The instants that folders in this one are named by, oldest first; other names are passed.

    A name is read as an instant when it is asked for.
    """
    return _instants(names_in(folder))


def instants_back(folder: Path, until: dt.datetime | None = None) -> Iterator[dt.datetime]:
    """The same, newest first, none after `until`.

    The newest few are known without listing the folder, unless it changed since they were asked.
    """
    limit = None if until is None else stamp(until)
    newest = _known_newest(folder, limit)
    yield from _instants(newest)
    if len(newest) == _NEWEST:
        yield from _instants(name for name in reversed(names_in(folder)) if name < newest[-1])


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, sorted, but what is hidden; nothing where there is no such folder."""
    return sorted(name for name in listed(folder) if not name.startswith("."))


def listed(folder: Path) -> list[str]:
    """The names in a folder, in no order; none where there is no such folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - a fifth of the time
    except (FileNotFoundError, NotADirectoryError):
        return []


def _instants(names: Iterable[str]) -> Iterator[dt.datetime]:
    return (instant for name in names if (instant := instant_of(name)) is not None)


def _known_newest(folder: Path, limit: str | None) -> tuple[str, ...]:
    try:
        found = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    if time.time_ns() - found.st_ctime_ns < _SETTLED_NS:
        return _newest(folder, limit)
    mark = limit, found.st_ino, found.st_nlink, found.st_size, found.st_ctime_ns
    return _seen(str(folder), limit is not None).newest(folder, limit, mark=mark)


class _Seen:
    """The newest names of one folder, as they were when it was listed last."""

    def __init__(self) -> None:
        self._known: tuple[tuple[object, ...], tuple[str, ...]] | None = None

    def newest(
        self, folder: Path, limit: str | None, *, mark: tuple[object, ...]
    ) -> tuple[str, ...]:
        """Those names; the folder is listed where `mark`, which changes with it, is another one."""
        known = self._known
        if known is None or known[0] != mark:
            known = self._known = mark, _newest(folder, limit)
        return known[1]


@lru_cache(maxsize=_FOLDERS)
def _seen(_folder: str, _is_limited: bool) -> _Seen:
    """What was seen of a folder in this process."""
    return _Seen()


def _newest(folder: Path, limit: str | None) -> tuple[str, ...]:
    """The last names of a folder as text, none after `limit`, the last one first."""
    names = listed(folder)
    until = names if limit is None else [name for name in names if name <= limit]
    return tuple(heapq.nlargest(_NEWEST, until))
