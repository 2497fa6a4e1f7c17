"""Alerts, routes and instants for tests."""

import datetime as dt
from collections.abc import Sequence

from model_refresh.alerting import AlertsSpec, Observed, Route
from model_refresh.alerting.task import Outcome, Task
from model_refresh.monitoring.alerts.fleet import KINDS
from model_refresh.records import Alert, AlertKind, AlertSeverity

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
EVERYWHERE = Observed(frozenset(KINDS))


def make_alert(
    model: str | None = "churn",
    kind: AlertKind = "scores_missing",
    severity: AlertSeverity = "critical",
    **fields: object,
) -> Alert:
    """An alert of a model."""
    told = {"sentence": "the scores are due", "works": "the champion", "command": "look", **fields}
    key = f"{kind}|{model or ''}|"
    return Alert.model_validate(
        {"kind": kind, "severity": severity, "model": model, "key": key, **told}
    )


def make_route(name: str = "ops", url: str = "${URL}", **fields: object) -> Route:
    """A route to one address."""
    return Route.model_validate({"name": name, "urls": (url,), **fields})


def make_spec(*routes: Route, **fields: object) -> AlertsSpec:
    """A declaration; by default of one route."""
    return AlertsSpec.model_validate({"routes": routes or (make_route(),), **fields})


class Postman:
    """Sends nothing, keeps what it was given, and fails where it is told to."""

    def __init__(self, *, failing: Sequence[str] = ()) -> None:
        self.failing = list(failing)
        self.tasks: list[Task] = []

    def __call__(self, task: Task) -> Outcome:
        self.tasks.append(task)
        if task.url in self.failing:
            return Outcome(delivered=False, failure="no answer")
        return Outcome(delivered=True)

    @property
    def titles(self) -> list[str]:
        """Of everything that it was given."""
        return [task.title for task in self.tasks]
