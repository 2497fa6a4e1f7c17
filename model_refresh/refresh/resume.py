"""Each step from what the store holds: how a scheduler runs them one at a time, or one alone."""

import datetime as dt

from model_refresh.config.ensemble import Ensemble
from model_refresh.config.model import Model
from model_refresh.config.training import AnyCandidate
from model_refresh.errors import NotStored, PromotionRefused
from model_refresh.progress import Tell, silent
from model_refresh.records import (
    Candidate,
    Challenger,
    Comparison,
    Dataset,
    Promotion,
    Verdict,
)
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import (
    promote,
    require_promotable,
    settled_promotion,
)
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.verdict import give_verdict
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp


def resume_candidate(  # noqa: PLR0913  (as fit_candidate)
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    candidate: AnyCandidate,
    *,
    wide: bool = False,
    on_progress: Tell = silent,
) -> Line[Candidate]:
    """Fit one candidate on the stored dataset; an ensemble needs the others to be there."""
    dataset = stored_dataset(model, store, as_of)
    others = []
    if isinstance(candidate, Ensemble):
        names = [each.algorithm for each in model.spec.training.in_order if each != candidate]
        others = [_stored_candidate(model, store, dataset, name) for name in names]
    return fit_candidate(
        model, store, dataset, candidate, others=others, wide=wide, on_progress=on_progress
    )


def resume_comparison(
    model: Model, store: ModelStore, as_of: dt.datetime
) -> tuple[Line[Comparison], list[Candidate]]:
    """Compare the stored candidates; all that are declared must be there."""
    dataset = stored_dataset(model, store, as_of)
    names = [each.algorithm for each in model.spec.training.in_order]
    candidates = [_stored_candidate(model, store, dataset, name) for name in names]
    return compare(model, store, dataset, candidates), candidates


def resume_verdict(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[Verdict]:
    """Judge the stored comparison."""
    return give_verdict(model, store, stored_comparison(model, store, as_of))


def resume_challenger(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[Challenger]:
    """Refit the challenger that the stored verdict lets pass."""
    verdict = stored_verdict(model, store, as_of)
    return refit_challenger(model, store, stored_dataset(model, store, as_of), verdict)


def resume_promotion(
    model: Model, store: ModelStore, as_of: dt.datetime | None
) -> tuple[Promotion, Comparison]:
    """Promote by what is stored; without as_of, the newest refresh that has a comparison.

    Raises PromotionRefused where anything is missing or doesn't hold; the log is not touched.
    """
    instant = as_of if as_of is not None else newest_compared(model, store)
    comparison = stored_comparison(model, store, instant)
    if (settled := settled_promotion(store, instant)) is not None:
        return _as_of_now(store, settled.record), comparison
    verdict = stored_verdict(model, store, instant)
    require_promotable(model, store, verdict)
    challenger = store.challengers(instant).last()
    if challenger is None:
        raise PromotionRefused(f"{_about(model, instant)}: run the step challenger first")
    promotion = promote(model, store, verdict, challenger.record).record
    return _as_of_now(store, promotion), comparison


def _as_of_now(store: ModelStore, promotion: Promotion) -> Promotion:
    """How a refresh ended, with who is in production now where that has changed since."""
    newest = store.champion.last()
    if newest is None or newest.number == promotion.entry:
        return promotion
    since = f"{promotion.sentence}; since then a {newest.record.kind}: {newest.record.reason}"
    changes = {"entry": newest.number, "champion": newest.record.version, "sentence": since}
    return promotion.model_copy(update=changes)


def stored_dataset(model: Model, store: ModelStore, as_of: dt.datetime) -> Dataset:
    """The newest dataset of a refresh; raises NotStored."""
    line = store.datasets(as_of).last()
    if line is None:
        raise NotStored(f"{_about(model, as_of)}: there is no dataset; run the step dataset first")
    if line.record.definition != model.definition.digest():
        raise NotStored(
            f"{_about(model, as_of)}: the model's SQL or label changed since the dataset was "
            "built; run the step dataset again"
        )
    return line.record


def _stored_candidate(model: Model, store: ModelStore, dataset: Dataset, name: str) -> Candidate:
    line = store.candidates(dataset.as_of, name).last()
    if line is None or line.record.dataset != dataset.digest():
        raise NotStored(
            f"{_about(model, dataset.as_of)}: candidate {name} was not fitted on the "
            "stored dataset; run that step first"
        )
    return line.record


def stored_comparison(model: Model, store: ModelStore, as_of: dt.datetime) -> Comparison:
    """The newest comparison of a refresh; raises NotStored."""
    line = store.comparisons(as_of).last()
    if line is None:
        raise NotStored(f"{_about(model, as_of)}: nothing was compared; run comparison first")
    return line.record


def stored_verdict(model: Model, store: ModelStore, as_of: dt.datetime) -> Verdict:
    """The verdict on the newest comparison; raises PromotionRefused where it was not judged."""
    comparison = stored_comparison(model, store, as_of)
    line = store.verdicts(as_of).last()
    if line is None or line.record.comparison != comparison.digest():
        raise PromotionRefused(
            f"{_about(model, as_of)}: the newest comparison was not judged; "
            "run comparison with its check promotion_gate"
        )
    return line.record


def newest_compared(model: Model, store: ModelStore) -> dt.datetime:
    """The newest refresh that has a comparison; raises NotStored."""
    for as_of in reversed(store.refreshed()):
        if store.comparisons(as_of).last() is not None:
            return as_of
    raise NotStored(f"{model.name}: no refresh has been compared yet; run one first")


def _about(model: Model, as_of: dt.datetime) -> str:
    return f"{model.name}, refresh of {stamp(as_of)}"
