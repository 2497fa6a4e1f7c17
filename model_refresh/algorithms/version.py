"""A version: a fitted, immutable artifact that carries all that scoring needs.

It holds a model of its own, or names other versions whose predictions it mixes; either way a
calibrator may follow.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version as installed_version

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.card import CARD, CardText, card
from model_refresh.algorithms.learned import (
    LEARNED,
    Learned,
    explained,
    explained_together,
    learned,
    mixed,
)
from model_refresh.algorithms.protocol import Fitted
from model_refresh.calibration import AnyCalibrator, read_calibrator
from model_refresh.errors import CorruptError, FitError
from model_refresh.features import Encoder
from model_refresh.records import Lineage, Recipe, Record
from model_refresh.storage import ModelStore, StoredFolder
from model_refresh.storage.folder import MEMBER, drafting

_LIBRARIES = ("lightgbm", "numpy", "polars")
_LEAST_CHANCE = 1e-15
_MEMBERS = "members.json"
_CALIBRATOR = "calibrator.json"


@dataclass(frozen=True)
class Single:
    """A fitted model with the encoder of the rows that it was fitted on."""

    encoder: Encoder
    fitted: Fitted

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """As `Version.raw`."""
        return self.fitted.predict(self.encoder.transform(rows))

    def learned(self) -> Learned | None:
        """What it leans on, by feature; None where it can't tell."""
        return learned(self.encoder, self.fitted)


@dataclass(frozen=True)
class Mixture:
    """Versions and their shares, which sum to 1, of a weighted mean of what they predict."""

    members: tuple[tuple["Version", float], ...]

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """As `Version.raw`; the members' own calibrators are not asked."""
        parts = [weight * version.raw(rows) for version, weight in self.members]
        return np.asarray(sum(parts[1:], start=parts[0]))

    def learned(self) -> Learned | None:
        """What its members lean on, by their shares; None where none can tell."""
        return mixed([(version.predictor.learned(), weight) for version, weight in self.members])


@dataclass(frozen=True)
class Version:
    """A version in memory, verified; `name` is the first 16 digits of `artifact`."""

    name: str
    artifact: str
    recipe: Recipe
    lineage: Lineage
    predictor: Single | Mixture
    calibrator: AnyCalibrator | None = None

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value, of each row; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        raw = self.raw(rows)
        return raw if self.calibrator is None else self.calibrator.apply(raw)

    def raw(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The same before the calibrator."""
        return self.predictor.predict(rows)

    def explain(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds to each row's prediction: one column a feature, and `base`.

        On the link scale, before the calibrator: log odds of class 1, or the value itself; a row's
        sum is its prediction there. The base's name gets underscores where a feature has it. Of a
        mixture it is the members' weighted mean, whose base also takes what the log odds of a mean
        differ from the mean of log odds. Raises FitError for a multiclass task, and an algorithm
        that can't tell.
        """
        if isinstance(self.predictor, Mixture):
            parts = [(version.explain(rows), weight) for version, weight in self.predictor.members]
            return explained_together(parts, self._on_link_scale(rows))
        encoder, fitted = self.predictor.encoder, self.predictor.fitted
        return explained(encoder, fitted, rows, by=self.recipe.algorithm)

    def _on_link_scale(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        raw = self.raw(rows)
        if self.lineage.definition.task == "regression":
            return raw
        chance = np.clip(raw, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
        return np.asarray(np.log(chance / (1 - chance)))


class _MemberFile(Record):
    version: str
    artifact: str
    weight: float


class _MemberFiles(Record):
    members: tuple[_MemberFile, ...]


def publish_version(  # noqa: PLR0913  (what a version is made of)
    store: ModelStore,
    recipe: Recipe,
    lineage: Lineage,
    *,
    predictor: Single | Mixture,
    calibrator: AnyCalibrator | None = None,
    about: CardText = CardText(),  # noqa: B008  (a frozen value)
) -> StoredFolder:
    """Store a fitted version under the name of its own digest: the same bytes, the same name.

    Its model card says what people declared (`about`) and what it is made of.
    """
    inputs = {"recipe": recipe.digest(), "lineage": lineage.digest()}
    with drafting(store.versions_folder) as draft:
        (draft.path / "recipe.json").write_text(recipe.canonical())
        (draft.path / "lineage.json").write_text(lineage.canonical())
        (draft.path / CARD).write_text(card(recipe, lineage, about))
        if (told := predictor.learned()) is not None:
            (draft.path / LEARNED).write_text(told.canonical())
        if calibrator is not None:
            (draft.path / _CALIBRATOR).write_text(calibrator.canonical())
        if isinstance(predictor, Mixture):
            files = _member_files(predictor)
            (draft.path / _MEMBERS).write_text(files.canonical())
            inputs |= {f"{MEMBER} {i}": each.artifact for i, each in enumerate(files.members)}
        else:
            (draft.path / "encoder.json").write_text(predictor.encoder.canonical())
            predictor.fitted.save(draft.path)
        return draft.publish(
            kind="version",
            inputs=inputs,
            libraries=_libraries(recipe, predictor),
        )


def _libraries(recipe: Recipe, predictor: Single | Mixture) -> dict[str, str]:
    """What computed the version, with versions; of a mixture's members, they say it themselves."""
    found = {name: installed_version(name) for name in _LIBRARIES}
    if isinstance(predictor, Mixture):
        return found
    library = rebuild(recipe.algorithm, recipe.options).library
    if library is not None:
        found[library.module] = str(import_module(library.module).__version__)
    return found


def read_learned(stored: StoredFolder) -> Learned | None:
    """What a stored version leans on; None where it wasn't stored, or it can't tell."""
    return Learned.parse(stored.read(LEARNED)) if LEARNED in stored.manifest.files else None


def _member_files(mixture: Mixture) -> _MemberFiles:
    return _MemberFiles(
        members=tuple(
            _MemberFile(version=version.name, artifact=version.artifact, weight=weight)
            for version, weight in mixture.members
        )
    )


def read_recipe(stored: StoredFolder) -> Recipe:
    """The recipe of a stored version."""
    return Recipe.parse(stored.read("recipe.json"))


def read_lineage(stored: StoredFolder) -> Lineage:
    """The lineage of a stored version."""
    return Lineage.parse(stored.read("lineage.json"))


def load_version(store: ModelStore, name: str) -> Version:
    """Read a version, every file verified before it is parsed, and the members of a mixture.

    Raises NotStored where one is missing, CorruptError where its bytes differ.
    """
    stored = store.version(name)
    for file in stored.manifest.files:
        stored.file(file)
    recipe = read_recipe(stored)
    return Version(
        name=name,
        artifact=stored.digest,
        recipe=recipe,
        lineage=read_lineage(stored),
        predictor=_mixture(store, stored) if recipe.members else _single(stored, recipe),
        calibrator=_calibrator(stored),
    )


def _single(stored: StoredFolder, recipe: Recipe) -> Single:
    return Single(
        encoder=Encoder.parse(stored.read("encoder.json")),
        fitted=rebuild(recipe.algorithm, recipe.options).load(stored.path),
    )


def _mixture(store: ModelStore, stored: StoredFolder) -> Mixture:
    found = []
    for member in _MemberFiles.parse(stored.read(_MEMBERS)).members:
        version = load_version(store, member.version)
        if version.artifact != member.artifact:
            raise CorruptError(
                f"{stored.path / _MEMBERS} mixes {member.version}, whose bytes are others now: "
                f"{stored.remedy}"
            )
        found.append((version, member.weight))
    return Mixture(tuple(found))


def _calibrator(stored: StoredFolder) -> AnyCalibrator | None:
    if _CALIBRATOR not in stored.manifest.files:
        return None
    return read_calibrator(stored.read(_CALIBRATOR))


def require_same_predictions(
    version: Version, rows: pl.DataFrame, expected: Single | Mixture
) -> None:
    """Raise FitError unless the stored version predicts what was fitted, to the bit."""
    if not np.array_equal(version.raw(rows), expected.predict(rows)):
        raise FitError(
            f"version {version.name} predicts other values after it was stored and read again; "
            f"{version.recipe.algorithm} doesn't survive its own file format"
        )
