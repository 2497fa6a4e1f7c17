"""Waiting until the machine has nothing left to do at the instant that its clock shows."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clock import MovedClock
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus

from model_refresh.config.model import Model
from model_refresh.monitoring.ticks import previous_tick

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
    """Looks at Dagster's own records from outside; `begun`: when the daemon first saw the fleet."""

    instance: DagsterInstance
    clock: MovedClock
    models: Sequence[Model]
    begun: dt.datetime
    patience: float = 900.0

    def settle(self, rounds: int = 2) -> None:
        """Wait until nothing runs and nobody asked for anything in so many rounds of all sensors.

        Raises TimeoutError where a round takes longer than `patience` seconds.
        """
        calm = 0
        while calm < rounds:
            begun = self.instance.get_runs_count()
            self._wait(lambda: not self.unfinished(), "runs that don't end")
            self.clock.set(self.clock.now() + _ROUND)
            moved = self.clock.now()
            self._wait(lambda moved=moved: self._has_ticked(moved), "schedules that don't tick")
            self._wait(lambda moved=moved: self._has_looked(moved), "sensors that don't look")
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

    def _has_ticked(self, moment: dt.datetime) -> bool:
        """Whether each schedule has evaluated the last of its ticks up to a moment."""
        due = {f"{model.name}_schedule": previous_tick(model, moment) for model in self.models}
        seen = {state.instigator_name: self._newest(state) for state in self._active("SCHEDULE")}
        return all(
            tick < self.begun or seen.get(name, 0.0) >= tick.timestamp()
            for name, tick in due.items()
        )

    def _has_looked(self, moment: dt.datetime) -> bool:
        """Whether each sensor has looked around since a moment."""
        sensors = self._active("SENSOR")
        since = moment.timestamp()
        return bool(sensors) and all(self._newest(state) >= since for state in sensors)

    def _active(self, kind: str) -> list[InstigatorState]:
        on = (InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE)
        states = self.instance.all_instigator_state()
        return [each for each in states if each.instigator_type.value == kind and each.status in on]

    def _newest(self, state: InstigatorState) -> float:
        """The instant of the newest tick that has ended; 0 where there is none."""
        ticks = self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        ended = [tick.timestamp for tick in ticks if tick.status != TickStatus.STARTED]
        return ended[0] if ended else 0.0

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + self.patience
        while not is_done():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}, in {self.patience:g} s")
            time.sleep(0.5)
