"""What alerts are made from beside the store, and how one of a model is put together."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from model_refresh.monitoring.lateness import GRACE, Patience
from model_refresh.monitoring.overview import Memo
from model_refresh.monitoring.state import State
from model_refresh.records import Alert, AlertKind, AlertSeverity, RunFailure
from model_refresh.storage.store import stamp


@dataclass(frozen=True)
class Known:
    """What the shell knows. Without Dagster that is nothing: then the store alone is asked.

    `failures` are runs that failed with no later success, by model and selection; `under_way` the
    models of which a run waits or works; `stopped` those whose schedule a person has stopped;
    `started` when one has started those of others.
    """

    grace: dt.timedelta = GRACE
    failures: Mapping[tuple[str, str], RunFailure] = field(default_factory=dict)
    under_way: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()
    started: Mapping[str, dt.datetime] = field(default_factory=dict)
    memo: Memo = field(default_factory=Memo)

    @property
    def patience(self) -> Patience:
        """What is not held against a model."""
        return Patience(self.grace, self.under_way, self.stopped, self.started)


@dataclass(frozen=True)
class Case:
    """One model, looked at for alerts."""

    state: State
    known: Known

    @property
    def name(self) -> str:
        """The model's name."""
        return self.state.model.name

    def failure(self, selection: str) -> RunFailure | None:
        """The run of this selection that failed, with no later success."""
        return self.known.failures.get((self.name, selection))

    @cached_property
    def is_under_way(self) -> bool:
        """Whether somebody is at work on the model, or a run of it waits for its turn."""
        return self.known.patience.is_under_way(self.state)

    @property
    def works(self) -> str:
        """What goes on all the same."""
        entry = self.state.entry
        if entry is None:
            return "nothing is in production yet, so nothing is lost"
        said = f"champion {entry.record.version} of {stamp(entry.record.as_of)} stays in production"
        newest = self.state.newest_scored
        return said if newest is None else f"{said}; the newest scores are those of {stamp(newest)}"

    def alert(  # noqa: PLR0913  (what an alert consists of)
        self,
        kind: AlertKind,
        severity: AlertSeverity,
        sentence: str,
        *,
        command: str,
        works: str | None = None,
        cause: str = "",
        since: dt.datetime | None = None,
    ) -> Alert:
        """An alert of this model; `cause` tells causes of one kind apart."""
        return Alert(
            kind=kind,
            severity=severity,
            model=self.name,
            key=f"{kind}|{self.name}|{cause}",
            sentence=sentence,
            works=works or self.works,
            command=command,
            owners=self.state.model.spec.owners,
            since=since,
        )
