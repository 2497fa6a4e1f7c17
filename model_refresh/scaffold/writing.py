"""A model's folder appears whole, sound by itself before it does, and never replaces another."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from model_refresh.config.defaults import NONE, Defaults, FleetDefaults
from model_refresh.config.fleet import read_fleet
from model_refresh.config.folder import FILE, read_model
from model_refresh.config.queries import query_problems
from model_refresh.errors import ConfigError, StoreWriteError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def require_free(name: str, fleet: Path, *, environment: Mapping[str, str]) -> Path:
    """The folder of a new model, which isn't there yet. Raises ConfigError with what to do.

    A name is taken by a folder, and by a model that a folder declares with `for_each`.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            [
                f"{name!r} is no model's name; accepted: a small letter, then up to 62 small "
                "letters, digits and _"
            ]
        )
    if taken := sorted(fleet.rglob(f"{name}/{FILE}")):
        raise ConfigError([f"{taken[0]}: there is a model {name!r} already; give another name"])
    models, _ = read_fleet(fleet, environment=environment)
    if made := next((model for model in models if model.name == name), None):
        declared = made.folder / FILE
        raise ConfigError([f"{declared}: its for_each makes {name!r} already; give another name"])
    home = fleet / name
    if os.path.lexists(home):
        raise ConfigError([f"{home} exists and is never overwritten; give another name"])
    return home


def fleet_defaults(fleet: Path, *, environment: Mapping[str, str]) -> Defaults:
    """What a new model starts from. Raises ConfigError where the fleet's defaults.yaml is wrong."""
    defaults = FleetDefaults(fleet, environment).of(fleet)
    if not defaults.sound:
        raise ConfigError(list(defaults.problems))
    return defaults


def write_folder(
    home: Path,
    files: Mapping[str, str],
    *,
    defaults: Defaults = NONE,
    fill: Callable[[Path], object] | None = None,
) -> None:
    """Write a model's folder; `fill` puts data into it before it appears.

    Owners and schedule that `defaults` give are left to them.
    Raises ConfigError where the declaration wouldn't pass `check`, or the folder is there by now;
    StoreWriteError where the disk refuses. Nothing is left then.
    """
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".init-", dir=home.parent))
    except OSError as error:
        raise StoreWriteError(f"{home.parent} can't be written: {error.strerror}") from error
    try:
        draft = scratch / home.name
        draft.mkdir()
        for name, text in files.items():
            told = _inheriting(text, defaults) if name == FILE else text
            (draft / name).write_text(told, encoding="utf-8")
        _require_sound(draft, home, defaults=defaults)
        if fill is not None:
            fill(draft)
        if os.path.lexists(home):
            raise ConfigError([f"{home} exists by now and is never overwritten"])
        draft.rename(home)
    except OSError as error:
        raise StoreWriteError(f"{home} could not be written: {error.strerror}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _inheriting(text: str, defaults: Defaults) -> str:
    """A declaration without what a model would say against its defaults only because it is new."""
    schedule = defaults.value.get("schedule")
    is_given = {
        "owners": "owners" in defaults.value,
        "schedule": isinstance(schedule, dict) and "cron" in schedule,
    }
    for key in (key for key, given in is_given.items() if given):
        text = re.sub(rf"(?m)^{key}: .*$", f"# {key}: as defaults.yaml says", text)
    return text


def _require_sound(draft: Path, home: Path, *, defaults: Defaults) -> None:
    """What `check` asks of a folder."""
    reading = read_model(draft, environment=os.environ, defaults=defaults)
    problems = [*reading.shared, *reading.problems]
    problems += query_problems(reading.model) if reading.model else []
    if problems:
        raise ConfigError([line.replace(str(draft), str(home)) for line in problems])
