"""Kills at random moments, and how long it took until each was mended."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import dagster as dg
from dagster import DagsterRunStatus, RunRecord

from model_refresh_tests.recovering.site import Site

Kind = Literal["worker", "daemon", "code", "all"]
SERVICES: Mapping[Kind, tuple[str, ...]] = {
    "worker": (),
    "daemon": ("daemon",),
    "code": ("code",),
    "all": ("daemon", "code"),
}
KINDS = tuple(SERVICES)
ROOT_TAG = "dagster/root_run_id"
ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
UNDER_WAY = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
PERIOD_SECONDS = 0.5


@dataclass
class Kill:
    """One kill: what was killed, when, and when each run that lost its worker was mended."""

    kind: Kind
    at: float
    lost: tuple[str, ...]
    ended: dict[str, float] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)
    heard: float | None = None

    @property
    def is_mended(self) -> bool:
        """Whether the daemon has been heard since, and each lost run is worked on once more."""
        return self.heard is not None and all(run in self.again for run in self.lost)

    @property
    def seconds(self) -> float:
        """From the kill until all was mended."""
        return max([self.heard or self.at, *self.again.values()]) - self.at


@dataclass
class Watcher:
    """Looks at a site's runs, kills, and keeps what it saw.

    `stuck` is, by run, the longest time that it was under way without a living worker.
    """

    site: Site
    instance: dg.DagsterInstance
    chance: random.Random
    number: int
    left: list[Kind] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    stuck: dict[str, float] = field(default_factory=dict)
    _orphaned: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """As many kills of each kind, in any order."""
        self.left = [KINDS[each % len(KINDS)] for each in range(self.number)]
        self.chance.shuffle(self.left)

    def records(self) -> list[RunRecord]:
        """All runs, newest first."""
        return list(self.instance.get_run_records())

    def look(self) -> list[RunRecord]:
        """Note what is mended and what is not; all runs."""
        now, records = time.time(), self.records()
        living = self.site.workers(self.instance)
        under_way = {each.dagster_run.run_id for each in records if _is(each, UNDER_WAY)}
        for run in under_way - set(living):
            since = self._orphaned.setdefault(run, now)
            self.stuck[run] = max(self.stuck.get(run, 0.0), now - since)
        for run in set(self._orphaned) - (under_way - set(living)):
            del self._orphaned[run]
        for kill in self.kills:
            if not kill.is_mended:
                self._note(kill, records, now)
        return records

    def kill(self) -> bool:
        """The next kill; False where it has to wait.

        It waits for a worker, and while the worker of a run that has crashed already is alive: a
        run that crashes twice is not started a third time, by design.
        """
        kind = self.left[-1]
        by_id = {each.dagster_run.run_id: each.dagster_run for each in self.records()}
        living = self.site.workers(self.instance)
        first = [run for run in living if ROOT_TAG not in by_id[run].tags]
        chosen: list[str] = []
        if kind == "worker":
            chosen = self.chance.sample(sorted(first), k=min(1, len(first)))
        elif kind == "all":
            chosen = list(living)
        if (kind == "worker" and not chosen) or (kind == "all" and len(first) < len(living)):
            return False
        self.left.pop()
        at = time.time()
        for run in chosen:
            if living[run].is_alive:
                os.kill(living[run].pid, signal.SIGKILL)  # not its group: that is for others to end
        for name in SERVICES[kind]:
            self.site.services[name].kill()
        self.kills.append(Kill(kind, at, tuple(chosen)))
        return True

    def _is_heard(self, kill: Kill) -> bool:
        """Whether the services that were killed have been heard since."""
        beats = self.instance.get_daemon_heartbeats() if "daemon" in SERVICES[kill.kind] else {}
        return all(each.timestamp > kill.at for each in beats.values()) and (
            "code" not in SERVICES[kill.kind] or self.site.answers()
        )

    def _note(self, kill: Kill, records: list[RunRecord], now: float) -> None:
        if kill.heard is None and self._is_heard(kill):
            kill.heard = now
        for each in records:
            run = each.dagster_run
            if run.run_id in kill.lost and _is(each, ENDED):
                kill.ended.setdefault(run.run_id, now)
                if run.status == DagsterRunStatus.SUCCESS:  # it had ended as it was killed
                    kill.again.setdefault(run.run_id, now)
            root = run.tags.get(ROOT_TAG)
            if root in kill.lost and each.start_time is not None:
                kill.again.setdefault(str(root), now)


def told(kills: list[Kill]) -> str:
    """The figures of all kills in words."""
    lines = [f"{len(kills)} kills: {dict(Counter(kill.kind for kill in kills))}"]
    by_kind: Mapping[str, list[Kill]] = {
        kind: [kill for kill in kills if kill.kind == kind] for kind in KINDS
    }
    for kind, some in [*by_kind.items(), ("any", kills)]:
        seconds = sorted(kill.seconds for kill in some)
        if seconds:
            median, most = seconds[len(seconds) // 2], seconds[-1]
            lines.append(f"  {kind}: mended after {median:.1f} s (median), {most:.1f} s (max)")
    noted = sorted(kill.ended[run] - kill.at for kill in kills for run in kill.lost)
    if noted:
        median, most = noted[len(noted) // 2], noted[-1]
        told_of = f"noted after {median:.1f} s (median), {most:.1f} s (max)"
        lines.append(f"  {len(noted)} runs lost their worker, {told_of}")
    return "\n".join(lines)


def _is(record: RunRecord, statuses: tuple[DagsterRunStatus, ...]) -> bool:
    return record.dagster_run.status in statuses
