"""What a scorer says about itself at /health, /ready and /model."""

import platform
from importlib import metadata

from msgspec import UNSET, Struct, UnsetType

from model_refresh.scorer.formula.formula import Input, Task
from model_refresh.scorer.http.settings import Settings

_LIBRARIES = ("httptools", "msgspec", "starlette", "uvicorn", "uvloop")


class Health(Struct, frozen=True):
    """The process lives."""

    status: str = "alive"


class NextVersion(Struct, frozen=True):
    """A newer version that could not take over, and why; None where it can't be told which."""

    version: str | None
    problem: str


class Ready(Struct, frozen=True):
    """A verified version answers; `furthest`: how far off the worst golden row was."""

    version: str
    golden_rows: int
    furthest: float
    status: str = "ready"
    next: NextVersion | UnsetType = UNSET


class ShadowFacts(Struct, frozen=True):
    """The version that scores beside the champion, or why there is none."""

    version: str | None = None
    problem: str | None = None


class ModelFacts(Struct, frozen=True):
    """Who answers, and what it takes; `since`: from when on it is the champion, if known."""

    model: str
    version: str
    digest: str
    since: str | None
    task: Task
    classes: tuple[str, ...]
    inputs: tuple[Input, ...]
    settings: Settings
    golden_rows: int
    furthest: float
    libraries: dict[str, str]
    shadow: ShadowFacts
    next: NextVersion | UnsetType = UNSET


def libraries() -> dict[str, str]:
    """What runs here, with versions."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
