"""What a generated folder installs: the whole closure of what it needs, as it is installed here.

A scorer that was tested with one version of a library runs with that version.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from model_refresh.errors import FitError

RUNTIME = ("httptools", "msgspec", "starlette", "uvicorn", "uvloop")
"""What `python -m scorer` imports."""
TESTS = (*RUNTIME, "pytest")
"""And what its suite does."""


def pins(needed: Iterable[str]) -> dict[str, str]:
    """By name the installed version of these distributions and of all that they need, sorted.

    Markers are read for this interpreter and this system. Raises FitError where one is missing.
    """
    found: dict[str, str] = {}
    waiting, seen = [*_asked(needed)], set[tuple[str, str]]()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) not in seen:
            seen.add((name, extra))
            installed = _installed(name)
            found[name] = installed.version
            waiting += _asked(installed.requires or [], extra)
    return dict(sorted(found.items()))


def requirements(pinned: Mapping[str, str], *, about: str) -> str:
    """The text of a requirements file; `about` is its first line."""
    lines = [f"{name}=={version}" for name, version in pinned.items()]
    return "\n".join([f"# {about}", *lines, ""])


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise FitError(
            f"a scorer needs {name}, which is not installed: pip install 'model_refresh[realtime]'"
        ) from error


def _asked(needed: Iterable[str], extra: str = "") -> Iterator[tuple[str, str]]:
    """Names of what these requirements ask for here, each with each of its extras; "": without."""
    for each in map(Requirement, needed):
        if each.marker is None or each.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(each.name), more) for more in ("", *each.extras))
