"""The page of the whole fleet: one HTML file without network, a row a model."""

from model_refresh.report.fleet.cells import duration, moment
from model_refresh.report.fleet.page import render_fleet

__all__ = ["duration", "moment", "render_fleet"]
