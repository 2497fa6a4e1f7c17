"""Which scorer of a version is stored, and what became of its tests."""

from model_refresh.records import Conformance, Scorer
from model_refresh.storage import ModelStore


def newest_scorer(store: ModelStore, version: str) -> Scorer | None:
    """The scorer of this version that was generated last; None where none was."""
    for as_of in reversed(store.refreshed()):
        for line in reversed(store.scorers(as_of).lines()):
            if line.record.version == version:
                return line.record
    return None


def newest_conformance(store: ModelStore, scorer: Scorer) -> Conformance | None:
    """What became of its tests the last time; None where it was not tested."""
    lines = reversed(store.conformances(scorer.as_of).lines())
    bound = scorer.digest()
    return next((line.record for line in lines if line.record.scorer == bound), None)
