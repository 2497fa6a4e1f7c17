"""The whole fleet at one glance: a row a model, from what is stored; docs/how-to/overview.md."""

from model_refresh.monitoring.overview.fleet import fleet_rows
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.overview.row import overview, unreadable

__all__ = ["Memo", "fleet_rows", "overview", "unreadable"]
