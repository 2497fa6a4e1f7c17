"""The ensemble as a candidate: this refresh's other candidates, mixed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_refresh.config.ensemble import Ensemble
from model_refresh.config.model import Model
from model_refresh.ensembling import Library, Weights, judge, select
from model_refresh.errors import FitError
from model_refresh.metrics import metric
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Candidate, Dataset, Member, Recipe
from model_refresh.refresh.calibrating import calibrated
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.library import Candidates, read_candidates
from model_refresh.refresh.proposal import Dropped, Proposal, measured, used_by_search
from model_refresh.refresh.trials import mean_values
from model_refresh.refresh.twins import card_text, place_of, twin_lineage
from model_refresh.storage import ModelStore

_YARDSTICKS = ("constant", "naive")
_SOFTNESS = 0.1
"""A model whose loss is so much above the best one's, relative to it, weighs 1/e as much."""
_LEAST_WEIGHT = 0.2
"""Less than this beside the best one's 1 is no member: it is broken."""


def propose_ensemble(
    model: Model,
    store: ModelStore,
    dataset: Dataset,
    spec: Ensemble,
    others: Sequence[Candidate],
) -> Proposal:
    """A weighted mean of the others, by what they predicted of the validation folds.

    Raises Dropped where there is nothing to mix, and where a greedy one isn't better than the best
    single candidate by more than its standard error, on rows that did not choose its weights.
    """
    found = read_candidates(store, dataset, others, timed=spec.latency_ms is not None)
    mix = _greedy(model, spec, found) if spec.weights == "greedy" else _soft(model, spec, found)
    members = [found.member(name, weight) for name, weight in mix.weights.items()]
    recipe, judged, why = calibrated(
        _recipe(model, dataset, spec, tuple(member for member, _ in members)),
        mix.folds,
        model.spec.training.calibration,
        model.spec.task,
    )
    values = [measured(model, *pair) for pair in judged]
    trial = frames_of(dataset, dataset.plan.trial)
    job = FitJob(
        store=place_of(store),
        recipe=recipe,
        lineage=twin_lineage(model, frames=trial, used=used_by_search(dataset), twin="trial"),
        ready={place: name for place, (_, name) in enumerate(members) if name is not None},
        about=card_text(model),
    )
    known: dict[str, object] = {
        "validation": mean_values(values),
        "folds": tuple(values),
        "weak": found.candidate(mix.best).weak,
        "note": "; ".join(filter(None, [mix.note, why])),
        "steady": spec.weights == "soft",
        "repeatable": spec.latency_ms is None,
    }
    return Proposal(job, known)


@dataclass(frozen=True)
class _Mix:
    """Shares by model, and by fold, newest first, outcomes with what counts as predicted."""

    weights: dict[str, float]
    folds: list[tuple[Floats, Floats]]
    best: str
    note: str


def _greedy(model: Model, spec: Ensemble, found: Candidates) -> _Mix:
    """Selected with replacement; figures are of ensembles that other folds chose."""
    loss = metric(model.tuning_loss)
    try:
        judged = judge(found.library, loss=loss, most=spec.members, latency=spec.latency_ms)
    except FitError as error:
        raise Dropped(str(error)) from error
    if not judged.kept:
        raise Dropped(judged.sentence)
    folds = _crossed(model, spec, found.library)
    return _Mix(judged.weights.weights, folds, judged.best, judged.sentence)


def _soft(model: Model, spec: Ensemble, found: Candidates) -> _Mix:
    """Every fit counts alike, and less softly the worse it does: nothing is selected.

    A candidate that is a blend counts as often as it has members.
    """
    losses = _losses(model, found)
    best = min(losses, key=losses.__getitem__)
    scale = _SOFTNESS * abs(losses[best]) or 1.0
    beside = {name: float(np.exp(-(each - losses[best]) / scale)) for name, each in losses.items()}
    near = sorted((n for n in beside if beside[n] >= _LEAST_WEIGHT), key=lambda n: -beside[n])
    chosen = _within(found.library, near[: spec.members], spec.latency_ms)
    if len(near) < 2:
        raise Dropped(f"only {best} does well enough to be mixed")
    if len(chosen) < 2:
        raise Dropped(f"no two of {', '.join(near)} score a row within {spec.latency_ms:g} ms")
    shares = {name: beside[name] * found.size(name) for name in chosen}
    weights = {name: share / sum(shares.values()) for name, share in shares.items()}
    told = Weights(weights=weights, loss=losses[best])
    library = found.library
    folds = [
        (library.targets[fold], _average(library, told, fold))
        for fold in reversed(range(len(library.targets)))
    ]
    note = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
    return _Mix(weights, folds, best, f"mixed softly: {note}")


def _losses(model: Model, found: Candidates) -> dict[str, float]:
    """The mean loss over the folds of every candidate as it is, yardsticks left out."""
    loss = metric(model.tuning_loss)
    library = found.library
    return {
        name: float(
            np.mean(
                [
                    loss.value(target, predicted[place])
                    for target, predicted in zip(library.targets, library.predictions, strict=True)
                ]
            )
        )
        for place, name in enumerate(library.names)
        if " " not in name and found.candidate(name).name not in _YARDSTICKS
    }


def _within(library: Library, names: Sequence[str], latency: float | None) -> list[str]:
    """Those that score a row within the latency together, the first ones first."""
    if latency is None or library.cost is None:
        return list(names)
    cost = dict(zip(library.names, library.cost.tolist(), strict=True))
    chosen: list[str] = []
    for name in names:
        if sum(cost[each] for each in chosen) + cost[name] <= latency:
            chosen.append(name)
    return chosen


def _crossed(model: Model, spec: Ensemble, library: Library) -> list[tuple[Floats, Floats]]:
    """Newest fold first, outcomes and what ensembles predict that were chosen on other rows."""
    loss = metric(model.tuning_loss)
    parts = library if len(library.targets) > 1 else library.halved()
    found = []
    for fold in range(len(parts.targets)):
        others = parts.only([each for each in range(len(parts.targets)) if each != fold])
        weights = select(others, loss=loss, most=spec.members, latency=spec.latency_ms)
        found.append((parts.targets[fold], _average(parts, weights, fold)))
    if parts is library:
        return found[::-1]
    (first, ours), (second, theirs) = found
    return [(np.concatenate([first, second]), np.concatenate([ours, theirs]))]


def _average(library: Library, weights: Weights, fold: int) -> Floats:
    return weights.average(dict(zip(library.names, library.predictions[fold], strict=True)))


def _recipe(model: Model, dataset: Dataset, spec: Ensemble, members: tuple[Member, ...]) -> Recipe:
    return Recipe(
        algorithm=spec.algorithm,
        options=spec.model_dump(mode="json", exclude={"algorithm"}),
        parameters={},
        features=dataset.features,
        categorical=dataset.categorical,
        seed=model.spec.training.seed,
        encoding=model.spec.training.features,
        members=members,
    )
