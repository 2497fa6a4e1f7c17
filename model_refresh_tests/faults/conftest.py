"""What makes system calls fail."""

import shutil
import sys

import pytest

from model_refresh_tests.faults.world import run


@pytest.fixture
def strace() -> list[str]:
    """The start of a command line that lets system calls fail; skips where it isn't allowed."""
    found = shutil.which("strace")
    if found is None or run([found, "-qq", sys.executable, "-c", ""]).returncode:
        pytest.skip("needs strace, and the right to trace")
    return [found, "-f", "-qq", "-o", "/dev/null"]
