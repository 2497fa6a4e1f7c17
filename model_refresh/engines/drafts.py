"""A file that appears at its path when it is whole, and never replaces another."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_refresh.errors import StoreError, StoreWriteError
from model_refresh.storage.files import new_draft


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A fresh name in a folder of its own beside `path`; linked to `path` on success.

    The folder may hold other temporary files; it goes whatever happens. Raises StoreError where
    `path` exists, StoreWriteError where the disk refuses.
    """
    if os.path.lexists(path):
        raise _taken(path)
    folder = new_draft(path.parent)
    try:
        yield folder / "rows.parquet"
        _publish(folder / "rows.parquet", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise StoreWriteError(
            f"{path} could not be written: {error.strerror}; nothing was left there"
        ) from error


def _taken(path: Path) -> StoreError:
    return StoreError(f"{path} exists already and is never overwritten; write to a new name")
