"""From the fleet folder to models: every folder below it that has a model.yaml."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from model_refresh.config.folder import FILE, read_model
from model_refresh.config.model import Model
from model_refresh.errors import ConfigError


def load_fleet(
    folder: Path, *, environment: Mapping[str, str], only: str | None = None
) -> tuple[Model, ...]:
    """Every model of a fleet by name, or the one named `only`.

    Raises one ConfigError with every problem of every model, `file:line:column message` each.
    """
    models, problems = read_fleet(folder, environment=environment, only=only)
    if problems:
        raise ConfigError(problems)
    return tuple(models)


def read_fleet(
    folder: Path, *, environment: Mapping[str, str], only: str | None = None
) -> tuple[list[Model], list[str]]:
    """The models that can be read, by name, and the problems of those that can't."""
    if not folder.is_dir():
        return [], [f"{folder}: there is no such folder; it should hold a folder for each model"]
    homes, problems = _homes(folder)
    if only is not None:
        named = [home for home in homes if home.name == only]
        if not named:
            return [], [f"{folder}: {_unknown(only, homes)}"]
        homes, problems = named, []
    models: dict[str, Model] = {}
    for home in homes:
        reading = read_model(home, environment=environment)
        problems.extend(reading.problems)
        if reading.model is None:
            continue
        if (first := models.get(home.name)) is not None:
            problems.append(f"{home / FILE}:1:1 {home.name} is declared in {first.folder} already")
        models.setdefault(home.name, reading.model)
    return [models[name] for name in sorted(models)], problems


def _homes(folder: Path) -> tuple[list[Path], list[str]]:
    """The folders that have a model.yaml, sorted, and the links that lead out of the fleet."""
    homes, problems = [], []
    for place, below, files in os.walk(folder):
        here = Path(place)
        below[:] = sorted(name for name in below if not name.startswith("."))
        if FILE in files:
            homes.append(here)
        for link in _links(here, below):
            if (link / FILE).exists() and not link.resolve().is_relative_to(folder.resolve()):
                problems.append(f"{link / FILE}:1:1 {link} is a link that leaves the fleet folder")
    return sorted(homes), problems


def _links(here: Path, names: list[str]) -> Iterator[Path]:
    return (here / name for name in names if (here / name).is_symlink())


def _unknown(name: str, homes: list[Path]) -> str:
    known = sorted(home.name for home in homes)
    near = difflib.get_close_matches(name, known, n=1)
    meant = f", did you mean {near[0]!r}?" if near else ""
    return f"there is no model {name!r}{meant}; there are {', '.join(known) or 'none'}"
