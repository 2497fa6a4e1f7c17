"""What earlier refreshes learned about searching: where to look first, and what search pays off.

Only from validation: records of refreshes whose every label was known at the oldest holdout frame
of this one. Of comparisons it knows no more than who is champion, which is tried first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from model_refresh.algorithms import AnyAlgorithm
from model_refresh.algorithms.version import read_lineage, read_recipe
from model_refresh.config.model import Model
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Candidate, Dataset, Parameters, Recipe
from model_refresh.refresh.incumbent import find_incumbent
from model_refresh.storage import ModelStore
from model_refresh.tuning import Budget

MEMORY = 8
"""How far back it is remembered: what was good before that is seldom good now."""
SHARE_OF_TRIALS = 0.3
"""Of the trials that are spent on what is remembered; the rest looks further."""
_REGRET = 0.01
"""A candidate whose loss was so much above the best one's, relative to it, counts 1/e as much."""
_LEAST_SHARE = 0.1
"""Of the budget, before it is shared by merit: who lost lately may win again."""


@dataclass(frozen=True)
class Experience:
    """What a search may know before it begins.

    `remembered` are parameters that did well, the best bet first; `since_wide` is how many searches
    of this candidate in a row have stayed narrow.
    """

    budget: Budget
    remembered: tuple[Parameters, ...]
    since_wide: int


def experience_of(
    model: Model, store: ModelStore, dataset: Dataset, algorithm: AnyAlgorithm
) -> Experience:
    """What the refreshes before this one say of one algorithm's search."""
    budget = _budget(model, store, dataset, algorithm)
    own = list(_earlier(model, store, dataset, algorithm.algorithm))
    champion = _champion_parameters(store, dataset, algorithm.algorithm)
    best = [each.kept[0] for each in own if each.kept]
    most = max(1, math.floor(SHARE_OF_TRIALS * budget.trials))
    narrow = [each.search == "narrow" for each in own]
    return Experience(
        budget=budget,
        remembered=tuple(_unlike([*champion, *best])[:most]),
        since_wide=narrow.index(False) if False in narrow else len(narrow),
    )


def _earlier(model: Model, store: ModelStore, dataset: Dataset, name: str) -> Iterator[Candidate]:
    """What became of a candidate in the last refreshes that may be learned from, newest first."""
    before = [instant for instant in store.refreshed() if instant < dataset.as_of]
    for as_of in list(reversed(before))[:MEMORY]:
        line = store.candidates(as_of, name).last()
        if (
            line is not None
            and line.record.version
            and _may_teach(model, store, dataset, line.record)
        ):
            yield line.record


def _may_teach(model: Model, store: ModelStore, dataset: Dataset, candidate: Candidate) -> bool:
    """Whether it answered the same question, and all that it rests on was known at the holdout."""
    try:
        lineage = read_lineage(store.version(candidate.version or ""))
    except (NotStored, CorruptError):
        return False
    if lineage.definition.question() != model.definition.question():
        return False
    return lineage.learned_until <= dataset.plan.holdout[0]


def _champion_parameters(store: ModelStore, dataset: Dataset, name: str) -> list[Parameters]:
    """Those of the incumbent, or of its members, where this algorithm is what it is made of."""
    incumbent = find_incumbent(store, dataset.as_of)
    if incumbent is None:
        return []
    try:
        stored = store.version(incumbent.trial)
        recipe, lineage = read_recipe(stored), read_lineage(stored)
    except (NotStored, CorruptError):
        return []
    if lineage.learned_until > dataset.plan.holdout[0]:
        return []
    return [each.parameters for each in _plain(recipe) if each.algorithm == name]


def _plain(recipe: Recipe) -> Iterator[Recipe]:
    """A recipe's members, down to those that have none."""
    if not recipe.members:
        yield recipe
    for member in recipe.members:
        yield from _plain(member.recipe)


def _budget(model: Model, store: ModelStore, dataset: Dataset, algorithm: AnyAlgorithm) -> Budget:
    """This algorithm's part of the model's budget: by what paid off in earlier validations.

    Those that can be tuned share it. Without experience they share it evenly.
    """
    training, task = model.spec.training, model.spec.task
    if not algorithm.space(task):
        return Budget(trials=1, seconds=training.tuning.seconds)
    names: list[str] = [each.algorithm for each in training.searched if each.space(task)]
    merit = _merits(model, store, dataset, names)
    even = 1 / len(names)
    shares = {n: _LEAST_SHARE * even + (1 - _LEAST_SHARE) * merit.get(n, even) for n in names}
    trials = _divided(training.tuning.trials, shares)
    name = algorithm.algorithm
    return Budget(trials=trials[name], seconds=training.tuning.seconds * shares[name])


def _divided(trials: int, shares: dict[str, float]) -> dict[str, int]:
    """The trials by shares, by the largest remainders; each has one at least."""
    whole = {name: int(trials * share) for name, share in shares.items()}
    left = trials - sum(whole.values())
    by_rest = sorted(shares, key=lambda name: whole[name] - trials * shares[name])
    return {n: max(1, count + (by_rest.index(n) < left)) for n, count in whole.items()}


def _merits(
    model: Model, store: ModelStore, dataset: Dataset, names: list[str]
) -> dict[str, float]:
    """Name -> share, which sum to 1: the nearer its loss came to the best one's, the larger.

    In each refresh that all took part in, a candidate earns exp(-regret / 1%), the regret being the
    excess of its validation loss over the best one's, relative to it. Empty without such a refresh.
    """
    earned = dict.fromkeys(names, 0.0)
    histories = {
        name: {c.as_of: c for c in _earlier(model, store, dataset, name)} for name in names
    }
    for as_of in set.intersection(*(set(each) for each in histories.values())):
        losses = {name: _best_loss(histories[name][as_of]) for name in names}
        best = min(losses.values())
        for name, loss in losses.items():
            regret = (loss - best) / (abs(best) or 1.0)
            earned[name] += math.exp(-regret / _REGRET)
    whole = sum(earned.values())
    return {name: each / whole for name, each in earned.items()} if whole > 0 else {}


def _best_loss(candidate: Candidate) -> float:
    return min((trial.loss for trial in candidate.trials), default=math.inf)


def _unlike(parameters: list[Parameters]) -> list[Parameters]:
    """In order, each once, however many rounds it was grown."""
    plain = [{name: v for name, v in each.items() if name != "rounds"} for each in parameters]
    return [each for i, each in enumerate(plain) if each not in plain[:i]]
