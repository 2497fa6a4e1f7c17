"""One message to one address, by a process of its own that is ended when it takes too long."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from model_refresh.alerting.declared import AlertsSpec
from model_refresh.alerting.task import OUTCOME, TASK, Outcome, Task
from model_refresh.alerting.text import Message
from model_refresh.errors import FitError, StoreWriteError
from model_refresh.isolation import run_isolated
from model_refresh.records import AlertSeverity

Send = Callable[[Task], Outcome]

_MEMORY_MIB = 1024
_START_SECONDS = 15.0
"""What the process may take beside the sending itself, on a busy machine."""


def message_task(spec: AlertsSpec, url: str, message: Message, severity: AlertSeverity) -> Task:
    """What the sending process is to do with a message."""
    return Task(
        kind="message",
        url=url,
        allow=spec.allow,
        title=message.title,
        body=message.body,
        severity=severity,
        timeout_seconds=spec.timeout_seconds,
    )


def ping(spec: AlertsSpec, by: Send | None = None) -> Outcome | None:
    """Ask the declared heartbeat's address; None where none is declared."""
    if spec.heartbeat is None:
        return None
    task = Task(
        kind="heartbeat",
        url=spec.heartbeat,
        allow=spec.allow,
        timeout_seconds=spec.timeout_seconds,
    )
    return (by or send)(task)


def send(task: Task) -> Outcome:
    """Do a task in a process of its own; what goes wrong is in the outcome, nothing is raised."""
    with tempfile.TemporaryDirectory(prefix="model-refresh-") as name:
        job = Path(name)
        (job / TASK).write_text(task.canonical())
        try:
            run_isolated(
                "model_refresh.alerting.courier",
                job,
                deadline_seconds=task.timeout_seconds + _START_SECONDS,
                memory_mib=_MEMORY_MIB,
            )
            return Outcome.parse((job / OUTCOME).read_bytes())
        except (FitError, StoreWriteError, OSError, ValueError) as error:
            return Outcome(delivered=False, failure=_reason(error))


def _reason(error: Exception) -> str:
    """Why there is no outcome; the last line of a crash may hold an address, so it isn't told."""
    text = str(error)
    known = text.startswith(("stopped at", "died of", "ran out of"))
    return f"the sending process {text}" if known else "the sending process broke"
