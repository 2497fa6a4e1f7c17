"""Who stands beside the champion as it serves: the newest challenger that is not in production."""

from model_refresh.records import Entry
from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.storage import ModelStore


def find_shadow(store: ModelStore, champion: Entry) -> str | None:
    """The version that the newest refresh brought forth; None where it is the champion itself.

    The refitted challenger where there is one, such as one that waits for approval or was rolled
    back; else the trial twin that the gates retained.
    """
    for as_of in reversed(store.refreshed()):
        comparison = store.comparisons(as_of).last()
        if comparison is None:
            continue
        challenger = store.challengers(as_of).last()
        version = challenger and challenger.record.version
        found = version or comparison.record.trial
        return None if found in {champion.version, champion.trial} else found
    return None


def require_same_row(shadow: Formula, champion: Formula) -> None:
    """Raise ScorerError unless a row that the champion takes has all that the shadow needs."""
    given = {each.name: each.type for each in champion.inputs if each.used}
    lacking = [
        each.name for each in shadow.inputs if each.used and given.get(each.name) != each.type
    ]
    if lacking:
        raise ScorerError(
            f"version {shadow.version} needs {', '.join(lacking)}, which the champion's rows don't "
            "have: it can't score beside it"
        )
