"""This refresh's candidates as a library of models that an ensemble may mix."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model_refresh.algorithms.version import load_version
from model_refresh.ensembling import Library
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Candidate, Dataset, Member
from model_refresh.refresh.predictions import read_predictions
from model_refresh.refresh.proposal import Dropped
from model_refresh.refresh.rows import load_frame
from model_refresh.storage import ModelStore

_TIMED_ROWS = 50
_SEPARATOR = " "


@dataclass(frozen=True)
class Candidates:
    """The candidates that may be mixed, and what they predicted of the folds, oldest first.

    A model has the candidate's name; `NAME n` is that candidate's trial n. The trials of a blend
    are left out: a selection on the same folds would only undo the blend.
    """

    able: Mapping[str, Candidate]
    library: Library

    def candidate(self, model: str) -> Candidate:
        """The candidate that a model of the library belongs to."""
        return self.able[model.split(_SEPARATOR)[0]]

    def size(self, model: str) -> int:
        """How many fits a model is the mean of."""
        recipe = self.candidate(model).recipe
        return max(1, len(recipe.members)) if recipe is not None else 1

    def member(self, model: str, weight: float) -> tuple[Member, str | None]:
        """A member, and the version that it is fitted as already: the candidate itself is."""
        found, place = self.candidate(model), int(model.partition(_SEPARATOR)[2] or 0)
        if found.recipe is None:
            raise TypeError(f"candidate {found.name} has no recipe")
        plain: dict[str, object] = {"calibration": "none", "calibrator": None}
        if place == 0:
            recipe = found.recipe.model_copy(update=plain)
            return Member(recipe=recipe, weight=weight), found.version
        trial = plain | {"parameters": found.kept[place - 1], "members": ()}
        return Member(recipe=found.recipe.model_copy(update=trial), weight=weight), None


def read_candidates(
    store: ModelStore, dataset: Dataset, others: Sequence[Candidate], *, timed: bool
) -> Candidates:
    """Those of the others that were fitted; with `timed`, what scoring a row takes each.

    Raises Dropped where there are none.
    """
    able = {each.name: each for each in others if each.predictions and each.kept and each.recipe}
    if not able:
        raise Dropped("no other candidate was fitted on validation folds")
    predicted = {
        name: read_predictions(store, each.predictions or "") for name, each in able.items()
    }
    places = [(name, place) for name, each in able.items() for place in range(_models(each))]
    targets = next(iter(predicted.values())).targets
    folds = range(len(targets) - 1, -1, -1)
    library = Library(
        names=tuple(f"{name}{_SEPARATOR}{place}" if place else name for name, place in places),
        predictions=tuple(
            np.stack([predicted[name].models[place][fold] for name, place in places])
            for fold in folds
        ),
        targets=tuple(targets[fold] for fold in folds),
        cost=_costs(store, dataset, [able[name] for name, _ in places]) if timed else None,
    )
    return Candidates(able, library)


def _models(candidate: Candidate) -> int:
    """How many of a candidate's predictions may be mixed."""
    blended = candidate.recipe is not None and bool(candidate.recipe.members)
    return 1 if blended else 1 + len(candidate.kept)


def _costs(store: ModelStore, dataset: Dataset, candidates: Sequence[Candidate]) -> Floats:
    """Milliseconds for one row, shape (candidates,)."""
    taken = {each.name: _latency(store, dataset, each) for each in candidates}
    return np.array([taken[each.name] for each in candidates])


def _latency(store: ModelStore, dataset: Dataset, candidate: Candidate) -> float:
    """The median of one row at a time, after one that warms up, in milliseconds."""
    version = load_version(store, candidate.version or "")
    features = [column.name for column in version.recipe.features]
    rows = load_frame(store, dataset.current, features).head(_TIMED_ROWS)
    version.predict(rows.head(1))
    spent = []
    for number in range(rows.height):
        begun = time.perf_counter()
        version.predict(rows[number : number + 1])
        spent.append(time.perf_counter() - begun)
    return 1000.0 * statistics.median(spent)
