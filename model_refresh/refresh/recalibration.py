"""The incumbent as a candidate with nothing but its calibrator fitted anew."""

from model_refresh.algorithms.version import Mixture, Version, load_version
from model_refresh.calibration import fit_calibrator
from model_refresh.config.model import Model
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.errors import CorruptError, FitError, NotStored
from model_refresh.records import Dataset, LabelledFrame, Member
from model_refresh.refresh.calibrating import crossed, pooled
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.incumbent import find_incumbent
from model_refresh.refresh.proposal import Dropped, Proposal, folds_of, measured
from model_refresh.refresh.rows import feature_names, load_labelled
from model_refresh.refresh.trials import mean_values
from model_refresh.refresh.twins import card_text, place_of
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp

RECALIBRATED = "recalibrated"


def propose_recalibrated(
    model: Model, store: ModelStore, dataset: Dataset, spec: Recalibrated
) -> Proposal:
    """The incumbent's trial twin, its calibrator learned from validation rows it has not seen.

    Its figures are of calibrators that the other half of the rows taught. Raises Dropped where
    there is no incumbent of the same question and features, or no such rows.
    """
    trial = _incumbent(model, store, dataset)
    folds = _unseen(dataset, trial)
    method = spec.method or ("line" if model.spec.task == "regression" else "platt")
    names = feature_names(trial.recipe.features)
    rows = [load_labelled(store, frames, names) for frames in folds]
    raw = [(each.target, trial.raw(each.table)) for each in rows]
    values = [measured(model, *pair) for pair in crossed(raw, method, model.spec.task)]
    known_at = max(frame.labels.known_at for frames in folds for frame in frames)
    target, predicted = pooled(raw)
    calibrator = fit_calibrator(method, predicted, target, task=model.spec.task)
    recipe = trial.recipe.model_copy(
        update={
            "algorithm": RECALIBRATED,
            "options": spec.model_dump(mode="json", exclude={"algorithm"}),
            "parameters": {},
            "calibration": method,
            "calibrator": calibrator.model_dump(mode="json"),
            "members": (Member(recipe=trial.recipe, weight=1.0),),
        }
    )
    lineage = trial.lineage.model_copy(
        update={"known_at": max(trial.lineage.learned_until, known_at)}
    )
    job = FitJob(
        store=place_of(store), recipe=recipe, lineage=lineage, ready={0: trial.name},
        about=card_text(model),
    )  # fmt: skip
    return Proposal(job, {"validation": mean_values(values), "folds": tuple(values)})


def uncalibrated(version: Version) -> Version:
    """The version below a recalibrated one; any other is returned as it is."""
    if version.recipe.algorithm == RECALIBRATED and isinstance(version.predictor, Mixture):
        return uncalibrated(version.predictor.members[0][0])
    return version


def deployed_twin(store: ModelStore, trial: Version) -> Version:
    """What production used of the champion whose trial twin was calibrated anew.

    Raises FitError where no entry of the champion log has that trial twin.
    """
    base = uncalibrated(trial).name
    for line in reversed(store.champion.lines()):
        entry = line.record
        if entry.trial is not None and uncalibrated(load_version(store, entry.trial)).name == base:
            return uncalibrated(load_version(store, entry.version))
    raise FitError(f"no champion has the trial twin {base}, whose calibrator was fitted anew")


def _incumbent(model: Model, store: ModelStore, dataset: Dataset) -> Version:
    """The incumbent's trial twin without its calibrator; raises Dropped."""
    incumbent = find_incumbent(store, dataset.as_of)
    if incumbent is None:
        raise Dropped("there is no champion yet whose calibrator could be fitted anew")
    try:
        trial = uncalibrated(load_version(store, incumbent.trial))
    except (NotStored, CorruptError) as error:
        raise Dropped(f"the champion's trial twin can't be read: {error}") from error
    if trial.lineage.definition != model.definition:
        raise Dropped("the champion's SQL or label is not that of the model now")
    taken = set(feature_names(trial.recipe.features)) - set(feature_names(dataset.features))
    if taken:
        raise Dropped(f"the champion learned from {', '.join(sorted(taken))}, no feature any more")
    return trial


def _unseen(dataset: Dataset, trial: Version) -> list[tuple[LabelledFrame, ...]]:
    """The newest validation folds, newest first, of frames that it has learned nothing of."""
    since = trial.lineage.learned_until
    found = []
    for fold in folds_of(dataset):
        if any(frame.as_of < since for frame in fold.validation):
            break
        found.append(fold.validation)
    if not found:
        raise Dropped(
            f"the champion's trial twin learned from labels known on {stamp(since)}, and no "
            "validation fold lies after that: it is too young to be calibrated anew"
        )
    return found
