"""A generated folder as one file: the same files, the same bytes; unpacked whole or not at all."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from model_refresh.errors import CorruptError, StoreError

_MODE = 0o644


def pack(files: Mapping[str, bytes]) -> bytes:
    """A tar of files by path, in order of their names, without owner or time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(content), _MODE
            archive.addfile(about, io.BytesIO(content))
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The files of a tar by path; raises CorruptError where it is none, or a path leaves it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            members = archive.getmembers()
            for each in members:
                _require_file_below(each)
            read = {each.name: archive.extractfile(each) for each in members}
            return {name: file.read() for name, file in read.items() if file is not None}
    except (tarfile.TarError, OSError) as error:
        raise CorruptError(f"a stored scorer can't be unpacked: {error}") from error


def write_new(files: Mapping[str, bytes], to: Path) -> None:
    """Write files below a folder that is not there yet, or empty; it appears whole.

    Raises StoreError where something is there already, or can't be written.
    """
    try:
        if to.is_symlink() or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
            raise StoreError(f"{to} is there already, and is no empty folder: name another")
        to.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as draft:
            whole = Path(draft) / to.name
            write_files(files, whole)
            whole.rename(to)
    except OSError as error:
        raise StoreError(f"{to} can't be written: {error.strerror}") from error


def _require_file_below(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if not member.isreg() or path.is_absolute() or ".." in path.parts:
        raise CorruptError(f"a stored scorer holds {member.name!r}, which is no file below it")


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by path below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
