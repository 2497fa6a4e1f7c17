"""The challenger step: the winner's recipe refitted through the newest known label.

Its trial twin was judged; the final twin is what production would use. Both must agree on the
frame that is to be scored.
"""

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.version import Version, load_version
from model_refresh.config.model import Model
from model_refresh.metrics import metric
from model_refresh.records import Challenger, CheckResult, Dataset, Lineage, Verdict
from model_refresh.refresh.candidates import run_fit, twin_lineage
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.rows import feature_names, load_frame
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest

TWIN_AGREEMENT = "twin_agreement"
_LEAST_CORRELATION = 0.8


def refit_challenger(
    model: Model, store: ModelStore, dataset: Dataset, verdict: Verdict
) -> Line[Challenger]:
    """The final twin of a challenger that passed its gates; without a version where it didn't.

    Raises FitError where the refit fails.
    """
    log = store.challengers(dataset.as_of)
    key = bytes_digest(f"{verdict.digest()} {model.spec.training.refit}".encode())
    if (line := log.recall(key)) is not None:
        return line
    about = Challenger(as_of=dataset.as_of, verdict=verdict.digest())
    comparison = store.comparisons(dataset.as_of).holding(verdict.comparison)
    if verdict.decision != "promote" or comparison is None or comparison.record.trial is None:
        return log.record_once(about, key=key)
    trial = load_version(store, comparison.record.trial)
    final, cost = trial, None
    if model.spec.training.refit:
        result, cost = run_fit(model, store, _refit_job(model, store, dataset, trial))
        final = load_version(store, result.version)
    challenger = about.model_copy(
        update={
            "trial": trial.name,
            "version": final.name,
            "artifact": final.artifact,
            "trial_lineage": trial.lineage,
            "checks": (_agreement_on_current(store, dataset, trial, final),),
        }
    )
    return log.record_once(challenger, key=key, cost=cost)


def twin_agreement(trial: NDArray[np.float64], final: NDArray[np.float64]) -> CheckResult:
    """Whether both twins rank the rows of one frame alike; their mean's shift is reported.

    Spearman's rank correlation of at least 0.8; a constant prediction has no ranks, and passes.
    """
    shift = float(np.mean(final) - np.mean(trial))
    moved = f"the mean moves by {shift:+.4g} from {np.mean(trial):.4g}"
    if np.ptp(trial) == 0 or np.ptp(final) == 0:
        return CheckResult(
            name=TWIN_AGREEMENT, outcome="passed", sentence=f"a constant has no ranks; {moved}"
        )
    correlation = metric("spearman").value(trial, final)
    agrees = correlation >= _LEAST_CORRELATION
    return CheckResult(
        name=TWIN_AGREEMENT,
        outcome="passed" if agrees else "failed",
        sentence=f"trial and final twin have rank correlation {correlation:.3f} "
        f"({'at least' if agrees else 'less than'} {_LEAST_CORRELATION}); {moved}",
    )


def _agreement_on_current(
    store: ModelStore, dataset: Dataset, trial: Version, final: Version
) -> CheckResult:
    table = load_frame(store, dataset.current, feature_names(trial.recipe.features))
    return twin_agreement(trial.predict(table), final.predict(table))


def _refit_job(model: Model, store: ModelStore, dataset: Dataset, trial: Version) -> FitJob:
    """The trial's recipe on the newest frames; stopping and choice used the older labels too."""
    frames = frames_of(dataset, dataset.plan.final)
    lineage: Lineage = twin_lineage(model, frames=frames, used=dataset.frames, twin="final")
    return FitJob(store=str(store.root.parent.resolve()), recipe=trial.recipe, lineage=lineage)
