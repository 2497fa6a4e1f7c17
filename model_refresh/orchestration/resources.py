"""What assets are given: the store, and the translation of our errors into Dagster's."""

import datetime as dt
import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.execution.context.compute import current_execution_context
from pydantic import PrivateAttr

from model_refresh.config.model import Model
from model_refresh.errors import Leased, ModelRefreshError
from model_refresh.monitoring.reasons import needless
from model_refresh.monitoring.state import read_state
from model_refresh.orchestration.requests import is_by_hand, reason_of
from model_refresh.orchestration.transients import failure_of
from model_refresh.orchestration.workers import worker_of
from model_refresh.pipeline.alone import record_reason
from model_refresh.processes import Fingerprint
from model_refresh.refresh.frame import require_arrived
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.files import sweep
from model_refresh.storage.leases import SECONDS, Held, Holder
from model_refresh.storage.store import utc_now

AnyContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext

RETRIES = 3
RETRY_SECONDS = 5.0
"""The first wait; each further one is twice as long: 35 s in all."""


class StoreResource(dg.ConfigurableResource[Store]):
    """The store below one folder; its place comes from MODEL_REFRESH_HOME.

    A refresh waits for up to `patience` seconds for another one of its model to end; its own lease
    lasts for `lease_seconds` unless it is renewed.
    """

    home: str
    lease_seconds: float = SECONDS
    patience: float = 3_600.0
    _held: dict[str, Held] = PrivateAttr(default_factory=dict)

    def all(self) -> Store:
        """The whole store."""
        return Store(Path(self.home))

    def of(self, model: Model) -> ModelStore:
        """One model's part of the store."""
        return Store(Path(self.home)).model(model.name)

    def swept(self, model: Model) -> ModelStore:
        """The same, without what crashed processes left there."""
        sweep(self.of(model).root)
        return self.of(model)

    def refreshing(self, context: AnyContext, model: Model) -> ModelStore:
        """The same, for a step of a refresh: with the model's lease, and its reason kept.

        The run has the lease from its first such step to its last. Fails for good where another
        has it for longer than `patience`.
        """
        if self._take(context, model) and context.has_partition_key:
            as_of = model.cadence.parse(context.partition_key)
            record_reason(self.of(model), reason_of(context.run, model, as_of))
        return self.of(model)

    def begin(self, context: AnyContext, model: Model, as_of: dt.datetime) -> str | None:
        """The same, for the first step; or why a run that no person started has nothing to do.

        That is asked with the lease in hand: it may have waited in the queue for long. One whose
        data are not there has not begun: NotDue, and nothing is kept.
        """
        self._take(context, model)
        reason = reason_of(context.run, model, as_of)
        told = needless(read_state(model, self.of(model), utc_now()), reason)
        if told is None or is_by_hand(context.run):
            require_arrived(model, self.of(model), as_of)
            record_reason(self.of(model), reason)
            return None
        self._held.pop(model.name).give_back()
        return told

    def _take(self, context: AnyContext, model: Model) -> bool:
        """Have the lease; whether it was taken now. Who waited in vain does not wait once more."""
        try:
            if model.name in self._held:
                self._held[model.name].require()
                return False
            self._held[model.name] = Held.take(
                self.of(model),
                holder_of(context),
                seconds=self.lease_seconds,
                patience=self.patience,
                on_wait=context.log.info,
            )
        except Leased as refusal:
            raise dg.Failure(str(refusal), allow_retries=False) from refusal
        return True

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Give back what this process took, unless the run's worker is another one and goes on."""
        own = Fingerprint.own().text
        while self._held:
            _, held = self._held.popitem()
            held.give_back(at_once=held.holder.process == own)


def holder_of(context: AnyContext) -> Holder:
    """A run as the holder of a lease; the lease ends with its worker's process."""
    run = context.run
    words = f"Dagster's run {run.run_id[:8]} on {socket.gethostname()}"
    return Holder.here(words, id=run.run_id, process=_worker(context))


def _worker(context: AnyContext) -> Fingerprint:
    """The process that lives as long as the run: this one, or the one that started this step."""
    worker = worker_of(context.run)
    if worker is None and _is_of_one_step(context) and multiprocessing.parent_process():
        worker = Fingerprint.of(os.getppid())
    return worker if worker is not None and worker.is_alive else Fingerprint.own()


def _is_of_one_step(context: AnyContext) -> bool:
    """Whether the executor gives each step a process of its own."""
    return context.job_def.executor_def.name == dg.multiprocess_executor.name


@contextmanager
def telling_failures() -> Iterator[None]:
    """Turn our errors into a Dagster failure with the same sentence; try transient ones again.

    A retry policy on the assets would also retry what is no error of ours, and a run that a person
    ends.
    """
    try:
        yield
    except ModelRefreshError as error:
        failure = failure_of(error)
        if not error.transient:
            raise failure from error
        wait = RETRY_SECONDS * 2 ** _tries_before()
        raise dg.RetryRequested(RETRIES, wait) from failure


def _tries_before() -> int:
    """How often the step that runs here was tried before; 0 outside of a step."""
    context = current_execution_context.get()
    return 0 if context is None else int(context.retry_number)
