"""What a report tells of, read from the store; what is gone is told as gone."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from model_refresh.algorithms.version import read_lineage, read_recipe
from model_refresh.config.model import Model
from model_refresh.errors import CorruptError, ModelRefreshError, NotStored
from model_refresh.metrics.catalogue import in_order
from model_refresh.records import (
    Candidate,
    Comparison,
    Dataset,
    Entry,
    Lineage,
    Recipe,
    Verdict,
)
from model_refresh.report.importances import importances
from model_refresh.storage import ModelStore


@dataclass(frozen=True)
class Held:
    """A stored version: what it was made from, and what it leans on."""

    name: str
    recipe: Recipe
    lineage: Lineage
    importances: dict[str, float] | None = None


@dataclass(frozen=True)
class Facts:
    """A verdict with all that it rests on; None where it is no longer, or never was, in the store.

    `challenger` and `incumbent` are trial twins: the versions that were judged. `entry` is the
    incumbent's line of the champion log, `gone` says which versions can't be read and why.
    """

    model: Model
    verdict: Verdict
    comparison: Comparison
    dataset: Dataset | None = None
    candidates: tuple[Candidate, ...] = ()
    challenger: Held | None = None
    incumbent: Held | None = None
    entry: Entry | None = None
    gone: tuple[str, ...] = ()

    def label(self, name: str) -> str:
        """A metric as it is said in a sentence; its name where there is no such metric now."""
        try:
            return self.model.metric(name).label
        except ModelRefreshError:
            return name

    def gain(self, name: str, new: float, old: float) -> float:
        """How much better a metric's new value is; NaN where there is no such metric now."""
        try:
            return self.model.metric(name).gain(new, old)
        except ModelRefreshError:
            return math.nan

    def ordered(self, names: Iterable[str]) -> list[str]:
        """Metrics in the order of a page: the one that decides, then by family."""
        return in_order(names, first=self.comparison.primary)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass task, in order, as the challenger learned them."""
        return self.challenger.lineage.definition.label.classes if self.challenger else ()

    @property
    def sides(self) -> tuple[str, ...]:
        """Who was compared with the constant."""
        met = self.comparison.incumbent
        known = met is not None and met.incomparable is None
        return ("challenger", "incumbent") if known else ("challenger",)


def gather(model: Model, store: ModelStore, verdict: Verdict) -> Facts:
    """All that a verdict rests on.

    Raises NotStored where the comparison that it judged is gone: there is nothing to report.
    """
    as_of = verdict.as_of
    judged = store.comparisons(as_of).holding(verdict.comparison)
    if judged is None:
        raise NotStored(
            f"{store.name}: the comparison {verdict.comparison[:16]} that the verdict judged is "
            "missing from the store: restore it from a backup"
        )
    comparison, gone = judged.record, list[str]()
    dataset = store.datasets(as_of).holding(verdict.dataset)
    met = comparison.incumbent
    return Facts(
        model=model,
        verdict=verdict,
        comparison=comparison,
        dataset=dataset.record if dataset else None,
        candidates=_candidates(store, comparison),
        challenger=_held(store, comparison.trial, gone),
        incumbent=_held(store, met.trial if met else None, gone),
        entry=_entry(store, comparison),
        gone=tuple(gone),
    )


def _candidates(store: ModelStore, comparison: Comparison) -> tuple[Candidate, ...]:
    """Those that were compared, in the order of the comparison."""
    folder = store.datasets(comparison.as_of).folder.parent
    names = sorted(path.name for path in folder.glob("candidate_*"))
    found: dict[str, Candidate] = {}
    for name in names:
        log = store.candidates(comparison.as_of, name.removeprefix("candidate_"))
        found |= {line.record.digest(): line.record for line in log.lines()}
    return tuple(found[digest] for digest in comparison.candidates if digest in found)


def _held(store: ModelStore, name: str | None, gone: list[str]) -> Held | None:
    if name is None:
        return None
    try:
        stored = store.version(name)
        recipe = read_recipe(stored)
        return Held(name, recipe, read_lineage(stored), importances(stored, recipe))
    except (CorruptError, NotStored) as error:
        gone.append(str(error).replace(str(store.root), store.name))
        return None


def _entry(store: ModelStore, comparison: Comparison) -> Entry | None:
    met = comparison.incumbent
    if met is None:
        return None
    try:
        line = store.champion.line(met.entry)
    except (CorruptError, NotStored):
        return None
    return line.record if line.record.digest() == met.entry_digest else None
