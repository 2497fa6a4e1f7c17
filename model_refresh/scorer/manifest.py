"""The manifest of a generated folder: the digest of every file, as it was tested."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from model_refresh.scorer.formula.errors import ScorerError

MANIFEST = "manifest.json"


class Damaged(ScorerError):
    """A file is not the one that was tested; the text names it."""


class Manifest(Struct, frozen=True):
    """`files`: by path below the folder, with `/`, the sha256 of its bytes in hex."""

    files: dict[str, str]


def is_served(name: str) -> bool:
    """Whether a file takes part in serving; the others, such as a workflow, people may edit."""
    return name.startswith("scorer/") or ("/" not in name and name.endswith(".json"))


def verify_folder(folder: Path) -> None:
    """Raise Damaged where a file that is served is missing or has other bytes."""
    remedy = "unpack the scorer anew"
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{folder / MANIFEST} can't be read: {error}: {remedy}") from error
    for name, digest in manifest.files.items():
        path = folder / name
        if not is_served(name):
            continue
        if not path.is_file():
            raise Damaged(f"{path} is missing: {remedy}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Damaged(f"{path} is not the file that was tested: {remedy}")
