"""All open alerts of a fleet, and where it could be looked for them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from model_refresh.alerting import Observed
from model_refresh.config.alerts import FILE as ALERTS_FILE
from model_refresh.config.folder import FILE as MODEL_FILE
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, sentence_of
from model_refresh.monitoring.alerts.champions import of_champion
from model_refresh.monitoring.alerts.known import Case, Known
from model_refresh.monitoring.alerts.refreshes import of_refreshes
from model_refresh.monitoring.alerts.scores import of_scores
from model_refresh.monitoring.overview.fleet import name_of
from model_refresh.monitoring.state import read_state
from model_refresh.records import Alert, AlertKind
from model_refresh.storage import Store

KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
"""Everything that an alert can be about, the worst first."""
OVERDUE: tuple[AlertKind, ...] = ("not_started", "scores_missing")
"""What is about something that should have been there by now."""
_SEVERITIES = ("critical", "warning", "info")
_NONE_BELOW = "models below it are not read: no refresh and no batch of them begins"
_KEPT = "what is in the store stays"


@dataclass(frozen=True)
class FleetAlerts:
    """What is open now, the worst first, and where it was looked."""

    alerts: tuple[Alert, ...]
    observed: Observed

    @property
    def is_blind(self) -> bool:
        """Whether no model could be read at all, though there should be some."""
        return self.observed.read is not None and not self.observed.read

    def about(self, kinds: Collection[AlertKind]) -> "FleetAlerts":
        """Only what is of these kinds, as if it had been looked for nothing else."""
        alerts = tuple(a for a in self.alerts if a.kind in kinds)
        return FleetAlerts(alerts, replace(self.observed, kinds=frozenset(kinds)))

    @property
    def overdue(self) -> tuple[Alert, ...]:
        """What should have been there by now and is not."""
        return tuple(a for a in self.alerts if a.kind in OVERDUE)

    @property
    def unreadable(self) -> tuple[Alert, ...]:
        """Where it could not be looked whether anything is overdue, or whom to tell."""
        return tuple(a for a in self.alerts if a.kind == "unreadable")


def open_alerts(
    models: Sequence[Model],
    problems: Sequence[str],
    *,
    store: Store,
    now: dt.datetime,
    known: Known | None = None,
) -> FleetAlerts:
    """Every alert that is open. `problems` are as `read_fleet` and `read_alerts` give them.

    A model that can't be looked at, as its store is damaged, delays no other: it is an alert by
    itself. Where the fleet can't be read whole, nothing is over of models that were not read.
    """
    shell = known or Known()
    shell.memo.begin_round()
    found: list[Alert] = list(_unreadable(problems))
    unseen, under_way = set[str](), set[str]()
    for model in models:
        case = Case(read_state(model, store.model(model.name), now), shell)
        try:
            found += [*of_refreshes(case), *of_scores(case), *of_champion(case)]
            if case.is_under_way:
                under_way.add(model.name)
        except Exception as error:  # noqa: BLE001 - an alert by itself; one model stops no other
            unseen.add(model.name)
            found.append(_damaged(case, error))
    found.sort(key=_order)
    is_whole = all(name_of(problem) == ALERTS_FILE for problem in problems)
    read = None if is_whole else frozenset(model.name for model in models)
    observed = Observed(frozenset(KINDS), frozenset(unseen), read, frozenset(under_way))
    return FleetAlerts(tuple(found), observed)


def _order(alert: Alert) -> tuple[int, int, str, str]:
    severity = _SEVERITIES.index(alert.severity)
    return severity, KINDS.index(alert.kind), alert.model or "", alert.key


def _unreadable(problems: Sequence[str]) -> Iterator[Alert]:
    """One alert for each model that can't be read, and for each file that is not a model's.

    What models share, a defaults.yaml or the fleet's folder, is critical: none that takes it is
    read, so that nothing is said of them but this.
    """
    by_name: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for problem in problems:
        by_name[name_of(problem), f"/{MODEL_FILE}:" in problem].append(problem)
    for (name, is_model), told in by_name.items():
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        lost = "it can't be read and is left out of the fleet: " if is_model else ""
        is_shared = not is_model and name != ALERTS_FILE
        yield Alert(
            kind="unreadable",
            severity="critical" if is_shared else "warning",
            model=name if is_model else None,
            key=f"unreadable|{name if is_model else ''}|{'' if is_model else name}",
            sentence=f"{lost}{told[0]}{more}",
            works=f"{_NONE_BELOW if is_shared else 'the other models go on'}; {_KEPT}",
            command=f"model-refresh check {name}" if is_model else "model-refresh check",
        )


def _damaged(case: Case, error: Exception) -> Alert:
    is_stored = isinstance(error, ModelRefreshError | OSError)
    what = "what is stored of it can't be read" if is_stored else "it can't be looked at"
    return case.alert(
        "unreadable",
        "critical",
        f"{what}: {sentence_of(error)}",
        works="the other models go on",
        command=f"model-refresh verify {case.name}",
        cause="store",
    )
