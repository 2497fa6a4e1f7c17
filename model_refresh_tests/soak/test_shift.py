"""How many faults on a challenger's way to its scores are blocked, and how many harmless changes.

Worlds of three tasks, two algorithms and 300, 1,000 and 4,000 rows, each with real fits. A fault
counts where it moves the challenger's scores by at least 0.3 of their standard deviation on
average (MATERIAL) and by 1.25 times what the two sound models differ (BEYOND): one on a feature without influence
changes nothing, and one that moves scores less than an honest refit does can't be told from it by
any look at scores. What is smaller is counted too, and printed. Takes about six minutes of one processor.
"""

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import get_args

import pytest

from model_refresh.records import Task
from model_refresh_tests.serving.trial_faults import (
    HARMLESS,
    MATERIAL,
    batches,
    failures,
    ground_of,
    plant,
    right,
    table,
)
from model_refresh_tests.serving.trial_worlds import World

pytestmark = pytest.mark.soak


def worlds(seeds: Iterable[int]) -> Iterator[World]:
    """A world of each kind for each seed."""
    kinds = itertools.product(seeds, get_args(Task), ("linear", "lightgbm"), (300, 1000, 4000))
    for seed, task, algorithm, rows in kinds:
        yield World(task, algorithm, rows, seed * 1009 + rows % 7)


def test_of_100_material_faults_at_least_99_are_blocked() -> None:
    caught: dict[str, list[bool]] = defaultdict(list)
    sizes: list[tuple[float, bool]] = []
    within: list[bool] = []
    for world in worlds((500, 501, 502, 510, 511, 512)):
        ground = ground_of(world)
        for planted in plant(world, seed=3):
            blocked = bool(failures(world, planted.batches, ground))
            sizes.append((planted.size, blocked))
            if planted.is_material:
                caught[planted.kind].append(blocked)
            elif planted.size >= MATERIAL:
                within.append(blocked)
    for kind, found in caught.items():
        _say(f"{kind}: {sum(found)} of {len(found)} blocked")
    for low, high in itertools.pairwise((0.0, 0.1, 0.2, MATERIAL, 0.5)):
        band = [blocked for size, blocked in sizes if low <= size < high]
        _say(f"moving scores by {low} to {high}: {sum(band)} of {len(band)} blocked")
    _say(f"as large, within what sound models differ: {sum(within)} of {len(within)} blocked")
    material = [blocked for found in caught.values() for blocked in found]
    _say(f"material faults: {sum(material)} of {len(material)} blocked")
    assert len(material) > 2000
    assert sum(material) >= 0.99 * len(material)


def test_of_100_harmless_changes_at_most_2_are_blocked() -> None:
    blocked: dict[str, list[bool]] = defaultdict(list)
    for base in worlds((600, 601, 602, 610, 611, 612)):
        for kind, change in HARMLESS.items():
            world = change(base)
            found = failures(world, batches(world, table(world, right(world))), ground_of(world))
            blocked[kind].append(bool(found))
    for kind, each in blocked.items():
        _say(f"{kind}: {sum(each)} of {len(each)} blocked")
    every = [each for found in blocked.values() for each in found]
    _say(f"harmless changes: {sum(every)} of {len(every)} blocked")
    assert len(every) > 1500
    assert sum(every) <= 0.02 * len(every)


def _say(figures: str) -> None:
    sys.stdout.write(f"\n{figures}")
