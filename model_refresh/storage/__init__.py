"""Where everything is kept: folders and logs that appear whole or not at all, and never change."""

from model_refresh.storage.folder import Draft, Manifest, StoredFolder
from model_refresh.storage.home import Store
from model_refresh.storage.log import Line, Log
from model_refresh.storage.store import ModelStore

__all__ = ["Draft", "Line", "Log", "Manifest", "ModelStore", "Store", "StoredFolder"]
