"""Sums of trees as text: nested conditions where they are few, tables where they are many."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_refresh.scorer.formula.tree_sums import TreeSum
from model_refresh.scorer.formula.trees import CATEGORICAL, MISSING, MISSING_ZERO, MOST, Trees
from model_refresh.serving.folder.emit.source import indented, literal, values

FEW_LEAVES = 64
"""Of all trees of a member together: so many can be read."""


def is_written(trees: Trees) -> bool:
    """Whether a file can hold them: not where 0 counts as missing, which no algorithm here asks."""
    return not any(
        flags & MISSING == MISSING_ZERO and not flags & CATEGORICAL for flags in trees.flags
    )


def conditions(each: TreeSum, names: Sequence[str]) -> list[str]:
    """Lines that leave the sum in `total`; the columns' values are in variables of these names."""
    trees = each.trees
    lines = []
    if trees.single:
        used = dict.fromkeys(names[feature] for feature in trees.feature)
        lines += [f"{name} = rounded({name})" for name in used]
    lines.append(f"total = {_start(trees)}")
    for root in trees.roots:
        lines += _Walk(trees, names).lines(root)
    return [*lines, *_mean(each)]


def tables(each: TreeSum, name: str, places: Sequence[int]) -> tuple[str, list[str]]:
    """The definition of these trees under this name, and lines that leave their sum in `total`.

    `places` are those of the columns in `x`, by column of the trees.
    """
    trees = each.trees
    text = "\n".join(line for root in trees.roots for line in _rows(trees, root, places))
    single, sets = (
        "_single" if trees.single else "",
        "_of_sets" if len(trees.set_starts) > 1 else "",
    )
    x = "[rounded(value) for value in x]" if trees.single else "x"
    lines = [f"total = added{single}({_start(trees)}, leaves{sets}({name}, {x}))", *_mean(each)]
    return f'{name} = grown("""\n{text}\n""")', lines


@dataclass(frozen=True)
class _Walk:
    """A tree as nested conditions."""

    trees: Trees
    names: Sequence[str]

    def lines(self, place: int) -> Iterator[str]:
        """All below a place."""
        if place < 0:
            leaf = literal(self.trees.leaves[~place])
            yield f"total = rounded(total + {leaf})" if self.trees.single else f"total += {leaf}"
            return
        condition = self._condition(place)
        if condition is None:
            yield from self.lines(self.trees.left[place])
            return
        yield f"if {condition}:"
        yield from indented(self.lines(self.trees.left[place]))
        yield "else:"
        yield from indented(self.lines(self.trees.right[place]))

    def _condition(self, node: int) -> str | None:
        """When a row goes left; None: always."""
        trees, name = self.trees, self.names[self.trees.feature[node]]
        gap_left = trees.goes_left(node, math.nan)
        if trees.flags[node] & CATEGORICAL:
            codes = [float(code) for code in trees.categories(node)]
            known = f"{name} in {values(codes)}"
        elif trees.threshold[node] == MOST:
            return None if gap_left else f"not isnan({name})"
        else:
            known = f"{name} <= {literal(trees.threshold[node])}"
        return f"isnan({name}) or {known}" if gap_left else known


def _rows(trees: Trees, root: int, places: Sequence[int]) -> Iterator[str]:
    """A line a node: a split, all on its low side, all on its high side."""
    waiting = [root]
    while waiting:
        place = waiting.pop()
        if place < 0:
            yield literal(trees.leaves[~place])
            continue
        if trees.flags[place] & CATEGORICAL:
            test = "{" + ",".join(map(str, trees.categories(place))) + "}"
        else:
            test = literal(trees.threshold[place])
        gap = "low" if trees.goes_left(place, math.nan) else "high"
        yield f"{places[trees.feature[place]]} {test} {gap}"
        waiting += [trees.right[place], trees.left[place]]


def _start(trees: Trees) -> str:
    return f"rounded({literal(trees.start)})" if trees.single else literal(trees.start)


def _mean(each: TreeSum) -> list[str]:
    if each.start == 0.0 and each.divided_by == 1:
        return []
    return [f"total = {literal(each.start)} + total / {literal(each.divided_by)}"]
