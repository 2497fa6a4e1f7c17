"""The whole store: one folder, with a part for each model."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_refresh.errors import StoreError
from model_refresh.records import SentAlert
from model_refresh.storage.instants import utc_now
from model_refresh.storage.log import Log
from model_refresh.storage.store import NAME, ModelStore


@dataclass(frozen=True)
class Store:
    """Everything below one root folder."""

    root: Path
    clock: Callable[[], dt.datetime] = utc_now

    def model(self, name: str) -> ModelStore:
        """The part that belongs to one model; names can't leave the root."""
        if not NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no model name; accepted: {NAME.pattern}")
        return ModelStore(self.root / name, self.clock)

    @property
    def alerts(self) -> Log[SentAlert]:
        """Every message that went out."""
        return Log(self.root / "_alerts", SentAlert, self.clock)

    def models(self) -> list[str]:
        """The names of the models that have been stored, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if NAME.fullmatch(path.name))
