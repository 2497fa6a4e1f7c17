"""One round of alerts: what is open is told to whom it concerns, and the heartbeat is asked."""

import datetime as dt
from dataclasses import dataclass

from model_refresh.alerting import AlertsSpec, ping, tell
from model_refresh.alerting.sending import Send, send
from model_refresh.monitoring.alerts import FleetAlerts
from model_refresh.records import SentAlert
from model_refresh.storage import Store


@dataclass(frozen=True)
class Told:
    """What was sent; `heartbeat` is why its address could not be asked, None where it could."""

    sent: tuple[SentAlert, ...] = ()
    heartbeat: str | None = None

    @property
    def troubles(self) -> list[str]:
        """What did not arrive, a sentence each; no address among them."""
        failed = [each for each in self.sent if not each.delivered]
        told = [f"{each.route}: {each.failure} (it is tried again)" for each in failed]
        return [*told, *([f"heartbeat: {self.heartbeat}"] if self.heartbeat else [])]


def tell_fleet(  # noqa: PLR0913  (what is known and when, and who sends)
    store: Store,
    spec: AlertsSpec,
    found: FleetAlerts,
    *,
    now: dt.datetime,
    beat: bool = True,
    by: Send = send,
) -> Told:
    """Send what is due; the heartbeat's address is asked where all was told and `beat` is so.

    It is not while no model can be read, so that whoever watches it notices. Nothing is raised for
    what could not be sent: it is in the answer, and in the log of messages.
    """
    came = tell(store, spec, found.alerts, observed=found.observed, now=now, by=by)
    if not beat or not came.is_told or found.is_blind:
        return Told(came.sent)
    outcome = ping(spec, by=by)
    return Told(came.sent, outcome.failure if outcome is not None else None)
