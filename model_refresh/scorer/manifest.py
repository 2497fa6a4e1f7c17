"""The manifest of a generated folder: the digest of every file, as it was tested."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from model_refresh.scorer.formula.errors import ScorerError

MANIFEST = "manifest.json"
FORMULA, GOLDEN, SETTINGS = "formula.json", "golden.json", "settings.json"

_PROGRAM = "scorer"
_DEMANDED = (FORMULA, GOLDEN, SETTINGS, f"{_PROGRAM}/__main__.py", f"{_PROGRAM}/manifest.py")
_CACHE = "__pycache__"
_REMEDY = "unpack the scorer anew"


class Damaged(ScorerError):
    """A file is not the one that was tested; the text names it."""


class Manifest(Struct, frozen=True):
    """`files`: by path below the folder, with `/`, the sha256 of its bytes in hex."""

    files: dict[str, str]


def is_served(name: str) -> bool:
    """Whether a file takes part in serving; the others, such as a workflow, people may edit."""
    return name.startswith(f"{_PROGRAM}/") or ("/" not in name and name.endswith(".json"))


def verify_folder(folder: Path) -> dict[str, bytes]:
    """By name the bytes of each file that is served, read once.

    Raises Damaged where one is missing or has other bytes, where the manifest lacks one that a
    scorer needs, and where the program has a file that the manifest lacks.
    """
    listed = _listed(folder / MANIFEST)
    for name in _DEMANDED:
        if name not in listed:
            raise Damaged(f"{folder / MANIFEST} doesn't list {name}: {_REMEDY}")
    for path in sorted((folder / _PROGRAM).rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and name not in listed and path.parent.name != _CACHE:
            raise Damaged(f"{path} is no file of the scorer that was tested: {_REMEDY}")
    served = {name: digest for name, digest in listed.items() if is_served(name)}
    return {name: _verified(folder / name, digest) for name, digest in served.items()}


def _listed(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest).files
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{path} can't be read: {error}: {_REMEDY}") from error


def _verified(path: Path, digest: str) -> bytes:
    if not path.is_file():
        raise Damaged(f"{path} is missing: {_REMEDY}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise Damaged(f"{path} is not the file that was tested: {_REMEDY}")
    return data
