"""A fleet whose worker, daemon and code server are killed at random moments while it refreshes.

Everything is real: the shipped dagster.yaml, the daemon, the code server, the workers; and what an
init system does, which is to start a service anew that has ended.
"""

import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from dagster import DagsterRunStatus, RunRecord

from model_refresh.orchestration.requests import REFRESH, SCORE
from model_refresh.orchestration.tags import MODEL_TAG, PARTITION_TAG, SELECTION_TAG
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.recovering.kills import ENDED, PERIOD_SECONDS, Watcher, told
from model_refresh_tests.recovering.site import Site
from model_refresh_tests.recovering.world import (
    NAMES,
    day,
    make_fleet,
    outcome,
    partition,
    refresh_undisturbed,
)

KILLS = 50
FIRST, LAST = 10, 24
"""Days of the lab on which there is something to refresh from, the last excluded."""
PAUSE_SECONDS = (2.0, 12.0)
"""Between a kill and the next one."""
STUCK_SECONDS = 120.0
ROUND_SECONDS = 900.0

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are told by /proc"),
]


def test_a_fleet_killed_at_fifty_moments_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    models = make_fleet(site.folder / "fleet")
    begun = time.monotonic()
    days: list[int] = []
    with site.running() as instance:
        watcher = Watcher(site, instance, random.Random(20261126), KILLS)
        for number in range(FIRST, LAST):
            days.append(number)
            site.want([f"{name} {partition(number)}" for name in NAMES])
            _refresh_and_kill(watcher, days)
            if not watcher.left:
                break
        records = _mended(watcher)
    seconds = time.monotonic() - begun
    refresh_undisturbed(models, tmp_path / "undisturbed", days)
    stuck = max(watcher.stuck.values(), default=0.0)
    sys.stdout.write(
        f"\n{told(watcher.kills)}\n  {len(days)} rounds of {len(NAMES)} refreshes, "
        f"{len(records)} runs, {site.restarts} restarts of services, "
        f"in {seconds / 60:.1f} min; longest without a worker while under way: {stuck:.1f} s\n"
    )
    assert not watcher.left, f"only {len(watcher.kills)} kills while refreshes were running"
    assert [kill for kill in watcher.kills if not kill.is_mended] == []
    assert stuck < STUCK_SECONDS
    wanted = sorted((name, partition(number)) for name in NAMES for number in days)
    for selection in (REFRESH, SCORE):
        assert sorted(_done(records, selection, days)) == wanted, f"each {selection} succeeded once"
    for name in NAMES:
        killed = Store(site.folder / "home").model(name)
        undisturbed = outcome(Store(tmp_path / "undisturbed").model(name), days)
        assert outcome(killed, days) == undisturbed, name
        assert [len(killed.promotions(day(number)).lines()) for number in days] == [1] * len(days)
    assert list(verify(Store(site.folder / "home"), list(NAMES))) == []


def _refresh_and_kill(watcher: Watcher, days: Sequence[int]) -> None:
    """Kill now and then until all of these days are refreshed and scored, and nothing runs."""
    end = time.monotonic() + ROUND_SECONDS
    following = time.monotonic() + watcher.chance.uniform(*PAUSE_SECONDS)
    while True:
        records = watcher.look()
        left = len(NAMES) * len(days) * 2
        left -= len(_done(records, REFRESH, days)) + len(_done(records, SCORE, days))
        if left <= 0 and all(record.dagster_run.status in ENDED for record in records):
            return
        assert time.monotonic() < end, "a round lasts too long: something is lost"
        if watcher.left and time.monotonic() >= following and watcher.kill():
            following = time.monotonic() + watcher.chance.uniform(*PAUSE_SECONDS)
        time.sleep(PERIOD_SECONDS)


def _mended(watcher: Watcher) -> list[RunRecord]:
    """All runs, once the last kill is mended too: what it hit may not have been needed any more."""
    end = time.monotonic() + STUCK_SECONDS
    records = watcher.look()
    while time.monotonic() < end and not all(kill.is_mended for kill in watcher.kills):
        time.sleep(PERIOD_SECONDS)
        records = watcher.look()
    return records


def _done(
    records: Sequence[RunRecord], selection: str, days: Sequence[int]
) -> list[tuple[str, str]]:
    """Model and partition of each run of this kind and of these days that has succeeded."""
    of_days = {partition(number) for number in days}
    return [
        (run.tags[MODEL_TAG], run.tags[PARTITION_TAG])
        for run in (record.dagster_run for record in records)
        if run.status == DagsterRunStatus.SUCCESS
        if run.tags.get(SELECTION_TAG) == selection and run.tags.get(PARTITION_TAG) in of_days
    ]
