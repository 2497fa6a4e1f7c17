"""What people should know of a fleet: from what is stored to alerts; docs/how-to/alerts.md."""

from model_refresh.monitoring.alerts.fleet import FleetAlerts, open_alerts
from model_refresh.monitoring.alerts.known import Known

__all__ = ["FleetAlerts", "Known", "open_alerts"]
