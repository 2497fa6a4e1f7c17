"""Where a sink's files are."""

import os
from pathlib import Path


def place_of(declared: str, folder: Path) -> Path:
    """A declared path, absolute; one that is relative starts from the model's folder."""
    return Path(os.path.normpath(folder.resolve() / declared))
