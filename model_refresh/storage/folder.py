"""A stored thing: a folder whose manifest names every file by digest.

No manifest: not there. Every read verifies the digest first, because parsers don't notice damage
(LightGBM takes a model with flipped digits, Polars a Parquet file with flipped bytes).
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Digest, Record
from model_refresh.storage.files import (
    file_digest,
    is_temporary,
    new_draft,
    publish_file,
    publish_folder,
    read_regular,
    refusals_told,
    set_aside,
)

MANIFEST = "manifest.json"
MEMBER = "member"
"""Inputs of a version whose names begin so are the digests of versions that it mixes."""
RESTORE = "restore it from a backup"

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]


class FileDigest(Record):
    """A file's sha256 and its size in bytes."""

    sha256: Digest
    bytes: int


class Manifest(Record):
    """What a folder holds, and what it was made from."""

    kind: str
    files: dict[FileName, FileDigest]
    inputs: dict[str, str]
    libraries: dict[str, str]


@dataclass(frozen=True)
class StoredFolder:
    """A published folder; its manifest has been checked against its own text.

    `remedy` tells in messages what to do about a file that is lost or damaged.
    """

    path: Path
    manifest: Manifest
    remedy: str = RESTORE

    @property
    def digest(self) -> str:
        """The manifest's digest, which stands for every byte in the folder."""
        return self.manifest.digest()

    def file(self, name: str) -> Path:
        """The path of a file whose bytes have just been verified.

        Raises NotStored where the file is missing, CorruptError where its bytes differ.
        """
        if name not in self.manifest.files:
            raise NotStored(f"{self.path / name} is not in the manifest, so it is not opened")
        expected = self.manifest.files[name]
        try:
            sha256, size = file_digest(self.path / name)
        except NotStored as error:
            raise NotStored(f"{error}: {self.remedy}") from error
        if (sha256, size) != (expected.sha256, expected.bytes):
            raise CorruptError(
                f"{self.path / name} has {size} bytes with sha256 {sha256[:16]}; its manifest says "
                f"{expected.bytes} and {expected.sha256[:16]}: {self.remedy}"
            )
        return self.path / name

    def read(self, name: str) -> bytes:
        """The verified bytes of a small file."""
        return self.file(name).read_bytes()

    def problems(self) -> Iterator[str]:
        """What is wrong below this folder: one sentence a file."""
        for name in self.manifest.files:
            try:
                self.file(name)
            except (CorruptError, NotStored) as error:
                yield str(error)
        for path in sorted(self.path.iterdir()):
            if path.name not in {*self.manifest.files, MANIFEST} and not is_temporary(path):
                yield f"{path} is not in the manifest: nothing reads it, remove it"


@dataclass(frozen=True)
class Draft:
    """A folder being written, invisible until it is published."""

    path: Path
    parent: Path

    def publish(
        self, *, kind: str, inputs: Mapping[str, str], libraries: Mapping[str, str], name: str = ""
    ) -> StoredFolder:
        """Seal the folder with a manifest and give it its final name, by default its own digest.

        A folder that is there already under this name is kept, and returned after a check that it
        is the same.
        """
        files = {
            path.name: FileDigest(sha256=sha256, bytes=size)
            for path in sorted(self.path.iterdir())
            for sha256, size in [file_digest(path)]
        }
        manifest = Manifest(kind=kind, files=files, inputs=dict(inputs), libraries=dict(libraries))
        publish_file(self.path / MANIFEST, manifest.canonical().encode())
        final = self.parent / (name or manifest.digest()[:16])
        if not publish_folder(self.path, final) and _keeps(final, manifest):
            return StoredFolder(final, manifest)
        if self.path.exists():
            set_aside(final)
            publish_folder(self.path, final)
        return StoredFolder(final, manifest)


@contextmanager
def drafting(parent: Path) -> Iterator[Draft]:
    """A draft that is removed on the way out unless it was published.

    Whoever writes into it, and however a library words it: where the disk refuses, StoreWriteError.
    """
    path = new_draft(parent)
    try:
        with refusals_told(path):
            yield Draft(path, parent)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def open_folder(path: Path, *, remedy: str = RESTORE) -> StoredFolder:
    """The published folder at this path; raises NotStored or CorruptError."""
    try:
        text = read_regular(path / MANIFEST)
    except NotStored as error:
        raise NotStored(f"{error}: {remedy}") from error
    try:
        manifest = Manifest.parse(text)
    except ValidationError as error:
        raise CorruptError(f"{path / MANIFEST} can't be read: {remedy}") from error
    if manifest.canonical().encode() != text:
        raise CorruptError(f"{path / MANIFEST} was edited: {remedy}")
    return StoredFolder(path, manifest, remedy)


def bytes_digest(content: bytes) -> str:
    """The sha256 of some bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def _keeps(path: Path, manifest: Manifest) -> bool:
    """Whether what is published there is whole and the same; a damaged folder may be replaced."""
    try:
        stored = open_folder(path)
    except (CorruptError, NotStored):
        return False
    if stored.manifest.files != manifest.files:
        raise CorruptError(
            f"{path} exists and holds other bytes than this step made from the same inputs: "
            "a file was replaced, or a library is not deterministic"
        )
    return not any(True for _ in stored.problems())
