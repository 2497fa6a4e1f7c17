"""Fitted trees as forms of the scorer."""

from collections.abc import Sequence

from model_refresh.algorithms import lightgbm_text
from model_refresh.algorithms.outcome import LARGEST_FORM, Outcome
from model_refresh.algorithms.unmet import Unmet
from model_refresh.errors import FitError
from model_refresh.scorer.formula.links import Chance, Classes, Level, Levels, Link, Softmax, Value
from model_refresh.scorer.formula.tree_sums import TreesForm, TreeSum
from model_refresh.scorer.formula.trees import Trees

_OBJECTIVE = "objective="


def boosted(trees: Sequence[Trees], outcome: Outcome) -> TreesForm:
    """Trees that add to the forms of an outcome, those of the classes met."""
    sums = tuple(TreeSum(each) for each in trees)
    match outcome.task:
        case "regression":
            return TreesForm(sums, Value())
        case "binary":
            return TreesForm(sums, Chance(furthest=LARGEST_FORM))
        case "multiclass":
            return TreesForm(sums, Softmax(_classes(outcome), furthest=LARGEST_FORM))


def boosted_by_lightgbm(text: str, unmet: Unmet | None) -> TreesForm:
    """Trees with LightGBM's own link; `unmet` of a multiclass task, which grows trees of all."""
    trees = lightgbm_text.read_trees(text)
    if unmet is None:
        return TreesForm(tuple(TreeSum(each) for each in trees), _link(text))
    met = tuple(place for place in range(len(trees)) if place not in unmet.places)
    classes = Classes(count=len(trees), met=met, unmet_share=unmet.share)
    return TreesForm(tuple(TreeSum(trees[place]) for place in met), Softmax(classes))


def averaged(
    texts: Sequence[str], outcome: Outcome, *, means: Sequence[float], least: float
) -> TreesForm:
    """Trees that are averaged around means: one text, or one a class that was met."""
    sums = []
    for text, mean in zip(texts, means, strict=True):
        (trees,) = lightgbm_text.read_trees(text)
        sums.append(TreeSum(trees, start=mean, divided_by=max(1, len(trees.roots))))
    if outcome.task == "regression":
        return TreesForm(tuple(sums), Value())
    return TreesForm(tuple(sums), Levels(_classes(outcome), least) if outcome.met else Level(least))


def _classes(outcome: Outcome) -> Classes:
    return Classes(count=outcome.classes, met=outcome.met, unmet_share=outcome.unmet.share)


def _link(text: str) -> Link:
    """The link of the objective that a text names."""
    lines = (line for line in text.splitlines() if line.startswith(_OBJECTIVE))
    match next(lines, "").removeprefix(_OBJECTIVE).split():
        case ["regression"]:
            return Value()
        case ["binary", "sigmoid:1"]:
            return Chance()
        case other:
            raise FitError(f"LightGBM's objective {' '.join(other)!r} has no link in a scorer")
