"""The challenger step: the winner's recipe refitted through the newest known label.

Its trial twin was judged; the final twin is what production would use. Both must agree on the
frame that is to be scored.
"""

from model_refresh.algorithms.version import Version, load_version
from model_refresh.config.model import Model
from model_refresh.errors import FitError
from model_refresh.gates.twin_agreement import TwinAgreement
from model_refresh.records import Challenger, CheckResult, Cost, Dataset, Verdict
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.fitting import Calibrate, FitJob, FitResult
from model_refresh.refresh.recalibration import RECALIBRATED, deployed_twin
from model_refresh.refresh.rows import feature_names, load_frame
from model_refresh.refresh.twins import card_text, place_of, run_fit, twin_lineage
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest


def refit_challenger(
    model: Model, store: ModelStore, dataset: Dataset, verdict: Verdict
) -> Line[Challenger]:
    """The final twin of a challenger that passed its gates; without a version where it didn't.

    Raises FitError where the refit fails.
    """
    log = store.challengers(dataset.as_of)
    asked = twin_gate(model).canonical()
    key = bytes_digest(f"{verdict.digest()} {model.spec.training.refit} {asked}".encode())
    if (line := log.recall(key)) is not None:
        return line
    about = Challenger(as_of=dataset.as_of, verdict=verdict.digest())
    comparison = store.comparisons(dataset.as_of).holding(verdict.comparison)
    if verdict.decision != "promote" or comparison is None or comparison.record.trial is None:
        return log.record_once(about, key=key)
    trial = load_version(store, comparison.record.trial)
    final, cost = trial, None
    if model.spec.training.refit:
        result, cost = _refitted(model, store, _refit_job(model, store, dataset, trial))
        final = load_version(store, result.version)
    challenger = about.model_copy(
        update={
            "trial": trial.name,
            "version": final.name,
            "artifact": final.artifact,
            "trial_lineage": trial.lineage,
            "checks": (_agreement_on_current(model, store, dataset, twins=(trial, final)),),
        }
    )
    return log.record_once(challenger, key=key, cost=cost)


def _refitted(model: Model, store: ModelStore, job: FitJob) -> tuple[FitResult, Cost]:
    """Run the refit; its error names it, and what limits it."""
    try:
        return run_fit(model, store, job)
    except FitError as error:
        raise FitError(
            f"the refit of the challenger, {job.recipe.algorithm}, {error}; what one fit may use "
            "is declared in training.limits"
        ) from error


def _agreement_on_current(
    model: Model, store: ModelStore, dataset: Dataset, *, twins: tuple[Version, Version]
) -> CheckResult:
    trial, final = twins
    table = load_frame(store, dataset.current, feature_names(trial.recipe.features))
    return twin_gate(model).judge_twins(trial.predict(table), final.predict(table))


def twin_gate(model: Model) -> TwinAgreement:
    """The declared gate, or the default one: twins are always asked."""
    declared = [gate for gate in model.spec.gates if isinstance(gate, TwinAgreement)]
    return declared[0] if declared else TwinAgreement()


def _refit_job(model: Model, store: ModelStore, dataset: Dataset, trial: Version) -> FitJob:
    """The trial's recipe on the newest frames; stopping and choice used the older labels too."""
    frames, ready = frames_of(dataset, dataset.plan.final), {}
    if trial.recipe.algorithm == RECALIBRATED:
        deployed = deployed_twin(store, trial)
        frames, ready = deployed.lineage.frames, {0: deployed.name}
    holdout = frames_of(dataset, dataset.plan.holdout)
    return FitJob(
        store=place_of(store),
        recipe=trial.recipe,
        lineage=twin_lineage(model, frames=frames, used=dataset.frames, twin="final"),
        ready=ready,
        calibrate=Calibrate(by=trial.name, frames=holdout),
        about=card_text(model),
    )
