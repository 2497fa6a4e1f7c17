"""A fit that is killed between its model and the manifest, which would have made it visible."""

import os
import signal
from pathlib import Path

import pytest

from model_refresh.isolation import child_main
from model_refresh.refresh.fitting import run_job
from model_refresh.storage.files import publish_file


def die(path: Path, content: bytes) -> bool:
    written = sorted(each.name for each in path.parent.iterdir())
    if "model.json" not in written:  # what the tuning leaves, before
        return publish_file(path, content)
    os.kill(os.getpid(), signal.SIGKILL)
    return False


if __name__ == "__main__":
    pytest.MonkeyPatch().setattr("model_refresh.storage.folder.publish_file", die)
    child_main(run_job)
