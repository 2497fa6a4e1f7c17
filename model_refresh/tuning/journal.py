"""What a search has tried so far, on disk: one line a trial, flushed before the next begins.

Not Optuna's own journal: one with a torn last line can't be opened again, and a lock that a killed
process left costs half a minute.
"""

import os
from hashlib import sha256
from pathlib import Path

from model_refresh.storage.files import refusals_told
from model_refresh.tuning.bench import Attempt

_SEAL = 16


class Journal:
    """The trials of one search in a file; a line is a seal of its text, and the text.

    Lines of two processes that do the same search may stand side by side: the first of a number
    counts. Nothing after a line that is torn or damaged is read.
    """

    def __init__(self, path: Path) -> None:
        """The file need not be there yet."""
        self._path = path

    def attempts(self) -> dict[int, Attempt]:
        """Number -> what was tried; a torn tail is cut off."""
        if not self._path.is_file():
            return {}
        found: dict[int, Attempt] = {}
        whole = 0
        content = self._path.read_bytes()
        for line in content.splitlines(keepends=True):
            attempt = _parsed(line)
            if attempt is None:
                os.truncate(self._path, whole)
                break
            whole += len(line)
            found.setdefault(attempt.number, attempt)
        return found

    def add(self, attempt: Attempt) -> None:
        """Append one, flushed to the disk; raises StoreWriteError where that refuses."""
        text = attempt.canonical().encode()
        with refusals_told(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(_seal(text) + b" " + text + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def remove(self) -> None:
        """Forget it: what the search found is recorded elsewhere."""
        self._path.unlink(missing_ok=True)


def _seal(text: bytes) -> bytes:
    return sha256(text).hexdigest()[:_SEAL].encode()


def _parsed(line: bytes) -> Attempt | None:
    seal, _, text = line.partition(b" ")
    if not line.endswith(b"\n") or seal != _seal(text[:-1]):
        return None
    return Attempt.parse(text)
