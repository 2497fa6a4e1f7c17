"""How people are told: whom, by which service, how often, and never a secret."""

from model_refresh.alerting.allowed import Allowed
from model_refresh.alerting.declared import AlertsSpec, Match, Route
from model_refresh.alerting.due import Letter, Observed
from model_refresh.alerting.round import tell, try_route
from model_refresh.alerting.sending import ping

__all__ = [
    "AlertsSpec",
    "Allowed",
    "Letter",
    "Match",
    "Observed",
    "Route",
    "ping",
    "tell",
    "try_route",
]
