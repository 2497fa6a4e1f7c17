"""A change of a real row, and how few are chosen fairly among many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from model_refresh.scorer.golden import Kind
from model_refresh.serving.folder.probes.raw import Raw

T = TypeVar("T")


@dataclass(frozen=True)
class Probe:
    """A row that differs from a real one, number `base`, in `changes`; `note` says why it is asked.

    `written` are values whose text in JSON is another than usual, for the same value.
    """

    kind: Kind
    note: str
    base: int
    changes: Mapping[str, Raw]
    written: tuple[tuple[str, str], ...] = ()


Unit = Sequence[Probe]
"""Probes that belong together, such as a threshold and one step to either side."""


def choose(groups: Sequence[Sequence[Unit]], most: int) -> list[Probe]:
    """At most so many probes, in whole units: alike of each group, spread over its range."""
    counts = shares([size(group) for group in groups], most)
    return [
        probe
        for group, count in zip(groups, counts, strict=True)
        for unit in spread(group, count * len(group) // max(1, size(group)))
        for probe in unit
    ][:most]


def shares(sizes: Sequence[int], most: int) -> list[int]:
    """How many of each: all alike, but what one does not need goes to the others."""
    given = [0] * len(sizes)
    left = most
    waiting = sorted(range(len(sizes)), key=lambda place: (sizes[place], place))
    for rank, place in enumerate(waiting):
        given[place] = min(sizes[place], left // (len(waiting) - rank))
        left -= given[place]
    return given


def spread(items: Sequence[T], count: int) -> list[T]:
    """So many of the items, evenly from the first to the last."""
    if count >= len(items):
        return list(items)
    if count < 2:
        return [items[len(items) // 2]] * count
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def size(group: Sequence[Unit]) -> int:
    """How many probes a group has."""
    return sum(map(len, group))
