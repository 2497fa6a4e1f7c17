"""What was gleaned of stored lines, kept from one overview to the next.

Lines are large, are never changed, and little of each is shown: reading a thousand models' last
batches anew takes half a minute. The memo is no record: without it, or where it can't be read,
everything is gleaned again, verified as every read is.
"""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from model_refresh.records import Record
from model_refresh.storage.files import replace_file

R = TypeVar("R", bound=Record)

FILE = "memo.json"
_FORMAT = 1
"""To be raised when what is gleaned of a line changes its meaning."""

Mark = tuple[int, int]
"""What changes where anything new is to be gleaned."""
_Kept = tuple[int, int, str]
"""A mark, and the JSON of what was gleaned under it."""
_KEPT = TypeAdapter(dict[str, _Kept])


class Memo:
    """What was gleaned, by name; what isn't asked for again is forgotten.

    That is so from file to file, and from round to round where one memo serves many.
    """

    def __init__(self, *, kept: dict[str, _Kept] | None = None) -> None:
        self._kept = kept or {}
        self._asked: dict[str, _Kept] = {}

    @classmethod
    def read(cls, file: Path) -> "Memo":
        """The memo that `write` wrote; an empty one where there is none, or none that is ours."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, ValidationError):
            document = json.loads(file.read_bytes())
            if document["format"] == _FORMAT:
                return cls(kept=_KEPT.validate_python(document["kept"], strict=False))
        return cls()

    def write(self, file: Path) -> None:
        """Keep what was asked for since it was read; nothing is written where nothing changed."""
        if self._asked != self._kept:
            document = {"format": _FORMAT, "kept": self._asked}
            replace_file(file, json.dumps(document, separators=(",", ":")).encode())

    def begin_round(self) -> None:
        """Keep what was asked for since the round before began, and nothing else."""
        if self._asked:
            self._kept, self._asked = self._asked, {}

    @property
    def names(self) -> frozenset[str]:
        """Of what something is kept."""
        return frozenset(self._kept | self._asked)

    def recall(self, name: str, mark: Mark, kind: type[R], glean: Callable[[], R]) -> R:
        """What `glean` gives, gleaned now unless it was under this name and mark before."""
        known = self._asked.get(name) or self._kept.get(name)
        if known is not None and known[:2] == mark:
            with contextlib.suppress(ValidationError):
                found = kind.model_validate_json(known[2])
                self._asked[name] = known
                return found
        found = glean()
        self._asked[name] = (*mark, found.model_dump_json())
        return found


def mark_of(file: Path | os.DirEntry[str]) -> Mark:
    """A line's size, and when it was written in nanoseconds."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def mark_of_folders(folder: Path) -> Mark:
    """How many folders stand below one, and when anything was last added to it or to them."""
    found = [entry.stat().st_mtime_ns for entry in os.scandir(folder) if entry.is_dir()]
    return len(found), max([folder.stat().st_mtime_ns, *found])
