"""Formulas that are wrong in one place."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from model_refresh.scorer.formula.columns import owners
from model_refresh.scorer.formula.encoding import Category
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.tree_sums import TreesForm
from model_refresh.scorer.formula.trees import CATEGORICAL, MOST, Trees


def trees_of(formula: Formula) -> Trees:
    """The trees of a formula with one sum."""
    (member,) = formula.members
    assert isinstance(member.form, TreesForm)
    return member.form.sums[0].trees


def with_trees(formula: Formula, trees: Trees) -> Formula:
    """The same formula with other trees."""
    (member,) = formula.members
    assert isinstance(member.form, TreesForm)
    sums = (replace(member.form.sums[0], trees=trees),)
    return replace(formula, members=(replace(member, form=replace(member.form, sums=sums)),))


def with_leaf(formula: Formula, leaf: int) -> Formula:
    """One leaf a millionth off."""
    trees = trees_of(formula)
    leaves = [value + 1e-6 * (i == leaf) for i, value in enumerate(trees.leaves)]
    return with_trees(formula, replace(trees, leaves=tuple(leaves)))


def with_threshold(formula: Formula, node: int, rng: np.random.Generator) -> Formula:
    """One threshold two steps of the last digit off, or more; of whole numbers one or more."""
    trees = trees_of(formula)
    thresholds = [*trees.threshold]
    far = 2.0 ** int(rng.integers(1, 40)) * math.ulp(thresholds[node])
    if not is_continuous(formula, trees.feature[node]):
        far = float(rng.integers(1, 10))
    thresholds[node] += far if rng.random() < 0.5 else -far
    return with_trees(formula, replace(trees, threshold=tuple(thresholds)))


def is_continuous(formula: Formula, column: int) -> bool:
    """Whether the column has other numbers than whole ones."""
    owner = owners(formula.encodings[0])[column]
    return any(each.name == owner and each.type == "number" for each in formula.inputs)


def numeric_nodes(trees: Trees) -> list[int]:
    """Those with a threshold that can be moved."""
    return [
        node
        for node, flags in enumerate(trees.flags)
        if not flags & CATEGORICAL and trees.threshold[node] != MOST
    ]


def reached_leaves(trees: Trees, matrix: Sequence[Sequence[float]]) -> list[int]:
    """The leaves that any row comes to."""
    return sorted({~trees.leaf(root, row) for row in matrix for root in trees.roots})


def with_code(formula: Formula, name: str) -> Formula:
    """The first two categories of an input have each other's codes."""
    encodings = [
        tuple(
            _swapped(each) if isinstance(each, Category) and each.name == name else each
            for each in features
        )
        for features in formula.encodings
    ]
    return replace(formula, encodings=tuple(encodings))


def with_classes_swapped(formula: Formula) -> Formula:
    """The sums of the first two classes have changed places."""
    (member,) = formula.members
    assert isinstance(member.form, TreesForm)
    first, second, *others = member.form.sums
    form = replace(member.form, sums=(second, first, *others))
    return replace(formula, members=(replace(member, form=form),))


def _swapped(feature: Category) -> Category:
    first, second, *others = feature.values
    return replace(feature, values=(second, first, *others))
