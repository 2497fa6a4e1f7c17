"""What assets are given: the store, and the translation of our errors into Dagster's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.storage import ModelStore, Store

RETRIES = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For transient faults only: every other error forbids its retry (`telling_failures`)."""


class StoreResource(dg.ConfigurableResource[Store]):
    """The store below one folder; its place comes from MODEL_REFRESH_HOME."""

    home: str

    def of(self, model: Model) -> ModelStore:
        """One model's part of the store."""
        return Store(Path(self.home)).model(model.name)


@contextmanager
def telling_failures() -> Iterator[None]:
    """Turn our errors into a Dagster failure with the same sentence."""
    try:
        yield
    except ModelRefreshError as error:
        raise dg.Failure(str(error), allow_retries=error.transient) from error
