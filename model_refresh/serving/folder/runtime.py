"""The modules that go into every generated folder: the runtime as `scorer`, its suite as `tests`.

They are the ones that are typed, linted and tested here; only the lines that import them change.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

import model_refresh.scorer
import model_refresh.serving.folder.suite

RUNTIME, SUITE = "scorer", "tests"
SINGLE_FILE_TEST = f"{SUITE}/test_single_file.py"

_HOMES = {
    RUNTIME: Path(model_refresh.scorer.__file__).parent,
    SUITE: Path(model_refresh.serving.folder.suite.__file__).parent,
}
_IMPORT = re.compile(
    r"^(\s*(?:from|import) )model_refresh\.(scorer|serving\.folder\.suite)(?=[.\s])", re.MULTILINE
)
_NAMES = {"scorer": RUNTIME, "serving.folder.suite": SUITE}
_SUFFIXES = {".py", ".c", ".h"}
_MAKE = {*_SUFFIXES, ".j2"}


def copied_files() -> dict[str, bytes]:
    """By path below a generated folder, the bytes of each module of runtime and suite."""
    return {
        f"{name}/{path.relative_to(home).as_posix()}": _rewritten(path)
        for name, home in _HOMES.items()
        for path in sorted(home.rglob("*"))
        if path.suffix in _SUFFIXES
    }


def _rewritten(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    text = path.read_text(encoding="utf-8")
    return _IMPORT.sub(lambda found: found[1] + _NAMES[found[2]], text).encode()


@cache
def code_of_scorers() -> str:
    """The sha256 of all that makes a folder of a formula: runtime, suite, templates, emitter."""
    digest = hashlib.sha256()
    for home in (_HOMES[RUNTIME], Path(__file__).parent):
        for path in sorted(each for each in home.rglob("*") if each.suffix in _MAKE):
            digest.update(path.relative_to(home).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()
