"""Which failed runs may go well later: what their steps said of the faults that ended them.

A step whose fault is transient is tried again for half a minute. Where that was not enough, its
failure keeps that the fault was transient, and `recover` starts the run anew after a while.
"""

from collections.abc import Mapping

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus, RunRecord
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring.recovery import RunFacts
from model_refresh.orchestration.run_facts import facts_of
from model_refresh.orchestration.tags import MODEL_TAG

_TRANSIENT = "transient"
_STEP_FAILURE = "STEP_FAILURE"


def failure_of(error: ModelRefreshError) -> dg.Failure:
    """Our error as Dagster's failure, which tells whether it was transient."""
    metadata: Mapping[str, bool] = {_TRANSIENT: True} if error.transient else {}
    return dg.Failure(str(error), metadata=metadata, allow_retries=False)


class Transients:
    """Reads of runs whether they may pass; of each once, for what has ended stays as it is."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def facts_of(self, record: RunRecord, instance: dg.DagsterInstance) -> RunFacts:
        """What the rules of recovery need to know of a run that is launched no more."""
        return facts_of(record, may_pass=self._may_pass(record.dagster_run, instance))

    def forget_all_but(self, runs: set[str]) -> None:
        """Keep what is known of these runs only."""
        self._known = {run: known for run, known in self._known.items() if run in runs}

    def _may_pass(self, run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
        """Whether each of its failed steps says so; False for runs that a person started."""
        is_failed = run.status == DagsterRunStatus.FAILURE and bool(run.tags.get(MODEL_TAG))
        if not is_failed or run.tags.get(RUN_FAILURE_REASON_TAG) != _STEP_FAILURE:
            return False
        if run.run_id not in self._known:
            self._known[run.run_id] = _all_transient(run, instance)
        return self._known[run.run_id]


def _all_transient(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    told = [_is_transient(entry.dagster_event) for entry in entries if entry.dagster_event]
    return bool(told) and all(told)


def _is_transient(event: dg.DagsterEvent) -> bool:
    data = event.step_failure_data.user_failure_data
    return data is not None and _TRANSIENT in data.metadata
