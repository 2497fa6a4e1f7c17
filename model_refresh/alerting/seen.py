"""What was first seen when, kept in the store between rounds."""

import contextlib
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from model_refresh.alerting.due import Look, Seen
from model_refresh.errors import ModelRefreshError
from model_refresh.storage.files import read_regular, replace_file

FILE = "seen.json"


def see(folder: Path, look: Look, told: Collection[str]) -> Seen:
    """What was seen when, with this look; `told` are the keys that some address knows of.

    A file that can't be read is as none. Raises StoreWriteError where the disk refuses.
    """
    file, before = folder / FILE, Seen()
    with contextlib.suppress(OSError, ModelRefreshError, ValidationError, ValueError):
        before = Seen.parse(read_regular(file))
    found = before.after(look, told)
    if found != before:
        replace_file(file, found.canonical().encode())
    return found
