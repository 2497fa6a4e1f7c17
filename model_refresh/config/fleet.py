"""From the fleet folder to models: every folder below it that has a model.yaml."""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_refresh.config.defaults import FILE as DEFAULTS
from model_refresh.config.defaults import FleetDefaults
from model_refresh.config.folder import FILE, read_model
from model_refresh.config.model import Model
from model_refresh.errors import ConfigError

_SHOWN = 12
"""So many names are told where none of them was meant."""


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
    found = _look(folder)
    defaults = FleetDefaults(folder, environment)
    reader = _Reader(defaults, environment)
    if only is not None:
        return reader.one(only, found.homes, folder)
    reader.problems = found.problems
    for place in found.defaults:
        defaults.of(place)  # also where no model is below: it is wrong before the first one is
    for home in found.homes:
        reader.read(home)
    return reader.found()


class _Reader:
    """Reads folders one by one; keeps what it found, by a model's name."""

    def __init__(self, defaults: FleetDefaults, environment: Mapping[str, str]) -> None:
        self._defaults, self._environment = defaults, environment
        self._models: dict[str, Model] = {}
        self._shared: dict[str, list[str]] = {}
        self.problems: list[str] = []

    def read(self, home: Path) -> None:
        """Read one folder; nothing where its defaults are wrong, which is told once."""
        defaults = self._defaults.of(home)
        if not defaults.sound:
            return
        reading = read_model(home, environment=self._environment, defaults=defaults)
        self.problems.extend(reading.problems)
        for line in reading.shared:
            self._shared.setdefault(line, []).append(home.name)
        for model in reading.models:
            if (first := self._models.get(model.name)) is not None:
                self.problems.append(
                    f"{home / FILE}:1:1 {model.name} is declared in {first.folder} already"
                )
            self._models.setdefault(model.name, model)

    def one(self, name: str, homes: list[Path], fleet: Path) -> tuple[list[Model], list[str]]:
        """The model of one name: a folder's, or one of those that a folder declares for each."""
        exact = [home for home in homes if home.name == name]
        for home in exact:
            self.read(home)
        if not exact or not (self.problems or name in self._models):
            for home in (each for each in homes if name.startswith(f"{each.name}_")):
                self.read(home)
            if name in self._models:
                return [self._models[name]], []  # what is wrong with its namesakes is not asked
        models, problems = self.found()
        named = [model for model in models if model.name == name]
        if named or problems:
            return named, problems
        if exact and models:
            return [], [f"{exact[0] / FILE}: {_many(name, [model.name for model in models])}"]
        return [], [f"{fleet}: {_unknown(name, self._names(homes))}"]

    def _names(self, homes: list[Path]) -> list[str]:
        """The names of all models; of a folder that can't be read its own."""
        for home in homes:
            self.read(home)
        read = {model.folder for model in self._models.values()}
        return [*self._models, *(home.name for home in homes if home.resolve() not in read)]

    def found(self) -> tuple[list[Model], list[str]]:
        """All models by name, and all problems: those of defaults.yaml first."""
        told = [f"{line} ({_whose(names)})" for line, names in self._shared.items()]
        models = [self._models[name] for name in sorted(self._models)]
        return models, [*self._defaults.problems, *told, *self.problems]


def _whose(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} models, {names[0]} among them"


@dataclass(frozen=True)
class _Found:
    """The folders with a model.yaml and with a defaults.yaml, sorted; links that lead out."""

    homes: list[Path]
    defaults: list[Path]
    problems: list[str]


def _look(folder: Path) -> _Found:
    homes, defaults, problems = [], [], []
    for place, below, files in os.walk(folder):
        here = Path(place)
        below[:] = sorted(name for name in below if not name.startswith("."))
        if FILE in files:
            homes.append(here)
        if DEFAULTS in files:
            defaults.append(here)
        for link in _links(here, below):
            if (link / FILE).exists() and not link.resolve().is_relative_to(folder.resolve()):
                problems.append(f"{link / FILE}:1:1 {link} is a link that leaves the fleet folder")
    return _Found(sorted(homes), sorted(defaults), problems)


def _links(here: Path, names: list[str]) -> Iterator[Path]:
    return (here / name for name in names if (here / name).is_symlink())


def _unknown(name: str, known: Sequence[str]) -> str:
    names = sorted({*known} - {name})
    near = difflib.get_close_matches(name, names, n=1)
    meant = f", did you mean {near[0]!r}?" if near else ""
    return f"there is no model {name!r}{meant}; there are {_listed(names) or 'none'}"


def _many(folder: str, names: Sequence[str]) -> str:
    return f"{folder!r} declares {_listed(names)} by for_each: name one of them"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
