"""A version: a fitted, immutable artifact that carries all that scoring needs."""

from dataclasses import dataclass
from importlib.metadata import version as installed_version

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.card import CARD, CardText, card
from model_refresh.algorithms.protocol import Fitted
from model_refresh.errors import FitError
from model_refresh.features import Encoder
from model_refresh.records import Lineage, Recipe
from model_refresh.storage import ModelStore, StoredFolder
from model_refresh.storage.folder import drafting

_LIBRARIES = ("lightgbm", "numpy", "polars")


@dataclass(frozen=True)
class Version:
    """A version in memory, verified; `name` is the first 16 digits of `artifact`."""

    name: str
    artifact: str
    recipe: Recipe
    lineage: Lineage
    encoder: Encoder
    fitted: Fitted

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value, of each row; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        return self.fitted.predict(self.encoder.transform(rows))


def publish_version(  # noqa: PLR0913  (what a version is made of)
    store: ModelStore,
    recipe: Recipe,
    lineage: Lineage,
    *,
    encoder: Encoder,
    fitted: Fitted,
    about: CardText = CardText(),  # noqa: B008  (a frozen value)
) -> StoredFolder:
    """Store a fitted version under the name of its own digest: the same bytes, the same name.

    Its model card says what people declared (`about`) and what it is made of.
    """
    with drafting(store.versions_folder) as draft:
        (draft.path / "recipe.json").write_text(recipe.canonical())
        (draft.path / "lineage.json").write_text(lineage.canonical())
        (draft.path / "encoder.json").write_text(encoder.canonical())
        (draft.path / CARD).write_text(card(recipe, lineage, about))
        fitted.save(draft.path)
        return draft.publish(
            kind="version",
            inputs={"recipe": recipe.digest(), "lineage": lineage.digest()},
            libraries={name: installed_version(name) for name in _LIBRARIES},
        )


def read_recipe(stored: StoredFolder) -> Recipe:
    """The recipe of a stored version."""
    return Recipe.parse(stored.read("recipe.json"))


def read_lineage(stored: StoredFolder) -> Lineage:
    """The lineage of a stored version."""
    return Lineage.parse(stored.read("lineage.json"))


def load_version(store: ModelStore, name: str) -> Version:
    """Read a version, every file verified before it is parsed.

    Raises NotStored where it is missing, CorruptError where its bytes differ.
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
        encoder=Encoder.parse(stored.read("encoder.json")),
        fitted=rebuild(recipe.algorithm, recipe.options).load(stored.path),
    )


def require_same_predictions(version: Version, rows: pl.DataFrame, expected: Fitted) -> None:
    """Raise FitError unless the stored version predicts what was fitted, to the bit."""
    before = expected.predict(version.encoder.transform(rows))
    if not np.array_equal(version.predict(rows), before):
        raise FitError(
            f"version {version.name} predicts other values after it was stored and read again; "
            f"{version.recipe.algorithm} doesn't survive its own file format"
        )
