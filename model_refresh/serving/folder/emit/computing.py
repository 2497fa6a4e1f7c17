"""What a generated file computes with: it gets those functions that it calls, as they are."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import exp, isnan, log, log1p, tanh
from sys import float_info

from model_refresh.scorer.formula.errors import RefusedValue
from model_refresh.scorer.formula.trees import rounded
from model_refresh.scorer.formula.values import shown

Node = float | tuple[int, float | frozenset[float], "Node", "Node", "Node"]
"""A leaf; or a split: its column, its threshold or set, then low side, high side, missing side."""


def as_truth(name: str, value: object) -> bool | None:
    """The value, which must be true, false or None; raises RefusedValue."""
    if value is True or value is False or value is None:
        return value
    raise RefusedValue(name, f"{shown(value)} is no boolean")


def as_text(name: str, value: object) -> str:
    """The value, which must be text; raises RefusedValue."""
    if isinstance(value, str):
        return value
    raise RefusedValue(name, f"{shown(value)} is no text")


def bounded(value: float, furthest: float) -> float:
    """The value, cut where it is further from 0."""
    return min(max(value, -furthest), furthest)


def bends(
    value: float,
    knots: Sequence[float],
    *,
    centres: Sequence[float],
    scales: Sequence[float],
    weights: Sequence[float],
) -> list[float]:
    """What a restricted cubic spline through the knots adds to a line, by basis column."""
    first, before, last = knots[0], knots[-2], knots[-1]
    width, unit = last - before, (last - first) ** 2
    late, latest = cubed(value - before), cubed(value - last)
    added = []
    for place, knot in enumerate(knots[:-2]):
        bent = cubed(value - knot) - late * ((last - knot) / width)
        basis = (bent + latest * ((before - knot) / width)) / unit
        added.append(weights[place] * ((basis - centres[place]) / scales[place]))
    return added


def cubed(beyond: float) -> float:
    """The third power where it is positive, else 0."""
    return beyond * beyond * beyond if beyond > 0.0 else 0.0


def grown(text: str) -> list[Node]:
    """Trees from their text.

    A line is a leaf, or a split: column, threshold, and the side of missing values. After a split
    comes all that is on its low side (at most the threshold, or in the set), then its high side.
    """
    waiting: list[Node] = []
    for line in reversed(text.splitlines()):
        parts = line.split()
        if len(parts) == 1:
            waiting.append(float(parts[0]))
        elif parts:
            column, threshold, gap = parts
            low, high = waiting.pop(), waiting.pop()
            numbers = threshold.strip("{}").split(",")
            is_set = threshold.startswith("{")
            test = frozenset(map(float, filter(None, numbers))) if is_set else float(threshold)
            waiting.append((int(column), test, low, high, low if gap == "low" else high))
    return waiting[::-1]


def leaves(trees: Sequence[Node], x: Sequence[float]) -> Iterable[float]:
    """The leaf that the columns come to in each tree; splits have thresholds only."""
    for tree in trees:
        node = tree
        while isinstance(node, tuple):
            column, threshold, low, high, gap = node
            value = x[column]
            node = low if value <= threshold else gap if isnan(value) else high  # type: ignore[operator]
        yield node


def leaves_of_sets(trees: Sequence[Node], x: Sequence[float]) -> Iterable[float]:
    """The leaf that the columns come to in each tree; splits have thresholds, or sets of codes."""
    for tree in trees:
        node = tree
        while isinstance(node, tuple):
            column, test, low, high, gap = node
            value = x[column]
            if isnan(value):
                node = gap
            elif isinstance(test, frozenset):
                node = low if value in test else high
            else:
                node = low if value <= test else high
        yield node


def added(start: float, parts: Iterable[float]) -> float:
    """The sum, one after the other."""
    total = start
    for part in parts:
        total += part
    return total


def added_single(start: float, parts: Iterable[float]) -> float:
    """The sum in single precision, one after the other."""
    total = rounded(start)
    for part in parts:
        total = rounded(total + part)
    return total


def logistic(total: float) -> float:
    """The probability with these log odds; 0 where exp is more than a float holds."""
    try:
        return 1 / (1 + exp(-total))
    except OverflowError:
        return 0.0


def softmax(totals: Sequence[float], furthest: float) -> list[float]:
    """What is proportional to the probabilities; no total counts as further below the largest."""
    largest = max(totals)
    return [exp(max(total - largest, -furthest)) for total in totals]


def proportional(odds: Sequence[float]) -> tuple[float, ...]:
    """The same numbers as shares of their sum."""
    whole = sum(odds)
    return tuple([each / whole for each in odds])


def placed(
    odds: Sequence[float], met: Sequence[int], *, count: int, unmet_share: float
) -> tuple[float, ...]:
    """The probabilities of all classes, of which those at `met` share what others leave."""
    left, whole = 1.0 - unmet_share * (count - len(met)), sum(odds)
    chances = [unmet_share] * count
    for place, each in zip(met, odds, strict=True):
        chances[place] = left * (each / whole)
    return tuple(chances)


def mixed(parts: Sequence[tuple[float, Sequence[float]]]) -> tuple[float, ...]:
    """The weighted mean of scores; each part is a weight and its scores."""
    (first, scores), *others = parts
    total = [first * score for score in scores]
    for weight, each in others:
        total = [before + weight * score for before, score in zip(total, each, strict=True)]
    return tuple(total)


def inside(probability: float) -> float:
    """The probability, kept a little away from 0 and 1."""
    least = float_info.epsilon
    return min(max(probability, least), 1.0 - least)


def log_of(probability: float) -> tuple[float, float]:
    """The logarithms of a probability and of what it leaves."""
    within = inside(probability)
    return log(within), log1p(-within)


def chance(log_odds: float) -> float:
    """The probability with these log odds, kept a little away from 0 and 1."""
    return inside(0.5 * (1.0 + tanh(log_odds / 2.0)))


def interpolated(raw: float, at: Sequence[float], values: Sequence[float]) -> float:
    """The value on lines from breakpoint to breakpoint, level beyond the outer ones."""
    within = min(max(raw, at[0]), at[-1])
    left = min(max(bisect_right(at, within) - 1, 0), len(at) - 2)
    low, high = values[left], values[left + 1]
    share = (within - at[left]) / (at[left + 1] - at[left])
    return min(low + share * (high - low), high)


def finite(value: float) -> float:
    """The value; the largest one that a float holds in place of infinity."""
    return min(max(value, -float_info.max), float_info.max)
