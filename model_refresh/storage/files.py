"""Files that appear whole or not at all, and records that are never overwritten.

Written under a temporary name, flushed to the disk, then published by `link` or `rename`, which
fail where the name is taken. Nothing here retries an fsync: after EIO the kernel may have dropped
the dirty pages, so the caller writes anew under a new name.
"""

import errno
import hashlib
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_refresh.errors import CorruptError, ModelRefreshError, NotStored, StoreWriteError

_TEMPORARY = ".tmp-"
_DAMAGED = ".damaged-"
_FORGOTTEN_SECONDS = 7 * 86_400
_CHUNK = 1 << 20
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How Polars tells what the system said, in an error of its own."""


def publish_file(path: Path, content: bytes) -> bool:
    """Create the file with this content; False, and nothing done, where it exists already.

    Raises StoreWriteError with path and size where the disk refuses.
    """
    with _writing(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(), dir=path.parent))
        try:
            draft = temporary / path.name
            _write_durably(draft, content)
            try:
                os.link(draft, path)
            except FileExistsError:
                return False
            _confirm(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return True


def replace_file(path: Path, content: bytes) -> None:
    """Create the file, or put this content in the place of what it holds: whole or not at all.

    For what is made of records and can be made again, such as the fleet's page; never for a record.
    Raises StoreWriteError with path and size where the disk refuses.
    """
    with _writing(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(), dir=path.parent))
        try:
            draft = temporary / path.name
            _write_durably(draft, content)
            draft.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def publish_folder(draft: Path, path: Path) -> bool:
    """Move a finished draft folder to its final name; False where that name is taken.

    Every file in it is flushed to the disk first, so the folder is whole once it can be seen.
    """
    with _writing(path, 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        for file in sorted(draft.iterdir()):
            sync_file(file)
        sync_folder(draft)
        try:
            os.rename(draft, path)  # noqa: PTH104 - refuses a taken name; Path.rename says the same, the crash tests count os calls
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                return False
            raise
        _confirm(path)
        return True


def new_draft(parent: Path) -> Path:
    """A fresh temporary folder beside the final place; `sweep` removes it after a crash."""
    with _writing(parent, 0):
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=temporary_prefix(), dir=parent))


@contextmanager
def refusals_told(draft: Path) -> Iterator[None]:
    """Raise StoreWriteError where the disk refuses what is written below a draft folder."""
    try:
        yield
    except ModelRefreshError:
        raise
    except Exception as error:
        if (number := _refusal(error)) is None:
            raise
        raise StoreWriteError(
            f"could not write below {draft.parent}, {_size(draft)} bytes were: "
            f"{os.strerror(number)}. Nothing was published; free space or mend the disk, then run "
            "the step again"
        ) from error


def set_aside(path: Path) -> Path:
    """Rename a damaged folder out of every reader's sight; it is kept for a person to look at."""
    aside = Path(tempfile.mkdtemp(prefix=f"{_DAMAGED}{path.name}-", dir=path.parent))
    os.rename(path, aside / path.name)  # noqa: PTH104
    return aside


def is_damaged(path: Path) -> bool:
    """Whether this folder was set aside."""
    return path.name.startswith(_DAMAGED)


def is_temporary(path: Path) -> bool:
    """Whether this name is that of an unpublished draft: invisible to every reader."""
    return path.name.startswith(_TEMPORARY)


def temporary_prefix() -> str:
    """The start of this process's temporary names, which tells `sweep` whose they are."""
    return f"{_TEMPORARY}{_host()}-{os.getpid()}-"


def sweep(root: Path) -> int:
    """Remove drafts that dead processes of this host left below `root`; the number removed.

    Drafts of other hosts that share the store go after a week, and those of a process whose
    number was given to another one.
    """
    removed = 0
    for folder, names, _ in os.walk(root):
        for name in [name for name in names if name.startswith(_TEMPORARY)]:
            names.remove(name)
            draft = Path(folder, name)
            if _is_abandoned(draft):
                shutil.rmtree(draft, ignore_errors=True)
                removed += 1
    return removed


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file; links, folders and pipes in its place are corruption."""
    require_regular(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:  # it was taken away in between
        raise _missing(path) from error


def file_digest(path: Path) -> tuple[str, int]:
    """The sha256 in hex and the size in bytes of a regular file, read in constant memory."""
    require_regular(path)
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def require_regular(path: Path) -> None:
    """Raise NotStored where there is no file, CorruptError where it isn't a regular one."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    if not stat.S_ISREG(mode):
        raise CorruptError(f"{path} is {stat.filemode(mode)}, not a regular file: it was replaced")


def _missing(path: Path) -> NotStored:
    return NotStored(f"{path} is missing from the store")


def sync_file(path: Path) -> None:
    """Flush a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Flush a folder's names to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(path: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        about = f" ({size} bytes)" if size else ""
        raise StoreWriteError(
            f"could not write {path}{about}: {error.strerror}. Nothing was published; "
            "free space or mend the disk, then run the step again"
        ) from error


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _confirm(path: Path) -> None:
    """Flush the name of what has just been published."""
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise StoreWriteError(
            f"{path} is written, but the disk does not confirm that it will last: "
            f"{error.strerror}; mend the disk, then run the step again"
        ) from error


def _refusal(error: Exception) -> int | None:
    """The number with which the disk refused; None for an error of another kind."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := _OS_ERROR.search(str(error))):
        number = int(told[1])
    return number if number in _REFUSALS else None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _host() -> str:
    name = socket.gethostname()
    return "".join(letter for letter in name if letter.isalnum()) or "host"


def _is_abandoned(draft: Path) -> bool:
    host, _, rest = draft.name.removeprefix(_TEMPORARY).partition("-")
    pid = rest.partition("-")[0]
    if host == _host() and pid.isdecimal() and not _is_running(int(pid)):
        return True
    try:
        return time.time() - draft.stat().st_mtime > _FORGOTTEN_SECONDS
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    """Whether a process lives; one that ended and that nobody collects (a zombie) doesn't."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state not in {"Z", "X"}
