"""Reading the small text files of a model's folder, and nothing outside of it (F31, F33)."""

import os
import stat
from pathlib import Path, PurePosixPath

MAX_BYTES = 1 << 20


def read_query(folder: Path, name: str) -> str:
    """The text of a query's file; raises ValueError with the reason where it can't be read."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or "\\" in name:
        raise ValueError(f"{name!r} is not accepted: give a path below the model's folder")
    try:
        text = read_bytes(folder / pure, below=folder).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{folder / pure} is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise ValueError(f"{folder / pure} is empty: it should hold one SELECT")
    if "\0" in text:
        raise ValueError(f"{folder / pure} has a NUL character")
    return text.replace("\r\n", "\n")


def read_bytes(path: Path, *, below: Path) -> bytes:
    """A regular file of at most 1 MiB that lies, links resolved, below a folder.

    Raises ValueError with the reason where there is none.
    """
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(below.resolve(strict=True)):
            raise ValueError(f"{path} is a link that leaves {below}: links out are not followed")
        # a pipe would block for ever: opened without waiting, it is seen not to be a file
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError(f"{path} is no regular file")
            data = file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its links go round in circles"
        raise ValueError(f"{path} can't be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")
    return data
