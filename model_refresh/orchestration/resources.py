"""What assets are given: the store, and the translation of our errors into Dagster's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.files import sweep

RETRIES = 2
RETRY_SECONDS = 5.0


class StoreResource(dg.ConfigurableResource[Store]):
    """The store below one folder; its place comes from MODEL_REFRESH_HOME."""

    home: str

    def of(self, model: Model) -> ModelStore:
        """One model's part of the store."""
        return Store(Path(self.home)).model(model.name)

    def swept(self, model: Model) -> ModelStore:
        """The same, without what crashed processes left there."""
        sweep(self.of(model).root)
        return self.of(model)


@contextmanager
def telling_failures() -> Iterator[None]:
    """Turn our errors into a Dagster failure with the same sentence; try transient ones again.

    A retry policy on the assets would also retry what is no error of ours, and a run that a person
    ends.
    """
    try:
        yield
    except ModelRefreshError as error:
        failure = dg.Failure(str(error), allow_retries=False)
        if not error.transient:
            raise failure from error
        raise dg.RetryRequested(RETRIES, RETRY_SECONDS) from failure
