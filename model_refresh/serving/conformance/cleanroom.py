"""A place where a generated folder is tested: it has nothing but what its requirements pin.

No network, no index, no user: a fresh virtual environment whose packages are links to the pinned
ones that are installed here. Neither model_refresh nor what else is installed can be imported.
"""

import contextlib
import re
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from model_refresh.serving.conformance import guard
from model_refresh.serving.folder.archive import write_files

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")
_PATH = "/usr/local/bin:/usr/bin:/bin"


class Unpinned(Exception):
    """A requirement that can't be met here; the text says which and why."""


@dataclass(frozen=True)
class Room:
    """An unpacked folder, and the variables that its programs are run with."""

    place: Path
    folder: Path
    variables: Mapping[str, str]

    def python(self, requirements: str) -> str:
        """A Python that has the packages of this file of the folder, and no other.

        Raises Unpinned where a line is no pin, or another version is installed here.
        """
        environment = self.place / requirements
        if not environment.exists():
            text = (self.folder / requirements).read_text(encoding="utf-8", errors="replace")
            pinned = read_pins(text)
            venv.EnvBuilder(symlinks=True).create(environment)
            (site,) = environment.glob("lib/python*/site-packages")
            for each in pinned:
                _link(each, site)
            (site / f"{guard.NAME}.py").write_bytes(Path(guard.__file__).read_bytes())
            (site / f"{guard.NAME}.pth").write_text(f"import {guard.NAME}\n")
        return str(environment / "bin" / "python")


@contextlib.contextmanager
def clean_room(files: Mapping[str, bytes]) -> Iterator[Room]:
    """The files unpacked in a folder of their own, which is gone on the way out."""
    with TemporaryDirectory(prefix="scorer-") as name:
        place = Path(name)
        folder, home = place / "folder", place / "home"
        write_files(files, folder)
        home.mkdir(mode=0o700)
        yield Room(place, folder, _variables(home))


def read_pins(text: str) -> list[Distribution]:
    """The installed packages that a requirements file pins; raises Unpinned."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [_installed(line) for line in lines if line]


def _installed(line: str) -> Distribution:
    pin = _PIN.fullmatch(line)
    if pin is None:
        raise Unpinned(f"requirement {line!r} is no pin, such as msgspec==0.22.0")
    name, version = pin.groups()
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        raise Unpinned(f"requirement {line} is not installed here") from error
    if found.version != version:
        raise Unpinned(f"requirement {line}: {found.version} is installed here, and was tested")
    return found


def _link(installed: Distribution, site: Path) -> None:
    """What a package consists of at its own place, folders as a whole; its commands are left out.

    A folder that several packages may share is no package of its own: its files are linked.
    """
    for file in installed.files or []:
        if ".." in file.parts:
            continue
        home = Path(str(installed.locate_file(""))).resolve()
        top = file.parts[0]
        is_own = (home / top / "__init__.py").is_file() or top.endswith(".dist-info")
        link = site / (top if is_own else Path(*file.parts))
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(home / link.relative_to(site))


def _variables(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": _PATH,
        "PIP_NO_INDEX": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "TMPDIR": str(home),
    }
