"""Waiting until the machine has nothing left to do at the instant that its clock shows."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from clock import MovedClock
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_ROUND = dt.timedelta(seconds=301)
"""Longer than any sensor waits between two looks."""


@dataclass(frozen=True)
class Watcher:
    """Looks at Dagster's own records from outside."""

    instance: DagsterInstance
    clock: MovedClock
    patience: float = 600.0

    def settle(self, rounds: int = 2) -> None:
        """Wait until nothing runs and nobody asked for anything in so many rounds of all sensors.

        Raises TimeoutError where a round takes longer than `patience` seconds.
        """
        calm = 0
        while calm < rounds:
            begun = self.instance.get_runs_count()
            self._wait(lambda: not self.unfinished(), "runs that don't end")
            self.clock.set(self.clock.now() + _ROUND)
            moved = self.clock.now().timestamp()
            self._wait(lambda moved=moved: self._looked_since(moved), "sensors that don't look")
            still = self.instance.get_runs_count() == begun and not self.unfinished()
            calm = calm + 1 if still else 0

    def wait_for_started(self, number: int) -> None:
        """Wait until so many runs are under way at once."""
        started = RunsFilter(statuses=[DagsterRunStatus.STARTED])
        self._wait(
            lambda: self.instance.get_runs_count(started) >= number, f"no {number} runs at once"
        )

    def unfinished(self) -> int:
        """How many runs wait or work."""
        return self.instance.get_runs_count(RunsFilter(statuses=_UNFINISHED))

    def _looked_since(self, moment: float) -> bool:
        states = self.instance.all_instigator_state()
        sensors = [
            state
            for state in states
            if state.instigator_type.value == "SENSOR"
            and state.status in (InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE)
        ]
        if not sensors:
            return False
        ticks = [
            self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
            for state in sensors
        ]
        return all(
            tick and tick[0].timestamp >= moment and tick[0].status != TickStatus.STARTED
            for tick in ticks
        )

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + self.patience
        while not is_done():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}, in {self.patience:g} s")
            time.sleep(0.5)
